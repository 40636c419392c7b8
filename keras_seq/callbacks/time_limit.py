"""Training for a given time."""

import time

import keras

from keras_seq.backend import synchronize

EVERY = 20  # batches


class TimeLimit(keras.callbacks.Callback):
    """Stop training after so many minutes, with a learning rate that falls until then.

    The clock starts with training. Every 20 batches the learning rate becomes

        initial learning rate * max(1 - elapsed / limit, 0.05)

    which is the linear schedule of budgeted training. The epoch in which the time ends is cut
    short; validation and the other callbacks still run for it.

    Args:
        minutes: the limit, above 0.
        decay: whether to lower the learning rate. It needs an optimiser with a plain number.

    Raises:
        ValueError: if `minutes` is not above 0.

    Example:

    ```python
    model.fit(sources, targets, epochs=1000, callbacks=[TimeLimit(minutes=30)])
    ```

    References:
        - Li, Yumer & Ramanan, 2020, "Budgeted training: rethinking deep neural network training
          under resource constraints", arXiv:1905.04753.
    """

    def __init__(self, minutes, decay=True):
        super().__init__()
        if not minutes > 0:
            raise ValueError(f"`minutes` must be above 0; received {minutes!r}.")
        self.minutes = minutes
        self.decay = decay

    def on_train_begin(self, logs=None):
        self.began = time.monotonic()
        if self.decay:
            self.initial = float(self.model.optimizer.learning_rate)

    def on_train_batch_end(self, batch, logs=None):
        if self.decay and batch % EVERY == 0:
            synchronize(self.model)  # where `fit` keeps the variables aside, fetch them first
            self.model.optimizer.learning_rate = self.initial * max(1 - self._elapsed(), 0.05)
        if self._elapsed() >= 1:
            self.model.stop_training = True

    def _elapsed(self):
        """The share of the time that is over."""
        return (time.monotonic() - self.began) / (60 * self.minutes)
