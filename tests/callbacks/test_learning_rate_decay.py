"""The learning rate that falls over the epochs."""

import json

import keras
import numpy as np
import pytest

from keras_seq.callbacks import LearningRateDecay


class Rates(keras.callbacks.Callback):
    """Remembers the learning rate of each batch."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def fit(decay, data=None, epochs=4, initial_epoch=0, batches=40):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    rates = Rates()
    x = np.ones((batches, 2), "float32")
    data = {"x": x, "y": x[:, :1], "batch_size": 1} if data is None else {"x": data}
    model.fit(
        **data, epochs=epochs, initial_epoch=initial_epoch, verbose=0, callbacks=[decay, rates]
    )
    return rates.rates


def expected(share, warmup, schedule):
    if share < warmup:
        factor = share / warmup
    else:
        factor = (1 - share) / (1 - warmup)
        if schedule == "cosine":
            factor = (1 - np.cos(np.pi * factor)) / 2
    return 0.5 * max(factor, 0.05)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_of_every_batch(schedule):
    rates = fit(LearningRateDecay(0.2, schedule))
    # Set where an epoch begins, and after its batches 1, 21, ...
    shares = [(e + b) / 4 for e in range(4) for b in [0.0] + 20 * [1 / 40] + 19 * [21 / 40]]
    np.testing.assert_allclose(rates, [expected(s, 0.2, schedule) for s in shares], rtol=1e-5)


@pytest.mark.once
def test_batches_that_nobody_counted_before():
    def batches():
        yield from [(np.ones((1, 2), "float32"), np.ones((1, 1), "float32"))] * 40

    import tensorflow as tf

    spec = tf.TensorSpec((None, 2)), tf.TensorSpec((None, 1))
    rates = fit(LearningRateDecay(), tf.data.Dataset.from_generator(batches, output_signature=spec))
    assert set(rates[:40]) == {0.5}
    shares = [(e + b) / 4 for e in range(1, 4) for b in [0.0] + 20 * [1 / 40] + 19 * [21 / 40]]
    np.testing.assert_allclose(rates[40:], [expected(s, 0, "linear") for s in shares], rtol=1e-5)


@pytest.mark.once
def test_a_resumed_training_goes_on():
    whole = fit(LearningRateDecay())
    first = LearningRateDecay()
    fit(first, epochs=4)
    resumed = LearningRateDecay()
    resumed.set_state(json.loads(json.dumps(first.get_state())))
    np.testing.assert_array_equal(fit(resumed, initial_epoch=2), whole[80:])


def test_bad_options():
    with pytest.raises(ValueError, match=r"`warmup` must be in \[0, 1\); received 1"):
        LearningRateDecay(1)
    with pytest.raises(ValueError, match="`schedule` must be one of 'linear', 'cosine'; received"):
        LearningRateDecay(schedule="step")
