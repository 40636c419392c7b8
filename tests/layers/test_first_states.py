"""Initial states that fit, that stand for all rows, and that do not fit."""

import numpy as np
import pytest
from checks import assert_close

from keras_seq.layers import GRU, LSTM, Bidirectional, MinGRU, MinLSTM, RNNStack, VanillaRNN

X = np.linspace(-1, 1, 30).reshape(2, 5, 3).astype("float32")
LAYERS = {
    "LSTM": (lambda: LSTM(4), 2),
    "GRU": (lambda: GRU(4), 1),
    "VanillaRNN": (lambda: VanillaRNN(4), 1),
    "MinGRU": (lambda: MinGRU(4), 1),
    "MinLSTM": (lambda: MinLSTM(4), 1),
    "a loop of Keras": (lambda: LSTM(4, unroll=True), 2),
    "Bidirectional": (lambda: Bidirectional(LSTM(4)), 4),
    "both, of GRUs": (lambda: Bidirectional(GRU(4), merge_mode="sum"), 2),
}


def states(count, rows=2, size=4):
    return [np.full((rows, size), 0.1 * (k + 1), "float32") for k in range(count)]


@pytest.mark.once  # PyTorch's kernel would read behind the end of them
@pytest.mark.parametrize("name", LAYERS)
def test_states_that_do_not_fit_are_refused_before_a_kernel_sees_them(name):
    make, count = LAYERS[name]
    layer = make()
    good = states(count)
    before = layer(X, initial_state=good)
    for wrong in (
        states(count, size=7),
        states(count, rows=3),
        states(count + 1),
        [x[:, :, None] for x in good],
        [*good[:-1], good[-1][:, :2]],
    ):
        with pytest.raises(ValueError, match=r"`initial_state` must be tensors of the shapes"):
            layer(X, initial_state=wrong)
    assert_close(layer(X, initial_state=good), before, atol=0, rtol=0)


@pytest.mark.once
def test_a_stack_says_how_many_states_each_layer_has():
    stack = RNNStack("gru", units=4, num_layers=2)
    for wrong in (states(2), [states(1)], states(1)[0], [states(1), states(1, size=5)]):
        with pytest.raises(ValueError, match="for each layer a list of state tensors"):
            stack(X, initial_state=wrong)
    with pytest.raises(ValueError, match=r"must be tensors of the shapes \[\(2, 4\)\]"):
        stack(X, initial_state=[states(1), states(1, rows=3)])


@pytest.mark.parametrize("name", ["LSTM", "GRU", "MinGRU", "Bidirectional"])
def test_one_row_stands_for_all(name):
    """A learnt first state, `(1, size)`; on JAX Keras's layers refuse it."""
    make, count = LAYERS[name]
    layer = make()
    mask = np.arange(5) < np.array([5, 2])[:, None]
    found = layer(X, initial_state=states(count, rows=1), mask=mask)
    assert_close(found, layer(X, initial_state=states(count), mask=mask))


def test_one_row_stands_for_all_in_a_stack():
    stack = RNNStack("lstm", units=4, num_layers=2)
    found = stack(X, initial_state=[states(2, rows=1), states(2)])
    assert_close(found, stack(X, initial_state=[states(2), states(2)]))


@pytest.mark.once
@pytest.mark.parametrize("name", ["LSTM", "GRU", "VanillaRNN", "MinGRU", "Bidirectional"])
def test_masks_of_another_shape_are_refused(name):
    layer = LAYERS[name][0]()
    for shape in ((2, 4), (2, 6), (3, 5), (5, 2), (2, 5, 1), (5,)):
        with pytest.raises(ValueError, match=r"`mask` must be \(batch, time\), here \(2, 5\)"):
            layer(X, mask=np.ones(shape, bool))
