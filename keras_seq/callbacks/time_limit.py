"""Training for a given time."""

import time

import numpy as np

from keras_seq.backend import workers, workers_sum
from keras_seq.models.base.learning_rate_decay import EVERY, LearningRateDecay


class TimeLimit(LearningRateDecay):
    """Stop training after so many minutes, with a learning rate that falls until then.

    The clock starts with training. With the share t of the time that is over, and the share
    r = (1 - t) / (1 - warmup) of the time after the warm-up that is left, every 20 batches the
    learning rate becomes

        initial learning rate * max(t / warmup, 0.05)              while t < warmup
        initial learning rate * max(r, 0.05)                       `"linear"`
        initial learning rate * max((1 - cos(pi r)) / 2, 0.05)     `"cosine"`

    The linear one is that of budgeted training. The epoch in which the time ends is cut short;
    validation and the other callbacks still run for it.

    Args:
        minutes: the limit, above 0. A training that `Checkpoint` resumed has used a part of it.
        decay: whether to change the learning rate. It needs an optimiser with a plain number.
        warmup: the share of the time in which the learning rate rises first, in [0, 1).
        schedule: how the learning rate falls then: `"linear"` or `"cosine"`.

    Raises:
        ValueError: if `minutes` is not above 0, `warmup` out of range, or `schedule` none of the
            two.

    Example:

    ```python
    model.fit(sources, targets, epochs=1000, callbacks=[TimeLimit(minutes=30)])
    ```

    References:
        - Li, Yumer & Ramanan, 2020, "Budgeted training: rethinking deep neural network training
          under resource constraints", arXiv:1905.04753.
        - Loshchilov & Hutter, 2017, "SGDR: stochastic gradient descent with warm restarts",
          arXiv:1608.03983 (the cosine, without restarts).
    """

    def __init__(
        self, minutes: float, decay: bool = True, warmup: float = 0.0, schedule: str = "linear"
    ):
        super().__init__(warmup, schedule)
        if not minutes > 0:
            raise ValueError(f"`minutes` must be above 0; received {minutes!r}.")
        self.minutes = minutes
        self.decay = decay

    def on_train_begin(self, logs=None):
        seconds = (self._resumed or {}).get("seconds", 0.0)
        self.began = time.monotonic() - seconds
        self._workers, self._at = workers(self.model), 0
        if self.decay:
            super().on_train_begin(logs)
            self._set_learning_rate(self._share())
        self._resumed = None

    def on_epoch_begin(self, epoch, logs=None):
        """The clock goes on between epochs; the rate changes with the next batch."""

    def on_train_batch_end(self, batch, logs=None):
        self._at = batch
        if self.decay:
            super().on_train_batch_end(batch, logs)
        if self._share() >= 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        """No batches are counted."""

    def on_train_end(self, logs=None):
        """The rate stays: all the time was used."""

    def get_state(self):
        """Return what a resumed training must know, ready for JSON."""
        state = {"seconds": time.monotonic() - self.began}
        return {**state, "learning_rate": self.initial} if self.decay else state

    def _share(self):
        """The share of the time that is over; where several workers train, by the first's clock."""
        over = (time.monotonic() - self.began) / (60 * self.minutes)
        count, index = self._workers
        if count == 1:
            return over
        if self._at % EVERY == 0:
            over = np.array([over if index == 0 else 0.0], "float32")
            self._of_first = float(workers_sum(over, self.model)[0])
        return self._of_first
