"""The best model on disk."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.callbacks import BestModel

VALUES = [3.0, float("nan"), 1.0, 2.0, None, 1.5, 0.5]


class Report(keras.callbacks.Callback):
    """Reports given numbers, and remembers the weights that went with them."""

    def __init__(self, values):
        super().__init__()
        self.values = values
        self.kernels = []

    def on_epoch_end(self, epoch, logs=None):
        if self.values[epoch] is not None:
            logs["score"] = self.values[epoch]
        self.kernels.append(kernel(self.model))


def kernel(model):
    return ops.convert_to_numpy(model.layers[0].kernel).copy()


def fit(values, *callbacks, model=None):
    """Return the model and what its weights were after each epoch."""
    if model is None:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    report = Report(values)
    x = np.ones((4, 2), "float32")
    model.fit(x, x[:, :1], epochs=len(values), verbose=0, callbacks=[report, *callbacks])
    return model, report.kernels


@pytest.mark.parametrize(
    ("mode", "best", "patience", "epochs"),
    [("min", 2, 2, 6), ("max", 0, 5, 7), ("min", 6, None, 7)],
)
def test_the_best_epoch_is_saved_and_comes_back(tmp_path, mode, best, patience, epochs):
    callback = BestModel(tmp_path / "best.keras", "score", mode, patience)
    model, kernels = fit(VALUES, callback)
    assert len(kernels) == epochs
    assert callback.best == VALUES[best]
    np.testing.assert_array_equal(kernel(model), kernels[best])
    saved = keras.saving.load_model(tmp_path / "best.keras")
    np.testing.assert_array_equal(kernel(saved), kernels[best])


def test_a_resumed_training_goes_on_counting(tmp_path):
    first = BestModel(tmp_path / "best.keras", "score", patience=3)
    model, _ = fit(VALUES[2:4], first)
    state = json.loads(json.dumps(first.get_state()))
    resumed = BestModel(tmp_path / "best.keras", "score", patience=3)
    resumed.set_state(state)
    later, kernels = fit([4.0, 5.0, 0.0], resumed)
    assert len(kernels) == 2 and resumed.waited == 3
    np.testing.assert_array_equal(kernel(later), kernel(model))
    (tmp_path / "best.keras").unlink()
    with pytest.raises(ValueError, match=r"its best model in .*best\.keras, and there is no such"):
        resumed.set_state(state)


def test_another_model_does_not_get_the_weights_of_the_one_before(tmp_path):
    """One callback in a loop over settings: each training has a best of its own."""
    callback = BestModel(tmp_path / "best.keras", "score", patience=2)
    fit([0.1, 0.3, 0.4], callback)
    model, kernels = fit([0.9, 0.8, 1.0, 0.85], callback)
    assert len(kernels) == 4 and callback.best == 0.8
    np.testing.assert_array_equal(kernel(model), kernels[1])
    np.testing.assert_array_equal(
        kernel(keras.saving.load_model(tmp_path / "best.keras")), kernels[1]
    )


def test_the_same_model_keeps_its_best_and_waits_anew(tmp_path):
    callback = BestModel(tmp_path / "best.keras", "score", patience=2)
    model, kernels = fit([0.5, 0.6, 0.7], callback)
    _, later = fit([0.8, 0.9, 0.1], callback, model=model)
    assert len(later) == 2 and callback.best == 0.5
    np.testing.assert_array_equal(kernel(model), kernels[0])


def test_mistakes(tmp_path):
    path = tmp_path / "best.keras"
    with pytest.raises(ValueError, match=r"monitors 'val_scor', .* they have \['loss', 'score'\]"):
        fit([1.0], BestModel(path, "val_scor"))
    with pytest.raises(ValueError, match=r"must end in \.keras; received best\.h5"):
        BestModel("best.h5")
    with pytest.raises(ValueError, match='`mode` must be "min" or "max"; received \'auto\''):
        BestModel(path, mode="auto")
    with pytest.raises(ValueError, match="`patience` must be at least 1, or None; received 0"):
        BestModel(path, patience=0)
