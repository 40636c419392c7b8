"""First-token recall: "France ... I speak fluent ___"."""

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq.datasets._generated import (
    count_and_length,
    draw,
    generator,
    ids_of,
    vocabulary_of,
    words,
)
from keras_seq.datasets.sequence_task import SequenceTask

LANGUAGES = {
    "France": "French",
    "Spain": "Spanish",
    "Germany": "German",
    "Italy": "Italian",
    "Japan": "Japanese",
    "Poland": "Polish",
    "Turkey": "Turkish",
    "Greece": "Greek",
    "Sweden": "Swedish",
    "Hungary": "Hungarian",
    "Portugal": "Portuguese",
    "Russia": "Russian",
    "China": "Chinese",
    "Norway": "Norwegian",
    "Finland": "Finnish",
    "Denmark": "Danish",
    "Iceland": "Icelandic",
    "Korea": "Korean",
    "Thailand": "Thai",
    "Vietnam": "Vietnamese",
}
OPENING = words("I grew up in")
CLOSING = words("I speak fluent")
FRIEND = words("my friend lives in")
FILLER = words(
    "the a one some house garden river morning evening book table music winter summer walk read "
    "bought made saw found old small quiet green and then often later near with"
)


def recall(
    count: int,
    length: int,
    seed: int = 0,
    countries: int = 10,
    distractors: bool = False,
    opening: bool = False,
) -> SequenceTask:
    """Name the language of the country that stands at the beginning.

    A row is a country, `length - 4` filler words and "I speak fluent"; the class is the language of
    the country. So the country is the first token and `length - 1` steps lie between it and the
    answer. The filler says nothing about the answer, and so

        chance = 1 / countries        best = 1

    Args:
        count: rows, int >= 1.
        length: tokens of each row, int >= 4; >= 9 with `distractors`. `opening` adds 4.
        seed: int >= 0, of `numpy.random.default_rng`.
        countries: how many, int from 2 to 20, drawn with equal chances.
        distractors: whether the filler holds sentences "my friend lives in ..." (5 tokens, at
            least one a row). Their countries are drawn independently of the row's own, which may
            be among them, so that they are no hint.
        opening: whether "I grew up in" precedes the country; then `length - 5` steps lie between
            country and answer.

    Returns:
        A `SequenceTask` with ids `(count, length)` and classes `(count,)`.

    Raises:
        ValueError: for a number that is too small or too large; the message says the smallest.

    Example:

    >>> from keras_seq.datasets import recall
    >>> task = recall(1000, length=100)
    >>> task
    <SequenceTask 'recall': 1000 rows of 100 steps, 44 tokens, 10 classes; \
accuracy: chance 0.1, best 1>
    >>> language, words = task.labels[0], task.texts[0].split()
    >>> words[-3:], len(words)
    (['I', 'speak', 'fluent'], 100)

    Reference: the lesson's sentence "I grew up in France ... I speak fluent French"; the task is
    that of the long time lags of Bengio, Simard & Frasconi (1994), "Learning long-term
    dependencies with gradient descent is difficult".
    """
    countries = check_at_least("countries", countries, 2)
    if countries > len(LANGUAGES):
        raise ValueError(f"`countries` must be 2 to {len(LANGUAGES)}; received {countries}.")
    start = OPENING if opening else ()
    fixed = len(start) + 1 + len(CLOSING)
    shortest = fixed + (len(FRIEND) + 1 if distractors else 0)
    count, length = count_and_length(count, length, shortest, "the country and the words around it")
    places = tuple(LANGUAGES)[:countries]
    friend = FRIEND if distractors else ()
    vocabulary = vocabulary_of(places, FILLER, start, CLOSING, friend)
    rng = generator(seed)
    targets = rng.integers(countries, size=count, dtype="int32")
    inputs = np.empty((count, length), "int32")
    inputs[:, : len(start)] = ids_of(start, vocabulary)
    inputs[:, len(start)] = ids_of(places, vocabulary)[targets]
    inputs[:, -len(CLOSING) :] = ids_of(CLOSING, vocabulary)
    middle = inputs[:, len(start) + 1 : -len(CLOSING)]
    middle[...] = draw(rng, ids_of(FILLER, vocabulary), middle.shape)
    if distractors:
        _add_distractors(rng, middle, ids_of(FRIEND, vocabulary), ids_of(places, vocabulary))
    return SequenceTask(
        "recall",
        inputs,
        targets,
        "accuracy",
        chance=1 / countries,
        best=1.0,
        vocabulary=vocabulary,
        classes=tuple(LANGUAGES[place] for place in places),
    )


def _add_distractors(rng, middle, friend, places):
    """Write sentences over a quarter of the filler, and over one place of each row at least."""
    rows, words = middle.shape
    size = len(friend) + 1
    slots = words // size
    chosen = rng.random((rows, slots)) < 0.25
    chosen[np.arange(rows), rng.integers(slots, size=rows)] = True
    named = draw(rng, places, (rows, slots))
    sentences = np.concatenate(
        [np.broadcast_to(friend, (rows, slots, len(friend))), named[..., None]], axis=2
    )
    # The sentences end where the filler ends: what is left over stands at its beginning.
    kept = middle[:, words - slots * size :].reshape(rows, slots, size)
    kept = np.where(chosen[..., None], sentences, kept)
    middle[:, words - slots * size :] = kept.reshape(rows, slots * size)
