"""Subject-verb agreement with attractors: "the keys to the cabinet near the doors" -> plural."""

import numpy as np

from keras_seq._checks import check_count
from keras_seq.datasets._generated import (
    count_and_length,
    draw,
    generator,
    ids_of,
    vocabulary_of,
    words,
)
from keras_seq.datasets.sequence_task import SequenceTask

SINGULAR = words(
    "key cabinet door window box shelf picture letter book garden bridge tower boat lamp chair "
    "basket farmer doctor driver teacher singer child woman neighbour"
)
PLURAL = words(
    "keys cabinets doors windows boxes shelves pictures letters books gardens bridges towers boats "
    "lamps chairs baskets farmers doctors drivers teachers singers children women neighbours"
)
PREPOSITIONS = words("to near behind beside above below from with by opposite")
ADJECTIVES = words("old new small large red green heavy quiet famous plain broken bright")
ADVERBS = words("here there outside inside upstairs downstairs nearby today again yesterday")
PHRASE = 3  # "near the doors"


def agreement(
    count: int, length: int, seed: int = 0, attractors: int | None = None
) -> SequenceTask:
    """Tell whether the verb that comes next is singular or plural.

    A row is "the", the subject, and phrases such as "near the doors", filled up to exactly `length`
    tokens with adjectives before and adverbs after the nouns, none of which shows a number:

        the keys upstairs to the old cabinet near the doors   ->   plural

    The subject is the second token, with `length - 2` steps between it and the answer, and is
    singular or plural with equal chances. The number of phrases is random, from half of what there
    is room for, P = (length - 2) // 3, to all of it. Each noun in them is singular or plural with
    equal chances, so that they say nothing of the subject:

        chance = 1/2        best = 1        the last noun: 1/2

    With a number of `attractors`, every row has that many phrases, all with nouns of the number
    opposite to the subject's. This is for testing models that were trained on the random nouns: a
    model that goes by the last noun scores 0 there (and 1 with 0 attractors, where the subject is
    the last noun), one trained there learns to answer the opposite of it. Chance is then the
    answer that knows no noun. `baselines["the last noun"]` has the exact score of that rule.

    Args:
        count: rows, int >= 1.
        length: tokens of each row, int >= 5, or >= 2 + 3 attractors.
        seed: int >= 0, of `numpy.random.default_rng`.
        attractors: int >= 0, nouns of the opposite number; random nouns where `None`.

    Returns:
        A `SequenceTask` with ids `(count, length)` and classes `(count,)`, singular or plural.

    Raises:
        ValueError: for a number that is too small; the message says the smallest.

    Example:

    >>> from keras_seq.datasets import agreement
    >>> task = agreement(1000, length=11, attractors=2)
    >>> task.classes, len(task.texts[0].split()), task.baselines
    (('singular', 'plural'), 11, {'the last noun': 0.0})

    Reference: Linzen, Dupoux & Goldberg (2016), "Assessing the ability of LSTMs to learn
    syntax-sensitive dependencies", arXiv:1611.01368.
    """
    fixed = None if attractors is None else check_count("attractors", attractors)
    shortest = 2 + PHRASE * (1 if fixed is None else fixed)
    count, length = count_and_length(count, length, shortest, "the subject and the phrases")
    rng = generator(seed)
    most = (length - 2) // PHRASE
    targets = rng.integers(2, size=count, dtype="int32")
    if fixed is None:
        phrases = rng.integers((most + 1) // 2, most + 1, size=count)
        numbers = rng.integers(2, size=(count, most), dtype="int32")
        last_noun = 1 / 2
    else:
        phrases = np.full(count, fixed)
        numbers = np.repeat(1 - targets[:, None], most, axis=1)
        last_noun = 0.0 if fixed else 1.0
    vocabulary = vocabulary_of(("the",), PREPOSITIONS, SINGULAR, PLURAL, ADJECTIVES, ADVERBS)
    nouns = np.stack([ids_of(SINGULAR, vocabulary), ids_of(PLURAL, vocabulary)])
    inputs = np.full((count, length), ids_of(["the"], vocabulary), "int32")
    inputs[:, 1] = nouns[targets, rng.integers(nouns.shape[1], size=count)]
    inputs[:, 2:] = _modifiers(rng, phrases, numbers, nouns, vocabulary, length - 2)
    return SequenceTask(
        "agreement",
        inputs,
        targets,
        "accuracy",
        chance=1 / 2,
        best=1.0,
        vocabulary=vocabulary,
        classes=("singular", "plural"),
        baselines={"the last noun": last_noun},
    )


def _modifiers(rng, phrases, numbers, nouns, vocabulary, size):
    """Everything after the subject: ids `(rows, size)`.

    The tokens are made in any order, each with the place in the row that it belongs to, and then
    sorted: phrase j holds the places 5 j + 1 (preposition), + 2 (the), + 3 (adjectives), + 4 (noun)
    and + 5 (adverbs); place 0 is for the adverbs after the subject.
    """
    rows, most = numbers.shape
    small = "int16" if 5 * (most + 1) < 2**15 else "int32"  # NumPy sorts int16 much faster.
    phrase, kind = np.divmod(np.arange(PHRASE * most), PHRASE)
    phrase_places = (5 * phrase + np.array([1, 2, 4])[kind]).astype(small)
    phrase_words = np.empty((rows, most, PHRASE), "int32")
    phrase_words[..., 0] = draw(rng, ids_of(PREPOSITIONS, vocabulary), (rows, most))
    phrase_words[..., 1] = ids_of(["the"], vocabulary)
    phrase_words[..., 2] = nouns[numbers, rng.integers(nouns.shape[1], size=(rows, most))]
    # A filler goes after the subject (0), or before (odd) or after (even) the noun of a phrase.
    slots = (rng.random((rows, size)) * (2 * phrases[:, None] + 1)).astype(small)
    adverbs = draw(rng, ids_of(ADVERBS, vocabulary), (rows, size))
    adjectives = draw(rng, ids_of(ADJECTIVES, vocabulary), (rows, size))
    tokens, places = np.where(slots % 2, adjectives, adverbs), (5 * slots + 1) // 2
    columns = slice(0, PHRASE * most)
    there = phrase < phrases[:, None]
    tokens[:, columns] = np.where(there, phrase_words.reshape(rows, -1), tokens[:, columns])
    places[:, columns] = np.where(there, phrase_places, places[:, columns])
    return np.take_along_axis(tokens, np.argsort(places, axis=1, kind="stable"), axis=1)
