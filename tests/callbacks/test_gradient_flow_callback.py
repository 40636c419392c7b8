"""The probe of gradients during `fit`."""

import keras
import numpy as np
import pytest
from cases import floats
from keras import ops

from keras_seq.analysis import gradient_flow, plot_gradient_heatmap
from keras_seq.callbacks import GradientFlow
from keras_seq.layers import GRU

BACKEND = keras.config.backend()
X, Y = floats(12, 6, 3), floats(12, 2)


def new_model(**options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6, 3)), GRU(4, name="gru"), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.3, momentum=0.9), "mse", **options)
    return model


@pytest.mark.parametrize("jit_compile", [False] if BACKEND == "torch" else [False, True])
def test_records_are_those_outside_of_fit_and_training_is_the_same(jit_compile):
    model, plain = new_model(jit_compile=jit_compile), new_model(jit_compile=jit_compile)
    flow = GradientFlow(X[:4], Y[:4])
    before = gradient_flow(model, X[:4], Y[:4])["gru"]
    history = model.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0, callbacks=[flow])
    plain.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    for one, other in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
    assert flow.times == [0, 1, 2] and flow.flows["gru"].shape == (3, 6)
    np.testing.assert_allclose(flow.flows["gru"][0], before, rtol=1e-4)
    after = gradient_flow(model, X[:4], Y[:4])["gru"]
    np.testing.assert_allclose(flow.flows["gru"][2], after, rtol=1e-4)
    assert history.history["gradient_ratio/gru"][-1] == pytest.approx(
        after[0] / after[-1], rel=1e-3
    )


def test_batches_and_a_second_fit():
    model = new_model()
    flow = GradientFlow(X[:4], Y[:4], every=2, per="batch")
    for _ in range(2):
        model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[flow])
    assert flow.times == [0, 2, 4, 6]
    rows = flow.flows["gru"]
    assert rows.shape == (4, 6) and len(np.unique(rows[:, 0])) == 4
    np.testing.assert_allclose(rows[-1], gradient_flow(model, X[:4], Y[:4])["gru"], rtol=1e-4)
    figure = plot_gradient_heatmap(flow)
    assert figure.axes[0].get_ylabel() == "batches trained"


def test_bad_input_is_refused():
    model = new_model()
    with pytest.raises(ValueError, match="`every`"):
        GradientFlow(X, Y, every=0)
    with pytest.raises(ValueError, match="`per`"):
        GradientFlow(X, Y, per="step")
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    dense.compile("sgd", "mse")
    with pytest.raises(ValueError, match="recurrent layer"):
        dense.fit(X[:, 0], Y, verbose=0, callbacks=[GradientFlow(X[:, 0], Y)])
    with pytest.raises(ValueError, match=r"probe batch; received inputs of the shape \(12, 6, 2\)"):
        model.fit(X, Y, verbose=0, callbacks=[GradientFlow(X[..., :2], Y)])
