"""Copy memory: repeat symbols after a long pause."""

import string

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq.datasets._generated import count_and_length, generator, vocabulary_of
from keras_seq.datasets.sequence_task import SequenceTask

BLANK, GO = "_", ">"


def copy_memory(
    count: int, length: int, seed: int = 0, symbols: int = 8, copied: int = 10
) -> SequenceTask:
    """Repeat the symbols of the beginning, in order, once the go marker has come.

    A row of `length` steps is

        input:   s_1 ... s_k  _  _ ... _  >  _ ... _         s_i drawn uniformly, k = `copied`
        target:   _  ...  _   _  _ ... _  _  s_1 ... s_k
        weight:   0  ...  0   0  0 ... 0  0   1 ...  1

    so that every symbol is asked for `length - copied` steps after it came. The targets that do not
    count are class 0, the blank; drop the weights to train on all steps as the papers do. Whoever
    remembers no symbol can but guess among them:

        chance = 1 / symbols        best = 1

    Args:
        count: rows, int >= 1.
        length: steps of each row, int >= 2 copied + 1. (The papers' time lag T is
            `length - 2 copied`.)
        seed: int >= 0, of `numpy.random.default_rng`.
        symbols: how many different ones there are, int from 2 to 26.
        copied: how many are to be repeated, int >= 1.

    Returns:
        A `SequenceTask` with ids, classes and weights, `(count, length)` each.

    Raises:
        ValueError: for a number that is too small or too large; the message says the smallest.

    Example:

    >>> from keras_seq.datasets import copy_memory
    >>> task = copy_memory(1000, length=12, symbols=4, copied=3)
    >>> text, label = task.texts[0].split(), task.labels[0].split()
    >>> text[3:], text[:3] == label
    (['_', '_', '_', '_', '_', '>', '_', '_', '_'], True)

    References: Hochreiter & Schmidhuber (1997), "Long short-term memory"; in this form Arjovsky,
    Shah & Bengio (2016), "Unitary evolution recurrent neural networks", arXiv:1511.06464, with
    8 symbols and 10 copied.
    """
    symbols, copied = check_at_least("symbols", symbols, 2), check_at_least("copied", copied, 1)
    if symbols > len(string.ascii_lowercase):
        raise ValueError(f"`symbols` must be 2 to 26; received {symbols}.")
    why = f"{copied} symbols, the go marker, and {copied} steps to repeat them"
    count, length = count_and_length(count, length, 2 * copied + 1, why)
    names = tuple(string.ascii_lowercase[:symbols])
    vocabulary = vocabulary_of((BLANK, GO), names)
    blank, go, first = 1, 2, 3
    drawn = generator(seed).integers(symbols, size=(count, copied), dtype="int32")
    inputs = np.full((count, length), blank, "int32")
    inputs[:, :copied] = drawn + first
    inputs[:, length - copied - 1] = go
    targets = np.zeros((count, length), "int32")
    targets[:, length - copied :] = drawn + 1
    weights = np.zeros((count, length), "float32")
    weights[:, length - copied :] = 1.0
    return SequenceTask(
        "copy_memory",
        inputs,
        targets,
        "accuracy",
        chance=1 / symbols,
        best=1.0,
        weights=weights,
        vocabulary=vocabulary,
        classes=(BLANK, *names),
    )
