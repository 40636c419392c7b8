"""The average of the weights."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.backend import synchronize
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
    final = fit([AveragedWeights(warm_up=False), watch])
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


class Weights(keras.callbacks.Callback):
    """Remembers what the weights are after each batch."""

    def __init__(self):
        super().__init__()
        self.after = []

    def on_train_batch_end(self, batch, logs=None):
        synchronize(self.model)
        self.after.append(ops.convert_to_numpy(self.model.trainable_variables[0]).copy())


def model_of(momentum, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=momentum, **options)
    model.compile(optimizer, "mse")
    return model


X = np.random.default_rng(0).normal(size=(24, 2)).astype("float32")


def weighted(weights, momentum):
    """The average of `weights` by definition, the last of which counts most."""
    share = momentum ** np.arange(len(weights))[::-1]
    return np.tensordot(share / share.sum(), np.array(weights), 1)


@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2}])
def test_a_young_average_forgets_the_beginning(options):
    model, weights, watch = model_of(0.9, **options), Weights(), Watch()
    model.fit(
        *(X, X[:, :1]), batch_size=4, epochs=6, verbose=0,
        callbacks=[AveragedWeights(), weights, watch],
    )  # fmt: skip
    # 6 batches an epoch: anew at the first step and with the epochs 2 and 3; then it is older than
    # 10 batches, and with the epoch 5 it goes on.
    per_epoch = 6
    began = {0: options.get("gradient_accumulation_steps", 1), 1: 6, 2: 12, 3: 12, 4: 12, 5: 12}
    for epoch, first in began.items():
        expected = weighted(weights.after[first : (epoch + 1) * per_epoch], 0.9)
        np.testing.assert_allclose(watch.seen["end"][epoch], expected, rtol=2e-5)
    final = ops.convert_to_numpy(model.trainable_variables[0])
    np.testing.assert_array_equal(final, watch.seen["end"][-1])


def test_another_fit_begins_an_average_of_its_own_and_a_resumed_one_goes_on():
    model, weights = model_of(0.99), Weights()
    data = {"x": X, "y": X[:, :1], "batch_size": 4, "verbose": 0}
    average = AveragedWeights()
    model.fit(**data, epochs=2, callbacks=[average])
    model.fit(**data, epochs=1, callbacks=[average, weights])
    final = ops.convert_to_numpy(model.trainable_variables[0])
    np.testing.assert_allclose(final, weighted(weights.after, 0.99), rtol=2e-5)
    state = average.get_state()
    average.take_out()
    resumed = AveragedWeights()
    resumed.set_state(state)
    model.fit(**data, epochs=4, initial_epoch=3, callbacks=[resumed, weights])
    final = ops.convert_to_numpy(model.trainable_variables[0])
    np.testing.assert_allclose(final, weighted(weights.after, 0.99), rtol=2e-5)


def test_one_batch_in_all_leaves_the_trained_weights():
    model, weights = model_of(0.99), Weights()
    model.fit(X, X[:, :1], batch_size=24, verbose=0, callbacks=[AveragedWeights(), weights])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(model.trainable_variables[0]), weights.after[-1]
    )


def test_an_optimizer_without_average_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"use_ema=True\); received SGD"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[AveragedWeights()])
