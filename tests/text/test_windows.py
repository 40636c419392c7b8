"""Streams of tokens in windows."""

import numpy as np
import pytest

from keras_seq.text.examples import Examples
from keras_seq.text.windows import StreamWindows


def examples(*lengths, weights=None):
    """Texts of these lengths: their tokens are numbered through, labels are one more."""
    ends = np.cumsum(lengths)
    rows = [np.arange(1 + b - n, 1 + b, dtype="int32") for n, b in zip(lengths, ends, strict=True)]
    return Examples({"ids": rows}, [row + 1 for row in rows], weights)


@pytest.mark.parametrize("window", [1, 3, 5, 40])
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_every_token_comes_once_and_in_order(window, rows):
    windows = StreamWindows(examples(7, 1, 12, 3), rows, window)
    batches = list(windows.dataset.as_numpy_iterator())
    assert windows.streams == max(1, min(rows, 23 // window))
    fed = np.concatenate([x["ids"] for x, _, _ in batches], axis=1)
    labels = np.concatenate([y for _, y, _ in batches], axis=1)
    weights = np.concatenate([w for _, _, w in batches], axis=1)
    assert fed[weights > 0].tolist() == [*range(1, 24)]  # row by row: each stream goes on
    np.testing.assert_array_equal(labels, np.where(weights > 0, fed + 1, 0))
    assert fed.shape[1] % window == 0 and (fed[weights == 0] == 0).all()
    goes_on = [x["continues"].tolist() for x, _, _ in batches]
    assert goes_on == [[int(i > 0)] * windows.streams for i in range(len(batches))]


def test_weights_of_texts_are_those_of_their_tokens():
    windows = StreamWindows(examples(2, 3, weights=[2.0, 0.5]), 1, 4)
    weights = np.concatenate([w[0] for _, _, w in windows.dataset.as_numpy_iterator()])
    assert weights.tolist() == [2, 2, 0.5, 0.5, 0.5, 0, 0, 0]


def test_a_window_has_steps():
    with pytest.raises(ValueError, match="window"):
        StreamWindows(examples(3), 1, 0)
