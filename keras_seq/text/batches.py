"""Batches of encoded examples that NumPy makes, for the backends that take arrays."""

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.backend import takes_tf_data
from keras_seq.text.examples import pad
from keras_seq.text.pipeline import REAL_ROWS, BatchedDataset


class ArrayBatches(keras.utils.PyDataset):
    """So many batches, made when they are asked for; they can be read like a `tf.data.Dataset`.

    Args:
        count: how many there are.
        make: from the number of a batch to the batch.
    """

    def __init__(self, count, make):
        super().__init__()
        self.count = count
        self.make = make

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        if not 0 <= number < self.count:
            raise IndexError(f"There are {self.count} batches; received {number}.")
        return self.make(number)

    def cardinality(self):
        """Return how many batches there are."""
        return self.count

    def as_numpy_iterator(self):
        """Iterate over the batches."""
        return iter(self)


class BatchedArrays:
    """The batches of `BatchedDataset` as arrays; the arguments and attributes are the same."""

    def __init__(self, batches, filled=True):
        self.batches = batches
        self.filled = filled
        examples = batches.examples
        # One empty example more, of length 0, stands for every filling row.
        self._columns = [[*column, np.zeros(0, "int32")] for column in examples.columns()]
        weights = np.ones(len(examples)) if examples.weights is None else examples.weights
        self._weights = np.pad(weights, (0, 1)).astype("float32")
        self._labels = examples.row_labels
        if self._labels is not None:
            self._labels = np.concatenate([self._labels, np.zeros_like(self._labels[:1])])
        self.set_epoch(0)
        self.dataset = ArrayBatches(len(batches), self._batch)

    def set_epoch(self, epoch):
        """Make the next iteration give the order of `epoch`."""
        self._order = self.batches.order(epoch)

    def _batch(self, number):
        examples, rows = self.batches.examples, self._order[number]
        real = rows < len(examples)
        longest = self.batches.padded_to(rows[real])
        rows = rows if self.filled else rows[real]
        dense = [
            pad([column[row] for row in rows], length)
            for column, length in zip(self._columns, longest, strict=True)
        ]
        inputs = dict(zip(examples.inputs, dense, strict=False))
        if examples.labels is None:
            return (inputs,)
        weights = self._weights[rows]
        if self._labels is not None:
            if self.filled:
                inputs[REAL_ROWS] = real.astype("int32")
            return inputs, self._labels[rows], weights
        labels = dense[-1]
        known = labels == labels if labels.dtype.kind == "f" else labels != 0
        return inputs, labels, known.astype("float32") * weights[:, None]


def batched(batches, filled=True):
    """Return `LengthBatches` as Keras's loops take them fastest on the backend that runs."""
    return (BatchedDataset if takes_tf_data else BatchedArrays)(batches, filled)


def from_arrays(batches, count=None, first=None):
    """Return batches of arrays as a `tf.data.Dataset`.

    Args:
        batches: a function that returns an iterator over them, called anew in each epoch.
        count: how many an epoch has, where that is known.
        first: the first one, of the same structure, dtypes and ranks as all, where it is known.
    """
    tf = tensorflow()

    def spec(array):
        return tf.TensorSpec([None] * array.ndim, array.dtype)

    first = next(batches()) if first is None else first
    with tf.device("CPU:0"):
        dataset = tf.data.Dataset.from_generator(
            batches, output_signature=keras.tree.map_structure(spec, first)
        )
        if count is not None:
            dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return dataset
