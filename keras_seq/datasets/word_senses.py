"""Word sense of 'bank', told by a word before it or behind it."""

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq.datasets._generated import draw, generator, ids_of, vocabulary_of, words
from keras_seq.datasets.sequence_task import SequenceTask

SENSES = ("river", "money", "row")
WORD = "bank"
# Words that tell the sense, one line for each of `SENSES`: who looks at the bank, ...
TELLING = (
    words("angler fisherman rower ferryman otter heron beaver canoeist"),
    words("cashier investor borrower accountant robber saver clerk treasurer"),
    words("pilot organist technician engineer programmer typist astronaut electrician"),
)
# ... and what can be seen at it.
BEHIND = (
    words("reeds willows frogs ducks mud pebbles fish waves"),
    words("loans savings coins cheques bonds vaults fees accounts"),
    words("switches keys levers buttons screens dials lamps computers"),
)
NEUTRAL = words("girl boy woman man neighbour teacher doctor visitor stranger child")
NOTHING = words("things changes shadows colours details signs surprises people")
VERBS = words("watched noticed described painted photographed remembered liked showed")
ADJECTIVES = words("old long dark famous quiet new small other")
ADVERBS = words("slowly often secretly suddenly gladly again finally still")
SIDES = ("both", "left", "right")
BEFORE = 0.4  # how often the telling word stands before the bank


def word_senses(
    count: int, seed: int = 0, side: str = "both", before: float = BEFORE
) -> SequenceTask:
    r"""Tell what 'bank' means: that of a river, one with money, or a row of things.

    A row is a sentence in which one word tells the sense, the person before 'bank' or the things
    behind it, and all other words are drawn without regard to it:

        the angler slowly watched the old bank with many shadows    ->   river
        the visitor liked the bank with many coins                  ->   money

    Every sense is as likely as the others. The telling word stands before 'bank' with the
    probability b = `before`, else behind it, where the other place has a word that tells nothing.
    Who reads a side knows the sense where the telling word is on it; where it is not, nothing in it
    depends on the sense, and one in three guesses is right. So the best accuracies are exactly

        both sides    1
        the left      b + (1 - b) / 3               3/5      for b = 2/5
        the right     (1 - b) + b / 3               11/15    for b = 2/5
        chance        1/3

    A sentence has 0 or 1 adverbs and adjectives, so 8 to 10 words.

    Args:
        count: rows, int >= 1.
        seed: int >= 0, of `numpy.random.default_rng`. The sentences do not depend on `side`.
        side: `"both"`, whole sentences; `"left"`, up to 'bank'; `"right"`, from 'bank' on.
        before: b, a number in (0, 1).

    Returns:
        A `SequenceTask` with ids `(count, longest)`, padded with 0, and classes `(count,)`; `texts`
        and `labels` are what a `TextClassifier` takes, `best` is the accuracy above for the side,
        and the `baselines` are those of the single sides.

    Raises:
        ValueError: for a number that is too small, an unknown side, or `before` outside of (0, 1).

    Example:

    >>> from keras_seq.datasets import word_senses
    >>> task = word_senses(1000, side="left")
    >>> {text.split()[-1] for text in task.texts}, task.classes, round(task.best, 4)
    ({'bank'}, ('river', 'money', 'row'), 0.6)

    Reference: Yarowsky (1995), "Unsupervised word sense disambiguation rivaling supervised
    methods", doi:10.3115/981658.981684 (one sense per collocation).
    """
    count = check_at_least("count", count, 1)
    if side not in SIDES:
        raise ValueError(f"`side` must be one of {', '.join(SIDES)}; received {side!r}.")
    if not isinstance(before, (int, float)) or not 0 < before < 1:
        raise ValueError(f"`before` must be a number in (0, 1); received {before!r}.")
    rng = generator(seed)
    vocabulary = vocabulary_of(
        ("the", WORD, "with", "many"),
        *(NEUTRAL, NOTHING, VERBS, ADJECTIVES, ADVERBS, *TELLING, *BEHIND),
    )
    senses = rng.integers(len(SENSES), size=count, dtype="int32")
    rows = _sentences(rng, senses, rng.random(count) < before, vocabulary)
    place = 6  # of the bank: what stands before it is 0 to 5
    columns = {"both": slice(None), "left": slice(place + 1), "right": slice(place, None)}
    best = best_accuracies(before)
    return SequenceTask(
        "word_senses",
        _packed(rows[:, columns[side]]),
        senses,
        "accuracy",
        chance=1 / len(SENSES),
        best=best[side],
        vocabulary=vocabulary,
        classes=SENSES,
        baselines={"the left alone": best["left"], "the right alone": best["right"]},
    )


def best_accuracies(before):
    """The best accuracy that each side allows, as the docstring of `word_senses` derives it."""
    guess = 1 / len(SENSES)
    return {
        "both": 1.0,
        "left": before + (1 - before) * guess,
        "right": (1 - before) + before * guess,
    }


def _sentences(rng, senses, before, vocabulary):
    """Ids `(rows, 10)`, 0 where an adverb or an adjective is left out."""
    rows = len(senses)

    def fixed(word):
        return np.full(rows, vocabulary.index(word), "int32")

    def drawn(choices, share=1.0):
        words = draw(rng, ids_of(choices, vocabulary), rows)
        return np.where(rng.random(rows) < share, words, 0)

    def told(choices):
        table = np.stack([ids_of(group, vocabulary) for group in choices])
        return table[senses, rng.integers(table.shape[1], size=rows)]

    return np.stack(
        [
            fixed("the"),
            np.where(before, told(TELLING), drawn(NEUTRAL)),
            drawn(ADVERBS, 0.5),
            drawn(VERBS),
            fixed("the"),
            drawn(ADJECTIVES, 0.5),
            fixed(WORD),
            fixed("with"),
            fixed("many"),
            np.where(before, drawn(NOTHING), told(BEHIND)),
        ],
        axis=1,
    )


def _packed(rows):
    """The ids of each row without the gaps in it, padding behind them."""
    order = np.argsort(rows == 0, axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1)
