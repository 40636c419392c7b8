"""The average of the weights."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.callbacks import AveragedWeights


class Watch(keras.callbacks.Callback):
    """Remembers the kernel at every turn, and keeps the average by itself."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after
        self.seen = {"begin": [], "trained": [], "test": [], "end": []}
        self.average = 0.0

    def kernel(self):
        return ops.convert_to_numpy(self.model.trainable_variables[0]).copy()

    def on_epoch_begin(self, epoch, logs=None):
        self.seen["begin"].append(self.kernel())

    def on_test_begin(self, logs=None):
        self.seen["test"].append(self.kernel())

    def on_epoch_end(self, epoch, logs=None):
        self.seen["end"].append(self.kernel())
        if epoch == self.stop_after:
            self.model.stop_training = True


def fit(callbacks, epochs=3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    x = np.array([[1.0, 2.0], [3.0, -1.0]], "float32")
    data = x, x[:, :1]
    model.fit(*data, epochs=epochs, verbose=0, validation_data=data, callbacks=callbacks)
    final = ops.convert_to_numpy(model.trainable_variables[0]).copy()
    model.evaluate(*data, verbose=0)  # on JAX it deletes the memory of the weights: is it theirs?
    if any(isinstance(one, AveragedWeights) for one in callbacks):
        [ops.convert_to_numpy(v) for v in model.optimizer.variables]
    return final


@pytest.mark.parametrize("stop_after", [None, 1])
def test_validation_sees_the_average_and_training_goes_on_from_the_weights(stop_after):
    watch, raw = Watch(stop_after), Watch()
    final = fit([AveragedWeights(), watch])
    fit([raw], epochs=4)  # one step an epoch: the weights that training goes through
    steps = raw.seen["begin"]
    average = [steps[1]]
    for weights in steps[2:]:
        average.append(0.5 * average[-1] + 0.5 * weights)
    epochs = 3 if stop_after is None else stop_after + 1
    assert len(watch.seen["end"]) == epochs
    np.testing.assert_array_equal(watch.seen["begin"], steps[:epochs])
    np.testing.assert_allclose(watch.seen["test"], average[:epochs], rtol=1e-6)
    np.testing.assert_array_equal(watch.seen["end"], watch.seen["test"])
    np.testing.assert_array_equal(final, watch.seen["end"][-1])


def test_an_optimizer_without_average_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"use_ema=True\); received SGD"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[AveragedWeights()])
