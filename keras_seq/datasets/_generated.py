"""Checks, vocabularies and random words shared by the generated tasks."""

import numpy as np

from keras_seq._checks import check_at_least, check_count

PADDING = "[pad]"


def count_and_length(count, length, shortest, why):
    """Both as ints; ValueError for less than one row, or rows shorter than `shortest`."""
    return check_at_least("count", count, 1), check_at_least("length", length, shortest, why)


def words(text):
    """The words of `text`, a tuple."""
    return tuple(text.split())


def vocabulary_of(*groups):
    """A tuple of all words, each once, in order of their first place, after the padding (id 0)."""
    return (PADDING, *dict.fromkeys(word for group in groups for word in group))


def ids_of(words, vocabulary):
    """The ids of `words` in `vocabulary`: int32 `(number of words,)`."""
    place = {word: index for index, word in enumerate(vocabulary)}
    return np.array([place[word] for word in words], "int32")


def draw(rng, ids, shape):
    """An array of `shape` of ids, each drawn alone and with equal chances out of `ids`."""
    return ids[rng.integers(len(ids), size=shape, dtype="int32")]


def generator(seed):
    """A random generator that gives the same numbers on every platform."""
    return np.random.default_rng(check_count("seed", seed))


def to_forecast(series, length):
    """Inputs `(count, length, 1)` and targets `(count, 1)`, the last step, of float rows."""
    series = series.astype("float32")
    return np.ascontiguousarray(series[:, :length, None]), series[:, -1:].copy()
