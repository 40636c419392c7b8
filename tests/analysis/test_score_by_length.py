"""Scores by the length of the source."""

import pytest

from keras_seq.analysis import score_by_length, text_scores
from keras_seq.text import WordTokenizer

SOURCES = ["x " * n for n in (1, 2, 3, 4, 5, 6, 7, 8)]
TARGETS = [f"{n} a b c d e" for n in range(8)]


class Parrot:
    """Answers from a list, whatever it is asked."""

    source_tokenizer = WordTokenizer.from_texts(["x y"])

    def __init__(self, answers):
        self.answers = answers

    def generate(self, texts, **options):
        self.options = options
        return [self.answers[SOURCES.index(text)] for text in texts]


def spans(rows):
    return [(row["shortest"], row["longest"], row["count"]) for row in rows]


@pytest.mark.parametrize(
    ("bins", "expected"),
    [
        (1, [(1, 8, 8)]),
        (4, [(1, 2, 2), (3, 4, 2), (5, 6, 2), (7, 8, 2)]),
        ([3, 6], [(1, 3, 3), (4, 6, 3), (7, 8, 2)]),
        ([0, 5, 99], [(1, 5, 5), (6, 8, 3)]),  # a bin without texts is no row
        ([], [(1, 8, 8)]),
    ],
)
def test_bins(bins, expected):
    rows = score_by_length(Parrot(TARGETS), SOURCES, TARGETS, bins=bins)
    assert spans(rows) == expected
    assert rows[0]["mean_length"] == (1 + expected[0][1]) / 2


def test_equal_lengths_stay_together():
    sources = [SOURCES[3]] * 5 + [SOURCES[7]]
    rows = score_by_length(Parrot(TARGETS), sources, TARGETS[:6], bins=3)
    assert spans(rows) == [(4, 4, 5), (8, 8, 1)]


def test_a_row_has_the_scores_of_its_texts():
    answers = [*TARGETS[:3], *["no a b c"] * 5]
    rows = score_by_length(Parrot(answers), SOURCES[::-1], TARGETS[::-1], bins=[4])
    for row, part in zip(rows, (slice(4), slice(4, 8)), strict=True):
        expected = text_scores(answers[part], TARGETS[part])
        assert {name: row[name] for name in ("bleu", "chrf", "exact_match")} == {
            name: pytest.approx(expected[name]) for name in ("bleu", "chrf", "exact_match")
        }
    assert [row["exact_match"] for row in rows] == [0.75, 0]


def test_the_best_of_several_answers_counts_and_options_go_on():
    model = Parrot([[target, "other"] for target in TARGETS])
    rows = score_by_length(
        model, SOURCES, TARGETS, bins=1, sampler="beam", max_length=9, batch_size=2
    )
    assert rows[0]["exact_match"] == 1
    assert model.options == {"sampler": "beam", "max_length": 9, "batch_size": 2}


@pytest.mark.parametrize("bins", [0, -1, True, 2.5, "3", [3, 3], [5, 2], [1.5], None])
def test_bad_bins(bins):
    with pytest.raises(ValueError, match="`bins` must be an integer above 0"):
        score_by_length(Parrot(TARGETS), SOURCES, TARGETS, bins=bins)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (SOURCES, TARGETS[:3], "received 8 sources and 3 targets"),
        ([], [], "received 0 sources and 0 targets"),
        ("one", ["one"], "`sources` must be a list of strings; received one string"),
        (["one"], [1], "`targets` must hold strings; item 0 is 1"),
    ],
)
def test_bad_texts(sources, targets, message):
    with pytest.raises(ValueError, match=message):
        score_by_length(Parrot(TARGETS), sources, targets)
