"""Encoded examples, and the batches that are made of them."""

import dataclasses
import itertools

import numpy as np

from keras_seq.text.forms import as_weights

# To compile a step takes as long as some 15 steps; with 8 shapes instead of 17, as captions have,
# steps are 3 % longer.
MOST_SHAPES = 8


@dataclasses.dataclass
class Examples:
    """Encoded examples of a task.

    Attributes:
        inputs: from input name to a list with a 1-D int32 array for each example.
        labels: the list of 1-D label arrays, one label a token, 0 being padding; or one array, a
            label (or a row of them) for each example; or `None`. Classes are int32, values float32.
        weights: float32 `(examples,)`, or `None` for 1 each.
    """

    inputs: dict[str, list[np.ndarray]]
    labels: list[np.ndarray] | np.ndarray | None = None
    weights: np.ndarray | None = None

    def __post_init__(self):
        if self.weights is not None:
            self.weights = as_weights(self.weights, len(self))

    def __len__(self):
        return len(next(iter(self.inputs.values())))

    @property
    def row_labels(self):
        """The labels, where they belong to whole examples and not to tokens, else `None`."""
        return self.labels if isinstance(self.labels, np.ndarray) else None

    def columns(self):
        """Return every column of variable length, the inputs first."""
        columns = list(self.inputs.values())
        return [*columns, self.labels] if isinstance(self.labels, list) else columns

    def split(self, fraction):
        """Return the examples without the last `fraction` of them, and those."""
        count = len(self)
        held_out = max(1, int(count * fraction))
        if held_out >= count:
            raise ValueError(
                f"`validation_split={fraction}` of {count} examples leaves none to train on."
            )
        return self._slice(slice(count - held_out)), self._slice(slice(count - held_out, None))

    def _slice(self, part):
        return Examples(
            {name: column[part] for name, column in self.inputs.items()},
            None if self.labels is None else self.labels[part],
            None if self.weights is None else self.weights[part],
        )


def padded_length(length):
    """Round a length up, so that few different ones occur: by at most a quarter above 8.

    >>> [padded_length(n) for n in (0, 3, 8, 9, 17, 33, 100)]
    [8, 8, 8, 10, 20, 40, 112]
    """
    if length <= 8:
        return 8
    step = 1 << ((length - 1).bit_length() - 3)
    return -(-length // step) * step


def dtype_of(arrays):
    """Return "int32", or "float32" where the first of the arrays holds values."""
    values = len(arrays) and getattr(arrays[0], "dtype", np.dtype("int32")).kind == "f"
    return "float32" if values else "int32"


def pad(arrays, length):
    """Return the 1-D arrays as rows of one array `(rows, length)`, 0 behind each; NaN for values.

    It is int32, or float32 where the arrays hold values.
    """
    dtype = dtype_of(arrays)
    result = np.full((len(arrays), length), np.nan if dtype == "float32" else 0, dtype)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result


class LengthBatches:
    """Which examples go into which batch: those of similar length together, in few shapes.

    The lengths of each column are cut into at most `num_buckets`, so that as little padding as
    possible is needed, and an example is padded to the upper end of its bucket. All batches have
    the same number of rows: the last one of a bucket is filled up with empty rows of weight 0. A
    compiled training step so meets few shapes, and the loss, a mean by weight, does not see the
    filling. Where steps are compiled for each shape, batches of several columns, whose buckets meet
    in many ways, are padded further, to one of `MOST_SHAPES`.

    Args:
        examples: the `Examples`.
        batch_size: rows in a batch.
        shuffle: whether each epoch has its own order. It is drawn from `(seed, epoch)` alone.
        num_buckets: largest number of buckets for each column.
        seed: of the order; drawn from NumPy's global generator where `None`, so that
            `keras.utils.set_random_seed` makes it repeatable.
        across_buckets: whether a batch may end in another bucket than it began in: then nothing but
            the last batch is filled up, and how many there are does not depend on the lengths.

    Attributes:
        lengths: int32 `(columns, examples)`, what each example is padded to.
    """

    def __init__(
        self,
        examples,
        batch_size=32,
        shuffle=False,
        num_buckets=5,
        seed=None,
        across_buckets=False,
    ):
        from keras_seq.backend import compiles_singly  # Here: step graphs need no Keras.

        self.examples = examples
        self.batch_size = max(1, min(batch_size, len(examples)))
        self.shuffle = shuffle
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        self.across_buckets = across_buckets
        # Batches are cut where the first column's bucket changes, which leaves half a batch of
        # filling on average.
        filling = [0 if across_buckets else self.batch_size // 2, *[0] * len(examples.inputs)]
        self.lengths = np.stack(_padded_columns(examples.columns(), num_buckets, filling))
        self._shapes = few_shapes(self.lengths, MOST_SHAPES) if compiles_singly else None

    def __len__(self):
        _, counts = np.unique(self.lengths[0], return_counts=True)
        counts = np.array([len(self.examples)]) if self.across_buckets else counts
        return int(sum(-(-counts // self.batch_size)))

    def order(self, epoch=0):
        """Return the example numbers of each batch of an epoch, int32 `(batches, batch_size)`.

        A filling row has the number `len(examples)`.
        """
        count = len(self.examples)
        if self.shuffle:
            rng = np.random.default_rng((self.seed, epoch))
            rows = rng.permutation(count)
        else:
            rows = np.arange(count)
        # Sorted by the first column's bucket, within it by the next one's, ...; `lexsort` is
        # stable, so equals stay in the order drawn, and takes the most important key last.
        rows = rows[np.lexsort(self.lengths[::-1, rows])]
        edges = np.flatnonzero(np.diff(self.lengths[0, rows])) + 1
        edges = [] if self.across_buckets else edges
        batches = np.concatenate([self._filled(group) for group in np.split(rows, edges)])
        return rng.permutation(batches) if self.shuffle else batches

    def padded_to(self, rows):
        """Return the length of each column in a batch of these examples, int32 `(columns,)`."""
        longest = self.lengths[:, rows].max(axis=1)
        if self._shapes is None:
            return longest
        return self._shapes[np.all(self._shapes >= longest, axis=1).argmax()]

    def _filled(self, rows):
        """Cut the rows of a bucket into batches."""
        missing = -len(rows) % self.batch_size
        filling = np.full(missing, len(self.examples))
        return np.concatenate([rows, filling]).astype("int32").reshape(-1, self.batch_size)


def _padded_columns(columns, num_buckets, filling):
    """`_bucketed` of each column; columns of the same lengths, as words and tags, stay so."""
    sizes, padded = [[*map(len, column)] for column in columns], []
    for size, column, rows in zip(sizes, columns, filling, strict=False):
        twin = sizes.index(size)  # itself, or one before it
        lengths = padded[twin] if twin < len(padded) else _bucketed(column, num_buckets, rows)
        padded.append(lengths)
    return padded


def _bucketed(column, num_buckets, filling=0):
    """The length that every array of `column` is padded to, int32.

    The ends of the buckets are values of `padded_length`. Each bucket costs `filling` rows besides.
    """
    lengths = np.array([[padded_length(len(array)) for array in column]], "int32")
    ends = _least_padding(lengths, num_buckets, filling)[:, 0]
    return ends[np.searchsorted(ends, lengths[0])]


def few_shapes(lengths, most):
    """Return the shapes, each within the next, that need least padding.

    Args:
        lengths: int32 `(columns, examples)`, with few different values in each column.
        most: how many shapes there may be.

    Returns:
        int32 `(shapes, columns)`, the last one for the longest; `None` where there are no more
        anyway.
    """
    if np.unique(lengths, axis=1).shape[1] <= most:
        return None
    return _least_padding(lengths, most)


def _least_padding(lengths, most, filling=0):
    """The shapes, each within the next, that make the sum of all padded lengths smallest.

    By dynamic programming over the shapes that may be the next larger one.

    Args:
        lengths: int32 `(columns, examples)`; a shape is made of values of each column.
        most: how many shapes there may be.
        filling: how many rows a shape costs besides its examples.

    Returns:
        int32 `(shapes, columns)`, the last one for the longest.
    """
    ends, ranks = zip(*(np.unique(row, return_inverse=True) for row in lengths), strict=True)
    inside = np.zeros([*map(len, ends)])  # how many examples fit into each shape
    np.add.at(inside, ranks, 1)
    for axis in range(len(ends)):
        inside = inside.cumsum(axis)
    shapes = np.array([[0] * len(ends), *itertools.product(*ends)], "int32")
    inside = np.array([0, *inside.ravel()])

    # next_cost[i, j]: that of the examples that fit into the shape j, but not into i, within it.
    next_cost = (inside - inside[:, None] + filling) * shapes.sum(axis=1)
    within = np.all([x[:, None] <= x for x in shapes.T], axis=0)
    next_cost[~within] = np.inf

    # cost[j]: the least cost of all that fits into j, with the shapes that give it.
    cost, chains = np.full(len(shapes), np.inf), [()] * len(shapes)
    cost[0] = 0
    for _ in range(most):
        totals = cost[:, None] + next_cost
        before, least = totals.argmin(axis=0), totals.min(axis=0)
        chains = [
            (*chains[before[j]], j) if least[j] < cost[j] else chain
            for j, chain in enumerate(chains)
        ]
        cost = np.minimum(cost, least)
    return shapes[[*chains[-1]]]
