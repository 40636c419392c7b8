"""Batches of texts that are read anew in each epoch of training."""

import itertools

import numpy as np

from keras_seq.backend import takes_tf_data
from keras_seq.models.base.data import (
    NO_CLASS_WEIGHT,
    NO_SPLIT,
    Data,
    check_no_more,
    each_epoch,
    no_labels,
)
from keras_seq.text.batches import ArrayBatches, from_arrays
from keras_seq.text.forms import as_list


class EpochBatches(Data):
    """Batches of texts that are read anew in each epoch, encoded one by one, to train on.

    Args:
        model: the `Task`.
        rows: the `Rows`.
        batch_size: how many examples make a batch where single ones come.
        y, sample_weight: what came besides, which should be nothing.

    Attributes:
        dataset: the batches `(x, y, sample_weight)`, as `batched` gives them; a generator where
            they can be read once, a `tf.data.Dataset` where it is not known how many there are.
    """

    no_split, no_class_weight = NO_SPLIT, NO_CLASS_WEIGHT

    def __init__(self, model, rows, batch_size, y=None, sample_weight=None):
        super().__init__(model, rows, y, sample_weight)
        check_no_more(y, sample_weight)
        self.rows = rows
        self.batch_size = batch_size
        self.shuffle = False
        self.seed = int(np.random.randint(2**31))
        self.epoch = 0
        self._first = None
        if (model.needs_labels or model.needs_targets) and not rows.paired:
            raise ValueError(no_labels(model))
        first = next(self._batches())
        self._first = first if rows.once else None
        count = getattr(rows.given, "num_batches", None)
        if count is None and not rows.once and hasattr(rows.given, "__len__"):
            count = len(rows.given)
        if takes_tf_data or (count is None and not rows.once):
            self.dataset = from_arrays(self._encoded, count, first)
        else:
            self.dataset = self._encoded() if count is None else ArrayBatches(count, self._next)

    def set_epoch(self, epoch):
        """Make the next iteration that of `epoch`."""
        self.epoch = epoch

    def shuffled(self, batch_size, shuffle, window):
        del batch_size, window
        self.shuffle = shuffle
        return each_epoch(self)

    def _next(self, number):
        """The next batch of an epoch, which begins with batch 0."""
        if number == 0:
            self._epoch = self._encoded()
        batch = next(self._epoch)
        if number == len(self.dataset) - 1:
            next(self._epoch, None)  # the end, which `on_epoch_end` follows
        return batch

    def _encoded(self):
        """The batches of one epoch."""
        if self._first is not None:
            yield self._first
            self._first = None  # not before: one may have looked at it alone
        yield from self._batches()
        if hasattr(self.rows.given, "on_epoch_end"):
            self.rows.given.on_epoch_end()

    def _batches(self):
        for x, y, weights in self._grouped():
            yield self.model.as_batch(x, y, weights)

    def _grouped(self):
        """Batches as they came, or so many examples together."""
        if self.rows.kind == "batch":
            for x, y, weights in self.rows.examples(self._order):
                yield as_list(x, "x"), y, weights
            return
        examples = self.rows.examples()
        while group := list(itertools.islice(examples, self.batch_size)):
            x, y, weights = map(list, zip(*group, strict=True))
            yield x, y if self.rows.paired else None, None if weights[0] is None else weights

    def _order(self, numbers):
        """The order of the batches of a `PyDataset`, which Keras shuffles too."""
        if not self.shuffle or not isinstance(numbers, range):
            return numbers
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(numbers)).tolist()
