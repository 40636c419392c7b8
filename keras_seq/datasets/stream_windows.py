"""One long row of numbers, cut into streams and these into windows, for stateful layers."""

import numpy as np
from numpy.typing import ArrayLike

from keras_seq._checks import check_positive


def stream_windows(
    ids: ArrayLike, rows: int, window: int, step: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    r"""Windows of one long sequence, in the order in which a stateful model has to read them.

    The sequence is cut into `rows` streams of one length n. Row r of batch b is

        x = ids[r n + b step], ..., ids[r n + b step + window - 1]       y: the same, one later

    so that with `step = window` each row of a batch goes on where it ended in the batch before.
    With a smaller step windows overlap, and a state that is carried on has read a part of them
    already: then reset it before each batch.

    Args:
        ids: numbers `(time,)` or vectors `(time, features)`.
        rows: the size of a batch.
        window: steps of a window.
        step: from the beginning of a window to that of the next one; `window` where `None`.

    Returns:
        `(x, y)`: arrays `(batches * rows, window)` (and the features), for
        `fit(x, y, batch_size=rows, shuffle=False)`. What is left at the end of a stream has no
        window.

    Raises:
        ValueError: for numbers below 1, no array with a time axis, and one that is too short.

    Example:

    >>> x, y = stream_windows(np.arange(13), rows=2, window=3)
    >>> x.tolist(), y[0].tolist()
    ([[0, 1, 2], [6, 7, 8]], [1, 2, 3])
    """
    ids = np.asarray(ids)
    rows, window = check_positive("rows", rows), check_positive("window", window)
    step = window if step is None else check_positive("step", step)
    length = len(ids) // rows if ids.ndim else 0
    if length <= window:
        raise ValueError(
            f"`ids` must have more than {rows} x {window} steps; received the shape {ids.shape}."
        )
    streams = ids[: rows * length].reshape(rows, length, *ids.shape[1:])
    cut = np.lib.stride_tricks.sliding_window_view(streams, window + 1, axis=1)[:, ::step]
    cut = np.moveaxis(cut, -1, 2).swapaxes(0, 1)  # (batches, rows, window + 1, ...)
    cut = cut.reshape(-1, window + 1, *ids.shape[1:])
    return cut[:, :-1], cut[:, 1:]
