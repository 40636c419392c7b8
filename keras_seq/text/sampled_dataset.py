"""Batches of texts that each epoch encodes anew."""

import numpy as np

from keras_seq.backend import takes_tf_data
from keras_seq.text.batches import ArrayBatches, BatchedArrays, from_arrays
from keras_seq.text.examples import LengthBatches
from keras_seq.text.pipeline import without_threads
from keras_seq.text.subword_sampling import sampled_subwords


class SampledDataset:
    """Batches of texts in memory, whose subwords are drawn anew in each epoch.

    The lengths of an epoch decide its buckets. Batches hold the examples of one bucket, or of two,
    so that each epoch has the same number of batches.

    Args:
        encode: a function without arguments that encodes all texts, and returns `Examples`.
        alpha: as in `SubwordSampling`.
        batch_size: rows in a batch.
        shuffle: whether each epoch has its own order. Order and subwords depend on `(seed, epoch)`
            alone.
        filled: as in `BatchedDataset`.
        seed: drawn from NumPy's global generator where `None`.

    Attributes:
        dataset: the batches, as `batched` gives them.
    """

    def __init__(self, encode, alpha, batch_size=32, shuffle=False, filled=True, seed=None):
        self.encode = encode
        self.alpha = alpha
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.filled = filled
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        self.set_epoch(0)
        count = len(self._current.batches)
        self.dataset = ArrayBatches(count, lambda number: self._current.dataset[number])
        if takes_tf_data:
            self.dataset = without_threads(from_arrays(lambda: iter(self._current.dataset), count))

    def set_epoch(self, epoch):
        """Make the next iteration that of `epoch`."""
        draw = int(np.random.SeedSequence((self.seed, epoch)).generate_state(1)[0] % 2**31)
        with sampled_subwords(self.alpha, draw):
            examples = self.encode()
        batches = LengthBatches(
            examples, self.batch_size, self.shuffle, seed=self.seed, across_buckets=True
        )
        self._current = BatchedArrays(batches, self.filled)
        self._current.set_epoch(epoch)
