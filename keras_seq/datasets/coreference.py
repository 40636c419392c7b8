"""Coreference: "Jane walked into the room . John walked in too . ... Jane said hi to" -> John."""

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

WOMEN = words(
    "Jane Anna Maria Ruth Clara Nora Emma Alice Sofia Ines Lucy Vera Helen Rosa Edith Mona Ida "
    "Paula Greta Julia"
)
MEN = words(
    "John Peter Omar David Hugo Karl Ivan Simon Felix Bruno Oscar Paul Victor Martin Anton Leo "
    "Adam George Emil Arthur"
)
NAMES = tuple(name for pair in zip(WOMEN, MEN, strict=True) for name in pair)
FIRST = words("walked into the room .")
SECOND = words("walked in too .")
CLOSING = words("said hi to")
# One word of each makes "the old clock hummed softly outside ."; no name, no person.
FILLER = (
    words("the"),
    words("old small large new broken noisy yellow heavy"),
    words("clock radio kettle lamp engine piano dog parrot"),
    words("hummed rattled stirred clicked whined moved stopped turned"),
    words("softly again slowly twice loudly briefly once gently"),
    words("outside upstairs nearby inside there downstairs above below"),
    words("."),
)
# What fills up where no whole sentence has room, by its number of words.
RESTS = (
    (),
    words("later"),
    words("soon after"),
    words("hours passed ."),
    words("it grew dark ."),
    words("the window was open ."),
    words("the rain had stopped again ."),
)


def coreference(count: int, length: int, seed: int = 0, names: int = 20) -> SequenceTask:
    """Tell whom the speaker greets: the one of the two who entered and does not speak.

        Jane walked into the room . John walked in too . (filler) Jane said hi to   ->   John

    Two different names are drawn with equal chances; which of them speaks is random, so the answer
    stands `length - 1` or `length - 7` steps before it is asked for. The filler, sentences about
    things, takes `length - 15` tokens: 15 is near, 100 is far. Among n names

        chance = 1 / (n - 1)    knows who speaks, three steps back, and nothing of the beginning:
                                anybody else is as likely
        best = 1                knows both who came in, and who speaks

    and in `baselines`, also exact: any name at all, 1/n; one of the two who came in, without
    knowing which of them speaks, 1/2.

    Args:
        count: rows, int >= 1.
        length: tokens of each row, int >= 15.
        seed: int >= 0, of `numpy.random.default_rng`.
        names: how many different names there are, int from 3 to 40, women's and men's in turn.

    Returns:
        A `SequenceTask` with ids `(count, length)` and classes `(count,)`, the names.

    Raises:
        ValueError: for a number that is too small or too large; the message says the smallest.

    Example:

    >>> from keras_seq.datasets import coreference
    >>> task = coreference(1000, length=15)
    >>> tokens, label = task.texts[0].split(), task.labels[0]
    >>> {tokens[0], tokens[6]} == {tokens[-4], label}, tokens[-4] != label
    (True, True)

    Reference: the two sentences about Jane and John with which Stanford's CS224n shows the
    vanishing gradient.
    """
    names = check_at_least("names", names, 3)
    if names > len(NAMES):
        raise ValueError(f"`names` must be 3 to {len(NAMES)}; received {names}.")
    frame = 1 + len(FIRST) + 1 + len(SECOND) + 1 + len(CLOSING)
    count, length = count_and_length(count, length, frame, "the three sentences with names")
    people = NAMES[:names]
    vocabulary = vocabulary_of(people, FIRST, SECOND, CLOSING, *FILLER, *RESTS)
    rng = generator(seed)
    ids = ids_of(people, vocabulary)
    pair = np.empty((count, 2), "int32")
    pair[:, 0] = rng.integers(names, size=count)
    pair[:, 1] = (pair[:, 0] + rng.integers(1, names, size=count)) % names
    speaker = rng.integers(2, size=count)
    rows = np.arange(count)
    targets = pair[rows, 1 - speaker]
    inputs = np.concatenate(
        [
            ids[pair[:, :1]],
            _repeated(FIRST, vocabulary, count),
            ids[pair[:, 1:]],
            _repeated(SECOND, vocabulary, count),
            _filler(rng, count, length - frame, vocabulary),
            ids[pair[rows, speaker]][:, None],
            _repeated(CLOSING, vocabulary, count),
        ],
        axis=1,
    )
    return SequenceTask(
        "coreference",
        inputs,
        targets,
        "accuracy",
        chance=1 / (names - 1),
        best=1.0,
        vocabulary=vocabulary,
        classes=people,
        baselines={"any name": 1 / names, "one of the two who came in": 1 / 2},
    )


def _repeated(sentence, vocabulary, rows):
    ids = ids_of(sentence, vocabulary)
    return np.broadcast_to(ids, (rows, len(ids)))


def _filler(rng, rows, size, vocabulary):
    """Whole sentences and the rest that makes exactly `size` tokens: ids `(rows, size)`."""
    sentences, rest = divmod(size, len(FILLER))
    filler = np.empty((rows, sentences, len(FILLER)), "int32")
    for place, choices in enumerate(FILLER):
        filler[..., place] = draw(rng, ids_of(choices, vocabulary), (rows, sentences))
    filler = filler.reshape(rows, sentences * len(FILLER))
    return np.concatenate([filler, _repeated(RESTS[rest], vocabulary, rows)], axis=1)
