"""Opinions that a 'not' turns round: the label follows from two words, and from none alone."""

import numpy as np
import pytest

from keras_seq.datasets import opinions
from keras_seq.datasets.opinions import ADJECTIVES, FILLER

TASK = opinions(4000, seed=3)


def test_two_words_decide_together_and_none_alone():
    texts = [text.split() for text in TASK.texts]
    good = np.array([sum(word in ADJECTIVES[1] for word in text) for text in texts])
    bad = np.array([sum(word in ADJECTIVES[0] for word in text) for text in texts])
    negated = np.array([text.count("not") for text in texts])
    assert (good + bad == 1).all() and set(negated) == {0, 1}
    positive = np.array(TASK.labels) == "positive"
    np.testing.assert_array_equal(positive, (good == 1) ^ (negated == 1))
    for word in (good, negated):
        assert positive[word == 1].mean() == pytest.approx(0.5, abs=0.04)
        assert positive[word == 0].mean() == pytest.approx(0.5, abs=0.04)
    assert {len(text) for text in texts} == set(range(3, 21))
    assert not {*ADJECTIVES[0], *ADJECTIVES[1]} & set(FILLER)


def test_the_seed_decides_and_the_length_only_pads():
    short, long, other = opinions(50, 3), opinions(50, 3, length=90), opinions(50, 4)
    assert short.texts == long.texts != other.texts
    assert short.inputs.shape == (50, 20) and long.inputs.shape == (50, 90)
    np.testing.assert_array_equal(long.inputs[:, :20], short.inputs)
    assert not long.inputs[:, 20:].any()


@pytest.mark.parametrize("options", [{"count": 0}, {"length": 19}, {"seed": -1}])
def test_bad_input_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        opinions(**{"count": 5, **options})
