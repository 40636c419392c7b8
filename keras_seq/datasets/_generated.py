"""Checks, vocabularies and random words shared by the generated tasks."""

import math
import operator

import numpy as np

PADDING = "[pad]"


def whole(value, name, least, why=""):
    """`value` as an int; ValueError unless it is an integer >= `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        because = f" ({why})" if why else ""
        raise ValueError(f"`{name}` must be an integer >= {least}{because}, but {value!r} came.")
    return number


def number(value, name, least=-math.inf, above=False):
    """`value` as a finite float >= `least` (`> least` where `above`); ValueError otherwise."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or found < least or (above and found == least):
        bound = "" if least == -math.inf else f" {'>' if above else '>='} {least:g}"
        raise ValueError(f"`{name}` must be a finite number{bound}, but {value!r} came.")
    return found


def count_and_length(count, length, shortest, why):
    """Both as ints; ValueError for less than one row, or rows shorter than `shortest`."""
    return whole(count, "count", 1), whole(length, "length", shortest, why)


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
    return np.random.default_rng(whole(seed, "seed", 0))


def to_forecast(series, length):
    """Inputs `(count, length, 1)` and targets `(count, 1)`, the last step, of float rows."""
    series = series.astype("float32")
    return np.ascontiguousarray(series[:, :length, None]), series[:, -1:].copy()
