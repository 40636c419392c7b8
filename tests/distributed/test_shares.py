"""The rows of a batch that each worker reads."""

import keras
import numpy as np
import pytest

from keras_seq.text.batches import ArrayBatches, from_arrays
from keras_seq.text.shares import even_batches, rows_of_worker

pytestmark = pytest.mark.once


def batch(rows, first, per_token):
    x = {"token_ids": np.arange(first, first + 3 * rows, dtype="int32").reshape(rows, 3)}
    if per_token:
        return x, x["token_ids"] + 1, np.ones((rows, 3), "float32")
    return x, np.arange(rows, dtype="int32"), np.ones(rows, "float32")


def made(kind, per_token):
    """Three batches, of 4, 4 and 3 rows, in a form that Keras takes."""
    parts = [batch(rows, first, per_token) for rows, first in ((4, 1), (4, 13), (3, 25))]
    if kind == "arrays":
        return ArrayBatches(3, parts.__getitem__)
    return from_arrays(lambda: iter(parts), 3) if kind == "tf.data" else iter(parts)


def listed(batches):
    read = batches.as_numpy_iterator() if hasattr(batches, "as_numpy_iterator") else batches
    return list(read)


@pytest.mark.parametrize("kind", ["arrays", "tf.data", "generator"])
@pytest.mark.parametrize("per_token", [True, False])
def test_no_row_is_dropped_or_seen_twice(kind, per_token):
    workers = [
        listed(rows_of_worker(even_batches(made(kind, per_token), 2, per_token), 2, index))
        for index in range(2)
    ]
    for parts in zip(*workers, strict=True):  # the batches, of both workers
        shapes = [keras.tree.map_structure(np.shape, part) for part in parts]
        assert shapes[0] == shapes[1]
    batches = [x for parts in zip(*workers, strict=True) for x, _, _ in parts]
    rows = [row for x in batches for row in x["token_ids"]]
    assert np.array_equal(rows[:11], np.arange(1, 34).reshape(11, 3))
    assert np.array_equal(rows[11:], [[0, 0, 0]])
    last = workers[1][-1]
    assert np.all(last[2][-1] == 0) and np.all(last[2][0] == 1)
    if not per_token:
        assert last[0]["real_rows"].tolist() == [1, 0]


def test_labels_that_are_values_are_filled_with_nan():
    values = np.ones((3, 2), "float32")
    batches = ArrayBatches(1, lambda _: ({"x": values}, values, values))
    ((x, y, weights),) = listed(even_batches(batches, 2, per_token=True))
    assert np.isnan(y[3]).all() and not x["x"][3].any() and not weights[3].any()


def test_one_worker_reads_all():
    batches = made("arrays", True)
    assert rows_of_worker(batches, 1, 0) is batches
