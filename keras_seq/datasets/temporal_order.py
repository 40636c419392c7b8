"""Temporal order: which of two symbols came first, long ago."""

import numpy as np

from keras_seq.datasets._generated import (
    count_and_length,
    draw,
    generator,
    ids_of,
    vocabulary_of,
    words,
)
from keras_seq.datasets.sequence_task import SequenceTask

START, END = "E", "B"
SYMBOLS = words("X Y")
DISTRACTORS = words("a b c d")


def temporal_order(count: int, length: int, seed: int = 0) -> SequenceTask:
    """Tell which two symbols came, and in which order.

    A row begins with E, ends with B and has random letters a to d between, but for two places, each
    with an X or a Y: the first in 10 % to 20 % of the row, the second in 50 % to 60 %. The class
    names both in order: XX, XY, YX or YY. Each is drawn with equal chances:

        chance = 1/4        best = 1        only one of the two kept: 1/2

    Args:
        count: rows, int >= 1.
        length: tokens of each row, int >= 5. The places (from 0) are uniform in
            [length / 10, length / 5] and [length / 2, 3 length / 5], ends included.
        seed: int >= 0, of `numpy.random.default_rng`.

    Returns:
        A `SequenceTask` with ids `(count, length)` and classes `(count,)`.

    Raises:
        ValueError: for a number that is too small; the message says the smallest.

    Example:

    >>> from keras_seq.datasets import temporal_order
    >>> task = temporal_order(1000, length=20)
    >>> tokens = task.texts[0].split()
    >>> "".join(token for token in tokens if token in "XY") == task.labels[0]
    True

    Reference: Hochreiter & Schmidhuber (1997), "Long short-term memory", experiment 6a (there with
    lengths drawn from 100 to 110).
    """
    count, length = count_and_length(count, length, 5, "two places and both ends")
    vocabulary = vocabulary_of((START, END), SYMBOLS, DISTRACTORS)
    rng = generator(seed)
    rows = np.arange(count)
    inputs = draw(rng, ids_of(DISTRACTORS, vocabulary), (count, length))
    inputs[:, 0], inputs[:, -1] = ids_of((START, END), vocabulary)
    first = rng.integers(-(-length // 10), length // 5 + 1, size=count)
    second = rng.integers(-(-length // 2), 3 * length // 5 + 1, size=count)
    targets = rng.integers(4, size=count, dtype="int32")
    symbols = ids_of(SYMBOLS, vocabulary)
    inputs[rows, first] = symbols[targets // 2]
    inputs[rows, second] = symbols[targets % 2]
    return SequenceTask(
        "temporal_order",
        inputs,
        targets,
        "accuracy",
        chance=1 / 4,
        best=1.0,
        vocabulary=vocabulary,
        classes=("XX", "XY", "YX", "YY"),
        baselines={"one of the two symbols kept": 1 / 2},
    )
