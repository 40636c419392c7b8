"""Associative recall: the value that a key had before."""

import string

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq.datasets._generated import count_and_length, generator, vocabulary_of
from keras_seq.datasets.sequence_task import SequenceTask


def associative_recall(
    count: int,
    length: int,
    seed: int = 0,
    keys: int = 4,
    values: int = 4,
    asked: str | int = "newest",
) -> SequenceTask:
    """Say at each step what value its key had before: a look back by content, or by place.

    A token is a key and a value, such as "b2", both drawn uniformly. The class at step t is the
    value of an earlier token s < t:

        asked = "newest"    the last s with the key of t
        asked = "oldest"    the first s with the key of t
        asked = k           s = t - k, whatever its key is

    with the weight 1, and 0 where there is no such s. Whoever remembers nothing can but guess:

        chance = 1 / values        best = 1

    Args:
        count: rows, int >= 1.
        length: steps of each row, int >= 2; > k for a number.
        seed: int >= 0, of `numpy.random.default_rng`.
        keys: how many different ones there are, int from 1 to 26.
        values: how many different ones there are, int >= 2.
        asked: `"newest"`, `"oldest"`, or an int k >= 1.

    Returns:
        A `SequenceTask` with ids, classes and weights, `(count, length)` each.

    Raises:
        ValueError: for a number that is too small or too large, and for anything else that is
            asked.

    Example:

    >>> from keras_seq.datasets import associative_recall
    >>> task = associative_recall(1, length=6, keys=2)
    >>> task.texts[0], task.targets[0].tolist(), task.weights[0].tolist()
    ('b2 b1 b0 a2 a2 a0', [0, 2, 1, 0, 2, 2], [0.0, 1.0, 1.0, 0.0, 1.0, 1.0])

    References:
        - Ba et al., 2016, "Using fast weights to attend to the recent past", arXiv:1610.06258.
        - Arora et al., 2023, "Zoology: measuring and improving recall in efficient language
          models", arXiv:2312.04927: many questions in one sequence.
    """
    keys, values = check_at_least("keys", keys, 1), check_at_least("values", values, 2)
    if keys > len(string.ascii_lowercase):
        raise ValueError(f"`keys` must be 1 to 26; received {keys}.")
    by_content = asked in ("newest", "oldest")
    if not by_content and (isinstance(asked, str) or asked is None):
        raise ValueError(f'`asked` must be "newest", "oldest" or an integer; received {asked!r}.')
    back = 1 if by_content else check_at_least("asked", asked, 1)
    why = f"a token and the one {back} back"
    count, length = count_and_length(count, length, back + 1, why)
    names = [f"{key}{value}" for key in string.ascii_lowercase[:keys] for value in range(values)]
    tokens = generator(seed).integers(keys * values, size=(count, length), dtype="int32")
    place = _places(tokens // values, asked) if by_content else np.arange(length) - back
    known = np.broadcast_to(place >= 0, tokens.shape)
    place = np.broadcast_to(np.maximum(place, 0), tokens.shape)
    answers = np.take_along_axis(tokens % values, place, axis=1)
    return SequenceTask(
        "associative_recall",
        tokens + 1,
        np.where(known, answers, 0),
        "accuracy",
        chance=1 / values,
        best=1.0,
        weights=known.astype("float32"),
        vocabulary=vocabulary_of(names),
        classes=tuple(map(str, range(values))),
    )


def _places(keys, asked):
    """Where each key came last, or first, before its step, `(count, length)`; -1 for nowhere."""
    places = np.full(keys.shape, -1)
    seen = np.full((len(keys), keys.max() + 1), -1)
    rows = np.arange(len(keys))
    for t in range(keys.shape[1]):
        places[:, t] = seen[rows, keys[:, t]]
        new = (asked == "newest") | (places[:, t] < 0)
        seen[rows, keys[:, t]] = np.where(new, t, places[:, t])
    return places
