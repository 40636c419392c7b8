"""Windows of a long sequence: what a row of a batch reads after what."""

import numpy as np
import pytest

from keras_seq.datasets import stream_windows


@pytest.mark.parametrize("step", [None, 5, 2, 7])
def test_each_row_goes_on_in_its_stream(step):
    rows, window = 3, 5
    ids = np.arange(100) * 10
    x, y = stream_windows(ids, rows, window, step)
    length, batches = len(ids) // rows, len(x) // rows
    by_batch = x.reshape(batches, rows, window)
    for batch in range(batches):
        for row in range(rows):
            first = row * length + batch * (step or window)
            np.testing.assert_array_equal(by_batch[batch, row], ids[first : first + window])
    np.testing.assert_array_equal(y, x + 10)
    assert batches == (length - window - 1) // (step or window) + 1


def test_vectors_have_windows_too():
    series = np.random.default_rng(0).normal(size=(40, 3))
    x, y = stream_windows(series, 2, 4)
    assert x.shape == y.shape == (8, 4, 3)
    np.testing.assert_array_equal(x[1, 1:], y[1, :-1])


@pytest.mark.parametrize("options", [{"rows": 0}, {"window": 0}, {"step": 0}, {"window": 50}])
def test_what_leaves_no_window_is_refused(options):
    with pytest.raises(ValueError, match="must"):
        stream_windows(np.arange(100), **{"rows": 2, "window": 10, **options})
    with pytest.raises(ValueError, match="must"):
        stream_windows(5, 1, 1)
