"""Scores of generated texts."""

import random

import pytest

from keras_seq.analysis import edit_distance, text_scores


def slow_edit_distance(a, b):
    """The recursion that defines it."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        slow_edit_distance(a[1:], b) + 1,
        slow_edit_distance(a, b[1:]) + 1,
        slow_edit_distance(a[1:], b[1:]) + (a[0] != b[0]),
    )


def test_edit_distance_is_its_definition():
    draw = random.Random(0)
    for _ in range(60):
        a, b = ("".join(draw.choices("abc", k=draw.randrange(6))) for _ in range(2))
        assert edit_distance(a, b) == slow_edit_distance(a, b)


def test_scores_by_hand():
    scores = text_scores(["a b c", "x"], ["a b d", "x"])
    assert scores["exact_match"] == 0.5
    assert scores["token_error_rate"] == pytest.approx(1 / 4)


def test_bleu_is_between_nothing_and_all():
    reference = ["the cat sat on the mat today"]
    assert text_scores(reference, reference)["bleu"] == 100
    assert text_scores(["completely different words stand in here"], reference)["bleu"] < 10


@pytest.mark.parametrize(("hypotheses", "references"), [(["a"], ["a", "b"]), ([], [])])
def test_counts_must_agree(hypotheses, references):
    with pytest.raises(ValueError, match=f"{len(hypotheses)} hypotheses and {len(references)}"):
        text_scores(hypotheses, references)
