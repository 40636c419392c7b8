"""A learning rate that falls until training ends."""

import math

import keras
from keras import ops

from keras_seq._checks import check_choice
from keras_seq.backend import synchronize

EVERY = 20  # batches
LEAST = 0.05  # of the learning rate
SCHEDULES = ("linear", "cosine")


class LearningRateDecay(keras.callbacks.Callback):
    """Let the learning rate fall over all epochs of a `fit`.

    With the share t of the batches of all epochs that is over, and the share
    r = (1 - t) / (1 - warmup) of those after the warm-up that is left, every 20 batches the
    learning rate becomes

        initial learning rate * max(t / warmup, 0.05)              while t < warmup
        initial learning rate * max(r, 0.05)                       `"linear"`
        initial learning rate * max((1 - cos(pi r)) / 2, 0.05)     `"cosine"`

    The linear one is that of budgeted training. Where the number of batches in an epoch is not
    known before its end, the rate stays in the first epoch, after the warm-up's least rate.
    When training ends it is what it was at first, for another `fit`. `TimeLimit` does the same by
    the clock, and leaves the rate as it is.

    Args:
        warmup: the share of the batches in which the learning rate rises first, in [0, 1).
        schedule: how the learning rate falls then: `"linear"` or `"cosine"`.

    Raises:
        ValueError: if `warmup` is out of range, or `schedule` none of the two.

    Example:

    ```python
    model.fit(sources, targets, epochs=12, callbacks=[LearningRateDecay(warmup=0.02)])
    ```

    References:
        - Li, Yumer & Ramanan, 2020, "Budgeted training: rethinking deep neural network training
          under resource constraints", arXiv:1905.04753.
        - Loshchilov & Hutter, 2017, "SGDR: stochastic gradient descent with warm restarts",
          arXiv:1608.03983 (the cosine, without restarts).
    """

    def __init__(self, warmup: float = 0.0, schedule: str = "linear"):
        super().__init__()
        if not 0 <= warmup < 1:
            raise ValueError(f"`warmup` must be in [0, 1); received {warmup!r}.")
        self.warmup = warmup
        self.schedule = check_choice("schedule", schedule, SCHEDULES)
        self._resumed = None

    def on_train_begin(self, logs=None):
        state, self._resumed = self._resumed or {}, None
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.initial = state.get("learning_rate", rate)
        self._batches = state.get("batches")  # of the longest epoch so far
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._batch = epoch, 0
        self._set_learning_rate(self._share())

    def on_train_batch_end(self, batch, logs=None):
        self._batch = batch + 1
        if batch % EVERY == 0:
            self._set_learning_rate(self._share())

    def on_epoch_end(self, epoch, logs=None):
        self._batches = max(self._batches or 0, self._batch)

    def on_train_end(self, logs=None):
        synchronize(self.model)
        self.model.optimizer.learning_rate = self.initial

    def get_state(self):
        """Return what a resumed training must know, ready for JSON."""
        return {"batches": self._batches, "learning_rate": self.initial}

    def set_state(self, state):
        """Begin the next training with the rate that `get_state` returned."""
        self._resumed = state

    def _share(self):
        """The share of the batches that is over."""
        batches = self.params.get("steps") or self._batches
        in_epoch = min(self._batch / batches, 1.0) if batches else 0.0
        return (self._epoch + in_epoch) / self.params["epochs"]

    def _set_learning_rate(self, over):
        share = (1 - over) / (1 - self.warmup)
        if over < self.warmup:
            share = over / self.warmup
        elif self.schedule == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        synchronize(self.model)  # where `fit` keeps the variables aside, fetch them first
        self.model.optimizer.learning_rate = self.initial * max(share, LEAST)
