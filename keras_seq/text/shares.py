"""The batches that several devices share, and the rows of each of them that a worker reads."""

import hashlib
import itertools

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.text.batches import ArrayBatches
from keras_seq.text.pipeline import REAL_ROWS, without_threads


def even_batches(batches, multiple, per_token):
    """Return batches whose numbers of rows are multiples of `multiple`.

    Those that are none are filled up with empty rows of weight 0.

    Args:
        batches: what gives `(x, y, sample_weight)` with a dict `x`: a `tf.data.Dataset`, a
            `PyDataset`, or a generator.
        multiple: an integer above 0.
        per_token: whether labels belong to tokens. If not, `x` gets `real_rows`.

    Returns:
        The same kind of thing.
    """
    if hasattr(batches, "element_spec"):
        tf = tensorflow()
        return without_threads(batches.map(lambda *batch: _even(tf, batch, multiple, per_token)))
    return _mapped(batches, lambda batch: _even(np, batch, multiple, per_token))


def rows_of_worker(batches, count, index):
    """Return batches of the rows that worker `index` of `count` trains on, of `even_batches`."""

    def cut(x):
        rows = _rows(x) // count
        return x[index * rows : (index + 1) * rows]

    if count == 1:
        return batches
    if hasattr(batches, "element_spec"):
        tf = tensorflow()
        return without_threads(batches.map(lambda *batch: tf.nest.map_structure(cut, batch)))
    return _mapped(batches, lambda batch: keras.tree.map_structure(cut, batch))


def first_batch(batches):
    """Return a digest of the first batch, and batches that have it still."""
    if hasattr(batches, "element_spec"):
        first = next(batches.as_numpy_iterator(), None)
    elif isinstance(batches, keras.utils.PyDataset):
        first = batches[0] if len(batches) else None
    else:
        first = [*itertools.islice(batches, 1)]
        batches = (batch for batch in itertools.chain(first, batches))  # Keras asks for these
    digest = hashlib.sha256()
    for array in keras.tree.flatten(first):
        digest.update(np.asarray(array).tobytes())
    return digest.hexdigest(), batches


def _mapped(batches, function):
    if isinstance(batches, keras.utils.PyDataset):
        return ArrayBatches(len(batches), lambda number: function(batches[number]))
    return (function(batch) for batch in batches)


def _even(library, batch, multiple, per_token):
    """A batch filled up; `library` is `numpy` or `tensorflow`, which agree on what is used here."""
    x, y, weights = batch
    missing = -_rows(y) % multiple

    def filled(array, value=0):
        padding = [(0, missing), *[(0, 0)] * (len(array.shape) - 1)]
        return library.pad(array, padding, constant_values=value)

    if not per_token and REAL_ROWS not in x:
        x = {**x, REAL_ROWS: library.ones_like(weights, dtype="int32")}
    x = {name: filled(array) for name, array in x.items()}
    are_values = per_token and "float" in str(y.dtype)
    return x, filled(y, float("nan") if are_values else 0), filled(weights)


def _rows(array):
    """The number of rows: that of a tensor in a graph may be known to no one before it runs."""
    known = array.shape[0]
    return tensorflow().shape(array)[0] if known is None else known
