"""`tf.data` datasets out of encoded examples, and out of datasets of strings."""

import contextlib
import itertools

import numpy as np

from keras_seq._checks import check_positive
from keras_seq._tensorflow import tensorflow
from keras_seq.text.examples import dtype_of
from keras_seq.text.subword_sampling import sampled_subwords

SHUFFLE_BUFFER = 10_000
# The lengths of batches out of datasets, which are not known beforehand: 16, 24, 32, 48, 64, ...
BOUNDARIES = [16, *(n << k for k in range(3, 28) for n in (3, 4))]
# Where labels belong to whole examples, the input that tells a filling row from an empty text.
REAL_ROWS = "real_rows"


def _variable(value, **options):
    """A variable of this process, which is not shared by the workers of a training."""
    from keras_seq.backend import alone  # Here: step graphs need no Keras.

    return alone(lambda: tensorflow().Variable(value, trainable=False, **options))


class BatchedDataset:
    """The `tf.data.Dataset` of `LengthBatches`, whose order follows an epoch that can be set.

    The batches are gathered by TensorFlow operations alone, without a call back into Python.

    Args:
        batches: the `LengthBatches`.
        filled: whether the filling rows are there; otherwise a batch may have fewer rows.

    Attributes:
        dataset: gives `(x, y, sample_weight)`, or `(x,)` where there are no labels; `x` is a dict
            of int32 `(batch_size, length)`, `y` such an array, and the weights are float32, 0
            where padding. Where labels belong to whole examples, `y` is `(batch_size,)` or
            `(batch_size, labels)`, the weights are `(batch_size,)`, 0 for a filling row, and `x`
            has besides, where filled, `real_rows`, int32 `(batch_size,)`, 0 for such a row.
    """

    def __init__(self, batches, filled=True):
        tf = tensorflow()
        self.batches = batches
        self.filled = filled
        with tf.device("CPU:0"):
            # A variable, so that a dataset built once gives another order in the next epoch.
            self._order = _variable(batches.order())
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
        row_labels = examples.row_labels
        if row_labels is not None:
            row_labels = tf.concat([row_labels, tf.zeros_like(row_labels[:1])], axis=0)

        def batch(i):
            chosen, count = self._order[i], rows
            if not self.filled:
                chosen = tf.boolean_mask(chosen, chosen < len(examples))
                count = tf.shape(chosen)[0]
            longest = tf.reduce_max(tf.gather(lengths, chosen, axis=1), axis=1)
            dense = [
                _dense(tf.gather(column, chosen), (count, longest[k]))
                for k, column in enumerate(columns)
            ]
            inputs = dict(zip(examples.inputs, dense, strict=False))
            if examples.labels is None:
                return (inputs,)
            weight = tf.gather(weights, chosen)
            if row_labels is not None:
                if self.filled:
                    inputs[REAL_ROWS] = tf.cast(chosen < len(examples), "int32")
                return inputs, tf.gather(row_labels, chosen), weight
            labels = dense[-1]
            return inputs, labels, _token_weights(tf, labels, weight)

        dataset = tf.data.Dataset.range(len(self.batches))
        return without_threads(dataset.map(batch))


class StreamedDataset:
    """Padded batches out of a dataset of single texts, read window by window.

    A window of `shuffle_buffer` texts, rounded up to whole batches, is read, shuffled, sorted by
    the bucket of each text's longest column, longest first, and cut into batches, which are
    shuffled again. So memory holds one window, the order depends on the dataset and
    `(seed, epoch)` alone, and no batch is partial but one of the last window's, which is filled up
    with empty rows of weight 0.

    All columns of a batch are padded to the bound of its longest bucket, one of `BOUNDARIES`, or
    to a quarter of that where it is enough for a column: a compiled step meets few shapes.

    Args:
        dataset: a `tf.data.Dataset` of `x`, `(x, y)` or `(x, y, sample_weight)`: scalar strings,
            and a number.
        encode: `(x, y) -> (inputs, labels)`: from string tensors `(batch,)` to a dict of ragged
            tensors and one ragged tensor, or a dense one where labels belong to whole examples;
            `y` and `labels` may be `None`.
        batch_size: rows in a batch.
        shuffle: whether to shuffle.
        shuffle_buffer: how many texts are in memory at once.
        seed: of the order; drawn from NumPy's global generator where `None`, so that
            `keras.utils.set_random_seed` makes it repeatable.
        filled: as in `BatchedDataset`.
        alpha: of a `SubwordSampling`, so that each epoch draws other subwords; 0 for none.
        rows: how many texts there are, where `dataset` may have fewer: then as many batches are
            made as of so many, with empty rows for what is missing.

    Attributes:
        dataset: the batches, as those of `BatchedDataset`.

    Raises:
        ValueError: for a `batch_size` or `shuffle_buffer` below 1.

    Example:
        >>> import tensorflow as tf
        >>> from keras_seq.text import CharacterTokenizer
        >>> tokenizer = CharacterTokenizer.from_texts(["abc"])
        >>> texts = tf.data.Dataset.from_tensor_slices(["cab", "a", "ba"])
        >>> encode = lambda x, y: ({"ids": tokenizer.tokenize(x)}, None)
        >>> for (x,) in StreamedDataset(texts, encode, batch_size=2).dataset:
        ...     print(x["ids"].shape, x["ids"][:, :3].numpy().tolist())
        (2, 16) [[6, 4, 5], [4, 0, 0]]
        (2, 16) [[5, 4, 0], [0, 0, 0]]
    """

    def __init__(
        self,
        dataset,
        encode,
        batch_size=32,
        shuffle=False,
        shuffle_buffer=SHUFFLE_BUFFER,
        seed=None,
        filled=True,
        alpha=0.0,
        rows=None,
    ):
        tf = tensorflow()
        self.encode = encode
        self.alpha = alpha
        self.filled = filled
        self.batch_size = check_positive("batch_size", batch_size)
        self.shuffle = shuffle
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        window = -(-check_positive("shuffle_buffer", shuffle_buffer) // batch_size) * batch_size
        count = int(dataset.cardinality())
        self.rows, self.window = max(count, rows or 0), window
        with tf.device("CPU:0"):
            self._epoch = _variable(0, dtype="int64")
            windows = dataset.batch(window)
            if -(-self.rows // window) > -(-count // window) >= 0:
                windows = windows.concatenate(_no_rows(tf, windows))
            batches = windows.enumerate().flat_map(self._batches)
        if count >= 0:  # known: then Keras shows how many steps there are
            steps = tf.data.experimental.assert_cardinality(-(-self.rows // batch_size))
            batches = batches.apply(steps)
        self.dataset = without_threads(batches)

    def set_epoch(self, epoch):
        """Make the next iteration give the order of `epoch`."""
        self._epoch.assign(epoch)

    def _batches(self, number, texts):
        """The batches of one window."""
        tf = tensorflow()
        sampling = contextlib.nullcontext()
        if self.alpha:
            sampling = sampled_subwords(self.alpha, self._window_seed(tf, number)[0])
        with sampling:
            names, columns, labels, weights = _encoded(tf, self.encode, texts)
        # One empty row more stands for every filling row.
        columns = [tf.concat([c, tf.zeros((1, 0), c.dtype)], axis=0) for c in columns]
        if labels is not None:
            labels = tf.concat([labels, tf.zeros_like(labels[:1])], axis=0)
        weights = tf.pad(weights, [[0, 1]])
        lengths = tf.stack([column.row_lengths() for column in columns], axis=1)

        def batch(rows):  # (batch_size,)
            count, real = self.batch_size, rows < tf.shape(lengths)[0] - 1
            if not self.filled:
                rows = tf.boolean_mask(rows, real)
                count, real = tf.shape(rows)[0], None
            chosen = [tf.gather(column, rows) for column in columns]
            row_labels = None if labels is None else tf.gather(labels, rows)
            return _padded(tf, names, chosen, row_labels, tf.gather(weights, rows), count, real)

        return tf.data.Dataset.from_tensor_slices(self._order(tf, number, lengths)).map(batch)

    def _window_seed(self, tf, window):
        """What all is drawn from in a window, int64 `(2,)`."""
        seed = tf.stack([tf.constant(self.seed, "int64"), self._epoch])
        return tf.random.fold_in(seed, window)

    def _order(self, tf, window, lengths):
        """The row numbers of each batch of a window, int32 `(batches, batch_size)`."""
        count = tf.shape(lengths)[0] - 1  # the number of the filling row
        seeds = tf.random.split(self._window_seed(tf, window))

        def shuffled(values, seed):
            shuffle = tf.random.experimental.stateless_shuffle
            return shuffle(values, seed, alg="philox") if self.shuffle else values

        order = shuffled(tf.range(count), seeds[0])
        bucket = tf.searchsorted(BOUNDARIES, tf.cast(tf.reduce_max(lengths, 1), "int32"))
        sort = tf.argsort(tf.gather(bucket, order), direction="DESCENDING", stable=True)
        left = tf.minimum(self.rows - window * self.window, self.window)  # of `rows` in all
        rows = tf.maximum(tf.cast(left, "int32"), count)
        missing = rows - count + -rows % self.batch_size
        order = tf.pad(tf.gather(order, sort), [[0, missing]], constant_values=count)
        return shuffled(tf.reshape(order, (-1, self.batch_size)), seeds[1])


def _no_rows(tf, windows):
    """A dataset of one window without a text."""
    specs = tf.nest.flatten(windows.element_spec)
    nothing = [tf.constant([], spec.dtype, (0, *spec.shape[1:])) for spec in specs]
    return tf.data.Dataset.from_tensors(tf.nest.pack_sequence_as(windows.element_spec, nothing))


def _encoded(tf, encode, element):
    """`(names, columns, row_labels, weights)` of a batch of texts.

    The columns are ragged; labels of tokens are the last of them.
    """
    element = element if isinstance(element, tuple) else (element,)
    x, y, weights = (*element, None, None)[:3]
    inputs, labels = encode(x, y)
    columns = [*inputs.values()]
    if isinstance(labels, tf.RaggedTensor):
        columns, labels = [*columns, labels], None
    if weights is None:
        weights = tf.ones((columns[0].nrows(),))
    else:
        message = "`sample_weight` must be finite"
        weights = tf.debugging.assert_all_finite(tf.cast(weights, "float32"), message)
    return list(inputs), columns, labels, weights


def _padded(tf, names, columns, row_labels, weights, rows=None, real=None):
    """A batch as Keras takes it, of what `_encoded` gives; `real` tells rows that fill it up."""
    ends = _padded_lengths(tf, tf.stack([tf.reduce_max(c.row_lengths()) for c in columns]))
    rows = columns[0].nrows() if rows is None else rows
    dense = [_dense(column, (rows, ends[k])) for k, column in enumerate(columns)]
    inputs = dict(zip(names, dense, strict=False))
    if row_labels is not None:
        more = {} if real is None else {REAL_ROWS: tf.cast(real, "int32")}
        return {**inputs, **more}, row_labels, weights
    if len(dense) == len(names):  # no labels
        return (inputs,)
    return inputs, dense[-1], _token_weights(tf, dense[-1], weights)


def _dense(column, shape):
    """A ragged tensor padded with 0, or, where it holds values, with NaN."""
    return column.to_tensor(float("nan") if column.dtype.is_floating else 0, shape=shape)


def _token_weights(tf, labels, weights):
    """The weights of tokens, 0 where there is none, out of those of rows."""
    real = labels == labels if labels.dtype.is_floating else labels != 0
    return tf.cast(real, "float32") * weights[:, None]


def _padded_lengths(tf, longest):
    """What the columns of a batch are padded to, for the longest row of each: `(columns,)`."""
    bounds = tf.constant(BOUNDARIES, longest.dtype)
    bound = bounds[tf.searchsorted(bounds, tf.reduce_max(longest)[None])[0]]
    quarter = tf.maximum(bound // 4, bounds[0])
    return tf.where(longest <= quarter, quarter, bound)


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
    """A list of 1-D arrays and one empty row more, as a `tf.RaggedTensor`, int32 or float32."""
    lengths = [*map(len, column), 0]
    flat = np.concatenate([*column, np.zeros(0, "int32")]).astype(dtype_of(column))
    return tf.RaggedTensor.from_row_lengths(tf.constant(flat), lengths, validate=False)


def rows_of(column):
    """Return the rows of an eager ragged tensor, a list of int32 arrays."""
    flat, splits = column.flat_values.numpy().astype("int32"), column.row_splits.numpy().tolist()
    return [flat[a:b] for a, b in itertools.pairwise(splits)]


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
    parts = [tf.fill((rows, 1), token_id) for token_id in before]
    parts += [ids, *(tf.fill((rows, 1), token_id) for token_id in behind)]
    return tf.concat(parts, axis=1)[:, :max_length]


def is_text_dataset(x):
    """Whether `x` is a `tf.data.Dataset` whose elements hold strings."""
    if type(x).__module__.split(".")[0] != "tensorflow" or not hasattr(x, "element_spec"):
        return False
    tf = tensorflow()
    return any(spec.dtype == tf.string for spec in tf.nest.flatten(x.element_spec))


def add_weights(dataset, real):
    """Return a `tf.data.Dataset` of `(ids, labels)` with weights, 0 where a label is padding.

    Anything else is returned as it is. `real` tells which labels are none.
    """
    spec = getattr(dataset, "element_spec", None)
    if not (isinstance(spec, tuple) and len(spec) == 2):
        return dataset
    tf = tensorflow()
    return dataset.map(lambda x, y: (x, y, tf.cast(real(y), "float32")))


def text_batches(dataset, batch_size=256):
    """Iterate over the inputs of a dataset of strings as lists of `str`."""
    tf = tensorflow()
    inputs = dataset.map(lambda x, *_: x)
    if inputs.element_spec.shape.rank == 0:
        inputs = inputs.batch(batch_size)
    for batch in without_threads(inputs).as_numpy_iterator():
        yield [tf.compat.as_text(text) for text in batch]


def is_batched(dataset, values=False):
    """Whether the elements of a dataset of texts are batches of shape `(batch,)`, not scalars.

    Args:
        dataset: the dataset.
        values: whether what belongs to a text may be several numbers.

    Raises:
        ValueError: if they are neither.
    """
    spec = dataset.element_spec
    leaves = tensorflow().nest.flatten(spec)
    text = leaves[0].shape.rank
    several = [leaf for leaf in leaves[1:2] if values and leaf.shape.rank == text + 1]
    ranks = {leaf.shape.rank for leaf in leaves if leaf not in several}
    if ranks not in ({0}, {1}):
        raise ValueError(
            "A dataset of texts must give scalar strings or batches of shape (batch,); "
            f"received elements {spec}."
        )
    return ranks == {1}


def map_batches(dataset, encode):
    """Turn a dataset of batches of texts into one of padded batches of ids.

    Args:
        dataset: elements `x`, `(x, y)` or `(x, y, sample_weight)`, each of shape `(batch,)`.
        encode: as in `StreamedDataset`.

    Returns:
        A `tf.data.Dataset` of `(x,)` or `(x, y, sample_weight)`.
    """
    tf = tensorflow()

    return without_threads(dataset.map(lambda *e: _padded(tf, *_encoded(tf, encode, e))))
