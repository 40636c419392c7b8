"""Contiguous streams of tokens, cut into windows: what truncated backpropagation trains on."""

import numpy as np

from keras_seq._checks import check_positive
from keras_seq._tensorflow import tensorflow
from keras_seq.backend import takes_tf_data
from keras_seq.text.batches import ArrayBatches
from keras_seq.text.pipeline import without_threads


class StreamWindows:
    """The batches of texts read one after the other, in windows that do not overlap.

    All texts together are one long row of tokens. It is cut into streams of equal length, one for
    each row of a batch, and these into windows: batch b holds the b-th window of every stream, so
    that row i of a batch goes on where row i of the batch before ended.

    There are `batch_size` streams, or fewer: each is at least one window long.

    Args:
        examples: `Examples` with one input and one label for each token of it.
        batch_size: the largest number of streams.
        window: steps in a window.

    Attributes:
        dataset: the batches, as `batched` gives them, of `(x, y, sample_weight)`: `x` the dict of
            the input, int32 `(streams, window)`, and of `continues`, int32 `(streams,)`, 0 in the
            first batch and 1 in those behind it; `y` such an array of labels; and the weights,
            float32, 0 where padding.
        streams: the number of streams.

    Example:
        >>> from keras_seq.text.examples import Examples
        >>> row = np.arange(1, 9, dtype="int32")
        >>> windows = StreamWindows(Examples({"token_ids": [row]}, [row + 1]), 2, window=3)
        >>> for x, y, weight in windows.dataset.as_numpy_iterator():
        ...     print(x["token_ids"].tolist(), x["continues"].tolist())
        [[1, 2, 3], [5, 6, 7]] [0, 0]
        [[4, 0, 0], [8, 0, 0]] [1, 1]
    """

    def __init__(self, examples, batch_size, window):
        check_positive("window", window)
        ((self.name, rows),) = examples.inputs.items()
        lengths = [len(row) for row in rows]
        each = np.ones(len(rows)) if examples.weights is None else examples.weights
        self.streams = max(1, min(batch_size, sum(lengths) // window))
        self.window = window
        columns = (
            np.concatenate(rows).astype("int32"),
            np.concatenate(examples.labels).astype("int32"),
            np.repeat(each, lengths).astype("float32"),
        )
        columns = [*map(self._cut, columns)]
        self.dataset = (self._dataset if takes_tf_data else self._arrays)(*columns)

    def set_epoch(self, epoch):
        """Do nothing: a stream has one order."""

    def _cut(self, column):
        """One long row as `(batches, streams, window)`."""
        steps = -(-len(column) // self.streams)
        batches = -(-steps // self.window)
        cut = np.zeros((self.streams, batches * self.window), column.dtype)
        padded = np.pad(column, (0, self.streams * steps - len(column)))
        cut[:, :steps] = padded.reshape(self.streams, steps)
        return cut.reshape(self.streams, batches, self.window).swapaxes(0, 1)

    def _arrays(self, inputs, labels, weights):
        def batch(i):
            go_on = np.full(self.streams, i > 0, "int32")
            return {self.name: inputs[i], "continues": go_on}, labels[i], weights[i]

        return ArrayBatches(len(inputs), batch)

    def _dataset(self, inputs, labels, weights):
        tf = tensorflow()
        with tf.device("CPU:0"):
            columns = [tf.constant(column) for column in (inputs, labels, weights)]

            def batch(i):
                chosen, right, weight = (column[i] for column in columns)
                go_on = tf.fill([self.streams], tf.cast(i > 0, "int32"))
                return {self.name: chosen, "continues": go_on}, right, weight

            dataset = tf.data.Dataset.range(len(inputs))
            return without_threads(dataset.map(batch))
