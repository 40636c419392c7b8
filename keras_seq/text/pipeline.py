"""`tf.data` datasets out of encoded examples, and out of datasets of strings."""

import numpy as np

from keras_seq.text.examples import padded_length
from keras_seq.text.tokenizer import tensorflow

SHUFFLE_BUFFER = 10_000
BOUNDARIES = sorted({padded_length(n) for n in range(8, 1025)})


class BatchedDataset:
    """The `tf.data.Dataset` of `LengthBatches`, whose order follows an epoch that can be set.

    The batches are gathered by TensorFlow operations alone, without a call back into Python.

    Args:
        batches: the `LengthBatches`.

    Attributes:
        dataset: gives `(x, y, sample_weight)`, or `(x,)` where there are no labels; `x` is a dict
            of int32 `(batch_size, length)`, `y` such an array, and the weights are float32, 0
            where padding.
    """

    def __init__(self, batches):
        tf = tensorflow()
        self.batches = batches
        with tf.device("CPU:0"):
            # A variable, so that a dataset built once gives another order in the next epoch.
            self._order = tf.Variable(batches.order(), trainable=False)
            self.dataset = self._dataset(tf)

    def set_epoch(self, epoch):
        """Make the next iteration give the order of `epoch`."""
        self._order.assign(self.batches.order(epoch))

    def _dataset(self, tf):
        examples, rows = self.batches.examples, self.batches.batch_size
        # One empty example more, of length 0, stands for every filling row.
        columns = [_ragged(tf, column) for column in examples.columns()]
        lengths = tf.constant(np.pad(self.batches.lengths, ((0, 0), (0, 1))))
        weights = np.ones(len(examples)) if examples.weights is None else examples.weights
        weights = tf.constant(np.pad(weights, (0, 1)), "float32")

        def batch(i):
            chosen = self._order[i]
            longest = tf.reduce_max(tf.gather(lengths, chosen, axis=1), axis=1)
            dense = [
                tf.gather(column, chosen).to_tensor(shape=(rows, longest[k]))
                for k, column in enumerate(columns)
            ]
            inputs = dict(zip(examples.inputs, dense, strict=False))
            if examples.labels is None:
                return (inputs,)
            labels = dense[-1]
            weight = tf.cast(labels != 0, "float32") * tf.gather(weights, chosen)[:, None]
            return inputs, labels, weight

        dataset = tf.data.Dataset.range(len(self.batches))
        return without_threads(dataset.map(batch))


def without_threads(dataset):
    """Return `dataset` run in the thread that asks for the next element.

    tf.data's background threads (prefetching, tuning) now and then never end in a process where
    JAX runs too: seen on two cores, in the destructor of an iterator, after some ten epochs.
    """
    options = tensorflow().data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    options.threading.private_threadpool_size = 1
    return dataset.with_options(options)


def _ragged(tf, column):
    """A list of 1-D arrays and one empty row more, as an int32 `tf.RaggedTensor`."""
    lengths = [*map(len, column), 0]
    flat = np.concatenate([*column, np.zeros(0, "int32")]).astype("int32")
    return tf.RaggedTensor.from_row_lengths(tf.constant(flat), lengths, validate=False)


def frame(ids, start=None, end=None, max_length=None):
    """Add `start` before and `end` behind each sequence, then cut it to `max_length`.

    Args:
        ids: a list of 1-D integer arrays, or an int32 `tf.RaggedTensor`.
        start: an id, or `None` for none.
        end: an id, or `None` for none.
        max_length: the largest length afterwards, or `None`.

    Returns:
        The same kind of thing.
    """
    before = [] if start is None else [start]
    behind = [] if end is None else [end]
    if isinstance(ids, list):
        return [np.array([*before, *row, *behind][:max_length], "int32") for row in ids]
    tf = tensorflow()
    rows = ids.nrows()
    parts = [tf.fill((rows, 1), one) for one in before]
    parts += [ids, *(tf.fill((rows, 1), one) for one in behind)]
    return tf.concat(parts, axis=1)[:, :max_length]


def is_text_dataset(x):
    """Whether `x` is a `tf.data.Dataset` whose elements hold strings."""
    if type(x).__module__.split(".")[0] != "tensorflow" or not hasattr(x, "element_spec"):
        return False
    tf = tensorflow()
    return any(spec.dtype == tf.string for spec in tf.nest.flatten(x.element_spec))


def add_weights(dataset):
    """Return a `tf.data.Dataset` of `(ids, labels)` with weights, 0 where a label is padding.

    Anything else is returned as it is.
    """
    spec = getattr(dataset, "element_spec", None)
    if not (isinstance(spec, tuple) and len(spec) == 2):
        return dataset
    tf = tensorflow()
    return dataset.map(lambda x, y: (x, y, tf.cast(y != 0, "float32")))


def text_batches(dataset, batch_size=256):
    """Iterate over the inputs of a dataset of strings as lists of `str`."""
    tf = tensorflow()
    inputs = dataset.map(lambda x, *_: x)
    if inputs.element_spec.shape.rank == 0:
        inputs = inputs.batch(batch_size)
    for batch in inputs.as_numpy_iterator():
        yield [tf.compat.as_text(text) for text in batch]


def map_texts(dataset, encode, batch_size=None, shuffle=False):
    """Turn a dataset of strings into one of padded batches of ids.

    Args:
        dataset: elements `x`, `(x, y)` or `(x, y, sample_weight)`; `x` and `y` are strings, scalar
            or of shape `(batch,)`. Batches are kept as they are; single texts are batched here,
            with others of similar length.
        encode: `(x, y) -> (inputs, labels)`: from string tensors `(batch,)` to a dict of ragged
            tensors and one ragged tensor; `y` and `labels` may be `None`.
        batch_size: for single texts; 32 where `None`.
        shuffle: for single texts: whether to shuffle within a buffer.

    Returns:
        A `tf.data.Dataset` of `(x,)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: if `batch_size` is given for a dataset that is batched already.
    """
    tf = tensorflow()
    spec = dataset.element_spec
    ranks = {leaf.shape.rank for leaf in tf.nest.flatten(spec)}
    if ranks - {0, 1} or len(ranks) != 1:
        raise ValueError(
            "A dataset of texts must give scalar strings or batches of shape (batch,); "
            f"received elements {spec}."
        )
    batched = ranks == {1}
    if batched and batch_size is not None:
        raise ValueError(f"The dataset is batched already; do not pass batch_size={batch_size}.")

    def ids(*element):
        x, y, weight = (*element, None, None)[:3]
        inputs, labels = encode(x, y)
        if labels is None:
            return (inputs,)
        return inputs, labels, tf.ones((labels.nrows(),)) if weight is None else weight

    def finish(inputs, labels=None, weight=None):
        inputs = {name: _to_dense(tf, column) for name, column in inputs.items()}
        if labels is None:
            return (inputs,)
        labels = _to_dense(tf, labels)
        weights = tf.cast(labels != 0, "float32") * tf.cast(weight, "float32")[:, None]
        return inputs, labels, weights

    if batched:
        return without_threads(dataset.map(lambda *e: finish(*ids(*e))))
    if shuffle:
        dataset = dataset.shuffle(SHUFFLE_BUFFER)
    dataset = dataset.batch(1024).map(ids).unbatch()
    # A row of a ragged tensor is dense, but tf.data does not know until it is touched.
    dataset = dataset.map(lambda *element: tf.nest.map_structure(tf.identity, element))
    dataset = dataset.bucket_by_sequence_length(
        lambda inputs, *_: tf.reduce_max([tf.shape(column)[0] for column in inputs.values()]),
        bucket_boundaries=[bound + 1 for bound in BOUNDARIES],
        bucket_batch_sizes=[batch_size or 32] * (len(BOUNDARIES) + 1),
    )
    return without_threads(dataset.map(finish))


def _to_dense(tf, column):
    """Pad with 0 to the next of `BOUNDARIES`, so that few shapes occur."""
    if isinstance(column, tf.RaggedTensor):
        column = column.to_tensor()
    length = tf.shape(column)[1]
    bounds = tf.constant([*BOUNDARIES, 2**31 - 1], "int32")
    bound = bounds[tf.searchsorted(bounds, [length])[0]]
    missing = tf.where(bound == bounds[-1], 0, bound - length)
    return tf.pad(column, [[0, 0], [0, missing]])
