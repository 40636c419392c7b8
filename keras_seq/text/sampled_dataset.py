"""A `tf.data` dataset of texts that each epoch encodes anew."""

import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.text.examples import LengthBatches
from keras_seq.text.pipeline import BatchedDataset, without_threads
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
        dataset: the batches, as those of `BatchedDataset`.
    """

    def __init__(self, encode, alpha, batch_size=32, shuffle=False, filled=True, seed=None):
        tf = tensorflow()
        self.encode = encode
        self.alpha = alpha
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.filled = filled
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        self.set_epoch(0)
        with tf.device("CPU:0"):
            dataset = tf.data.Dataset.from_generator(
                lambda: iter(self._current.dataset),
                output_signature=self._current.dataset.element_spec,
            )
            count = len(self._current.batches)
            dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
        self.dataset = without_threads(dataset)

    def set_epoch(self, epoch):
        """Make the next iteration that of `epoch`."""
        draw = int(np.random.SeedSequence((self.seed, epoch)).generate_state(1)[0] % 2**31)
        with sampled_subwords(self.alpha, draw):
            examples = self.encode()
        batches = LengthBatches(
            examples, self.batch_size, self.shuffle, seed=self.seed, across_buckets=True
        )
        self._current = BatchedDataset(batches, self.filled)
        self._current.set_epoch(epoch)
