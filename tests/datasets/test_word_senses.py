"""A word whose sense hangs on one side or the other."""

from collections import Counter

import numpy as np
import pytest

from keras_seq.datasets import best_reachable_accuracy, word_senses
from keras_seq.datasets.word_senses import BEHIND, NEUTRAL, NOTHING, SENSES, TELLING

TASK = word_senses(4000, seed=3)


def clue(text):
    """The sense that the words of a text tell, and whether the word that tells is on the left."""
    left, right = text.split(" bank with many ")
    found = [
        (sense, words is TELLING[k])
        for k, sense in enumerate(SENSES)
        for words in (TELLING[k], BEHIND[k])
        for word in [*left.split(), *right.split()]
        if word in words
    ]
    ((sense, on_the_left),) = found  # exactly one word tells
    return sense, on_the_left


def test_one_word_tells_the_sense_on_one_side():
    found = [clue(text) for text in TASK.texts]
    assert [sense for sense, _ in found] == TASK.labels
    assert np.mean([left for _, left in found]) == pytest.approx(0.4, abs=0.03)
    lengths = {len(text.split()) for text in TASK.texts}
    assert lengths == {8, 9, 10}
    shares = Counter(TASK.labels)
    assert all(shares[sense] / 4000 == pytest.approx(1 / 3, abs=0.03) for sense in SENSES)
    groups = [NEUTRAL, NOTHING, *TELLING, *BEHIND]
    assert len({word for group in groups for word in group}) == sum(map(len, groups))


@pytest.mark.parametrize("before", [0.4, 0.75])
def test_the_best_accuracies_are_those_of_the_best_rule(before):
    def telling(text, words):
        return next((word for word in text.split() if any(word in group for group in words)), "")

    for side, expected in (
        ("both", 1.0),
        ("left", before + (1 - before) / 3),
        ("right", (1 - before) + before / 3),
    ):
        task = word_senses(4000, seed=5, side=side, before=before)
        assert task.best == pytest.approx(expected) and task.chance == pytest.approx(1 / 3)
        # What a text says of the sense is in its telling words alone: the best function of these
        # is the best of all, up to what 4,000 rows say by chance.
        clues = [telling(text, [*TELLING, *BEHIND]) for text in task.texts]
        assert best_reachable_accuracy(clues, task.labels) == pytest.approx(expected, abs=0.03)
    assert set(task.baselines) == {"the left alone", "the right alone"}


def test_sides_are_parts_of_the_same_sentences():
    left, right = (word_senses(50, seed=3, side=side) for side in ("left", "right"))
    whole = word_senses(50, seed=3)
    for both, one, other in zip(whole.texts, left.texts, right.texts, strict=True):
        assert one.endswith(" bank") and other.startswith("bank ")
        assert f"{one}{other.removeprefix('bank')}" == both
    assert left.labels == right.labels == whole.labels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count.*0"),
        ({"count": 5, "seed": -1}, "seed.*-1"),
        ({"count": 5, "side": "top"}, "both, left, right; received 'top'"),
        ({"count": 5, "before": 1}, r"before.*\(0, 1\); received 1"),
        ({"count": 5, "before": "often"}, "received 'often'"),
    ],
)
def test_mistakes_say_what_came(arguments, message):
    with pytest.raises(ValueError, match=message):
        word_senses(**arguments)
