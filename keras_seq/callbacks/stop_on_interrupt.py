"""Ctrl-C ends a training instead of throwing it away."""

import signal
import sys

import keras
import numpy as np

from keras_seq.backend import workers, workers_sum
from keras_seq.models.base.learning_rate_decay import EVERY


class StopOnInterrupt(keras.callbacks.Callback):
    """End training after the current batch when Ctrl-C is pressed, as if it were over.

    Validation and the other callbacks run for the epoch cut short. A second Ctrl-C is what it
    always is, a `KeyboardInterrupt`. It listens as a context manager around `fit`, in the main
    thread. Where several workers train, all of them end when it is pressed at one, within
    twenty batches.

    Attributes:
        happened: whether Ctrl-C was pressed, at any of the workers.

    Raises:
        ValueError: from `signal`, in another thread than the main one.

    Example:

    ```python
    with StopOnInterrupt() as interrupt:
        model.fit(sources, targets, epochs=100, callbacks=[interrupt])
    if interrupt.happened:
        print("Not finished.")
    ```
    """

    def __init__(self):
        super().__init__()
        self.happened = False
        self._pressed = False  # here
        self._alone = True  # with the training

    def __enter__(self):
        self.happened = self._pressed = False
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error):
        signal.signal(signal.SIGINT, self._before)

    def on_train_begin(self, logs=None):
        self._alone = workers(self.model)[0] == 1

    def on_train_batch_end(self, batch, logs=None):
        if self._alone or batch % EVERY == 0:
            self._stop()

    def on_epoch_end(self, epoch, logs=None):
        self._stop()

    def _stop(self):
        if not self._alone:
            self.happened = bool(workers_sum(np.float32([self._pressed]), self.model)[0])
        if self.happened:
            self.model.stop_training = True

    def _note(self, number, frame):
        self._pressed = True
        self.happened |= self._alone  # several agree on it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        what = "after this batch" if self._alone else "all workers"
        print(f"\nStopping {what}; Ctrl-C once more stops at once.", file=sys.stderr)
