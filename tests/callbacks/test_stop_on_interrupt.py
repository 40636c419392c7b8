"""Ctrl-C during training."""

import signal

import keras
import numpy as np
import pytest

from keras_seq.callbacks import StopOnInterrupt


class Press(keras.callbacks.Callback):
    """Presses Ctrl-C in the first batches."""

    def __init__(self, times):
        super().__init__()
        self.times = times
        self.batches = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.batches += 1
        if self.batches <= self.times:
            signal.raise_signal(signal.SIGINT)


def fit(press, interrupt):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2))
    data = x, x[:, :1]
    callbacks = [press, interrupt]
    model.fit(*data, 1, epochs=3, verbose=0, validation_data=data, callbacks=callbacks)
    return model.history.history


def test_once_ends_training_as_if_it_were_over(capsys):
    before = signal.getsignal(signal.SIGINT)
    press = Press(times=1)
    with StopOnInterrupt() as interrupt:
        history = fit(press, interrupt)
    assert interrupt.happened and press.batches == 1
    assert len(history["val_loss"]) == 1
    assert signal.getsignal(signal.SIGINT) is before
    assert "Stopping after this batch" in capsys.readouterr().err


def test_twice_is_a_keyboard_interrupt():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), StopOnInterrupt() as interrupt:
        press = Press(times=2)
        press.on_train_batch_begin(0)
        fit(press, interrupt)
    assert signal.getsignal(signal.SIGINT) is before
