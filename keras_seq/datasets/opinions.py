"""Opinions that a 'not' turns round."""

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq.datasets._generated import draw, generator, ids_of, vocabulary_of, words
from keras_seq.datasets.sequence_task import SequenceTask

CLASSES = ("negative", "positive")
ADJECTIVES = (words("bad dull poor awful silly"), words("good great fine lovely clever"))
FILLER = words("well so the camera music and plot we saw yesterday with friends")
AROUND = 8  # words at most before the opinion, and as many behind it
LONGEST = 2 * AROUND + 4


def opinions(count: int, seed: int = 0, length: int = LONGEST) -> SequenceTask:
    r"""Tell whether an opinion is positive, where half of the adjectives are negated.

    A row is an opinion, an adjective with or without a 'not', between 0 to 8 words without any
    opinion on either side:

        so we saw the it is not dull with friends      ->   positive
        music and it is fine                           ->   positive
        the plot well it is not good yesterday         ->   negative

    Good and bad adjectives, and with and without a 'not', are equally likely and independent of
    each other, so neither word says anything by itself: whoever adds up weights of words, such as
    a logistic regression on their counts, is right in one of two texts, in three of four at best
    (the sign of a sum of two numbers cannot be an exclusive or).

    Args:
        count: rows, int >= 1.
        seed: int >= 0, of `numpy.random.default_rng`.
        length: the length that all rows are padded to, with 0 behind them; int >= 20, which the
            longest has. The sentences do not depend on it.

    Returns:
        A `SequenceTask` with ids `(count, length)`, padded with 0, and classes `(count,)`; `texts`
        and `labels` are what a `TextClassifier` takes.

    Raises:
        ValueError: for a number that is too small.

    Example:

    >>> from keras_seq.datasets import opinions
    >>> task = opinions(100, seed=1)
    >>> task.inputs.shape, task.classes
    ((100, 20), ('negative', 'positive'))
    >>> all(("not" in text.split()) != (label == "positive")
    ...     for text, label in zip(task.texts, task.labels) if "good" in text)
    True

    Reference: Minsky and Papert (1969), "Perceptrons" (exclusive or).
    """
    count = check_at_least("count", count, 1)
    length = check_at_least("length", length, LONGEST)
    rng = generator(seed)
    vocabulary = vocabulary_of(("it", "is", "not"), *ADJECTIVES, FILLER)
    positive, negated = rng.integers(2, size=(2, count), dtype="int32")
    table = np.stack([ids_of(group, vocabulary) for group in ADJECTIVES])
    it, is_, not_ = ids_of(("it", "is", "not"), vocabulary)
    middle = np.empty((count, 4), "int32")
    middle[:] = it, is_, not_, 0
    middle[:, 2] *= negated
    middle[:, 3] = table[positive, rng.integers(table.shape[1], size=count)]
    before, behind = (_around(rng, count, vocabulary) for _ in range(2))
    rows = np.concatenate([before, middle, behind], axis=1)
    order = np.argsort(rows == 0, axis=1, kind="stable")
    inputs = np.zeros((count, length), "int32")
    inputs[:, :LONGEST] = np.take_along_axis(rows, order, axis=1)
    return SequenceTask(
        "opinions",
        inputs,
        positive ^ negated,
        "accuracy",
        chance=0.5,
        best=1.0,
        vocabulary=vocabulary,
        classes=CLASSES,
        baselines={"the adjective alone": 0.5},
    )


def _around(rng, count, vocabulary):
    """Ids `(count, AROUND)` of words without an opinion, 0 where there are fewer."""
    drawn = draw(rng, ids_of(FILLER, vocabulary), (count, AROUND))
    return drawn * (np.arange(AROUND) < rng.integers(AROUND + 1, size=(count, 1)))
