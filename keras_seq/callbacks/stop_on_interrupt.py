"""Ctrl-C ends a training instead of throwing it away."""

import signal
import sys

import keras


class StopOnInterrupt(keras.callbacks.Callback):
    """End training after the current batch when Ctrl-C is pressed, as if it were over.

    Validation and the other callbacks run for the epoch cut short. A second Ctrl-C is what it
    always is, a `KeyboardInterrupt`. It listens as a context manager around `fit`, in the main
    thread.

    Attributes:
        happened: whether Ctrl-C was pressed.

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

    def __enter__(self):
        self.happened = False
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error):
        signal.signal(signal.SIGINT, self._before)

    def on_train_batch_end(self, batch, logs=None):
        if self.happened:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.happened:
            self.model.stop_training = True

    def _note(self, number, frame):
        self.happened = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\nStopping after this batch; Ctrl-C once more stops at once.", file=sys.stderr)
