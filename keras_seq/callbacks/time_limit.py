"""Training for a given time."""

import time

import keras

from keras_seq.backend import synchronize

EVERY = 20  # batches
LEAST = 0.05  # of the learning rate


class TimeLimit(keras.callbacks.Callback):
    """Stop training after so many minutes, with a learning rate that falls until then.

    The clock starts with training. With the share t of the time that is over, every 20 batches the
    learning rate becomes

        initial learning rate * max(min(t / warmup, (1 - t) / (1 - warmup)), 0.05)

    which without warm-up is the linear schedule of budgeted training. The epoch in which the time
    ends is cut short; validation and the other callbacks still run for it.

    Args:
        minutes: the limit, above 0. A training that `Checkpoint` resumed has used a part of it.
        decay: whether to change the learning rate. It needs an optimiser with a plain number.
        warmup: the share of the time in which the learning rate rises first, in [0, 1).

    Raises:
        ValueError: if `minutes` is not above 0, or `warmup` out of range.

    Example:

    ```python
    model.fit(sources, targets, epochs=1000, callbacks=[TimeLimit(minutes=30)])
    ```

    References:
        - Li, Yumer & Ramanan, 2020, "Budgeted training: rethinking deep neural network training
          under resource constraints", arXiv:1905.04753.
    """

    def __init__(self, minutes: float, decay: bool = True, warmup: float = 0.0):
        super().__init__()
        if not minutes > 0:
            raise ValueError(f"`minutes` must be above 0; received {minutes!r}.")
        if not 0 <= warmup < 1:
            raise ValueError(f"`warmup` must be in [0, 1); received {warmup!r}.")
        self.minutes = minutes
        self.decay = decay
        self.warmup = warmup
        self._resumed = None

    def on_train_begin(self, logs=None):
        state = self._resumed or {"seconds": 0.0}
        self._resumed = None
        self.began = time.monotonic() - state["seconds"]
        if self.decay:
            self.initial = state.get("learning_rate", float(self.model.optimizer.learning_rate))
            self._set_learning_rate()

    def on_train_batch_end(self, batch, logs=None):
        if self.decay and batch % EVERY == 0:
            self._set_learning_rate()
        if self._elapsed() >= 1:
            self.model.stop_training = True

    def get_state(self):
        """Return what a resumed training must know, ready for JSON."""
        state = {"seconds": time.monotonic() - self.began}
        return {**state, "learning_rate": self.initial} if self.decay else state

    def set_state(self, state):
        """Begin the next training with the time used that `get_state` returned."""
        self._resumed = state

    def _set_learning_rate(self):
        over = self._elapsed()
        share = (1 - over) / (1 - self.warmup)
        if over < self.warmup:
            share = over / self.warmup
        synchronize(self.model)  # where `fit` keeps the variables aside, fetch them first
        self.model.optimizer.learning_rate = self.initial * max(share, LEAST)

    def _elapsed(self):
        """The share of the time that is over."""
        return (time.monotonic() - self.began) / (60 * self.minutes)
