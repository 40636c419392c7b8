"""Scores of tags against counts by hand and the rules of conlleval."""

import itertools

import pytest

from keras_seq.analysis import tag_scores
from keras_seq.text import spans

TRUE = [["B-PER", "I-PER", "O", "B-LOC"], [], ["O", "B-LOC", "B-LOC"]]
PREDICTED = [["B-PER", "I-PER", "B-PER", "B-LOC"], [], ["O", "B-LOC", "I-LOC"]]


def test_counts_by_hand():
    found = tag_scores(PREDICTED, TRUE, "BIO")
    assert (found["sentences"], found["words"]) == (3, 7)
    assert found["accuracy"] == pytest.approx(5 / 7)
    assert found["precision"] == found["recall"] * 4 / 4 == pytest.approx(2 / 4)
    assert found["f1"] == pytest.approx(2 * 2 / (4 + 4))
    person, place = found["types"]["PER"], found["types"]["LOC"]
    assert [*found["types"]] == ["LOC", "PER"]
    assert (person["predicted"], person["true"], person["right"]) == (2, 1, 1)
    assert (place["predicted"], place["true"], place["right"]) == (2, 3, 1)
    assert (person["precision"], person["recall"]) == (0.5, 1.0)
    assert place["f1"] == pytest.approx(2 / 5)


def test_without_a_scheme_each_tag_is_a_type():
    found = tag_scores([["N", "V", "N"]], [["N", "N", "V"]])
    assert "f1" not in found and found["accuracy"] == pytest.approx(1 / 3)
    noun = found["types"]["N"]
    assert (noun["predicted"], noun["true"], noun["right"]) == (2, 2, 1)
    assert found["types"]["V"] == {
        **{"precision": 0.0, "recall": 0.0, "f1": 0.0},
        **{"predicted": 1, "true": 1, "right": 0},
    }


@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("BIO", ["O", "B-X", "I-X", "I-Y"]),
        ("IOB1", ["O", "B-X", "I-X", "I-Y"]),
        ("IOBES", ["O", "B-X", "E-X", "S-Y"]),
        ("bioes", ["O", "B-X", "E-X", "S-Y"]),
        ("BILOU", ["O", "B-X", "L-X", "U-Y"]),
        ("BMES", ["O", "B-X", "M-X", "E-X"]),
    ],
)
def test_every_pair_of_short_sentences(scheme, names):
    """Valid or not: right spans are those that both have, each by itself and all together."""
    rows = [list(row) for row in itertools.product(names, repeat=2)]
    pairs = [*itertools.product(rows, rows)]
    marked = [[set(spans(row, scheme, repair=True)) for row in pair] for pair in pairs]
    found = tag_scores(*map(list, zip(*pairs, strict=True)), scheme)
    right = sum(len(one & other) for one, other in marked)
    assert found["precision"] == pytest.approx(right / sum(len(one) for one, _ in marked))
    assert found["recall"] == pytest.approx(right / sum(len(other) for _, other in marked))
    assert sum(counts["right"] for counts in found["types"].values()) == right > 0


def test_invalid_tags_are_read_as_conlleval_does():
    found = tag_scores([["I-PER", "I-LOC"]], [["B-PER", "B-LOC"]], "BIO")
    assert found["f1"] == 1.0 and found["accuracy"] == 0.0


def test_nothing_is_zero():
    found = tag_scores([["O"]], [["O"]], "BIO")
    assert found["accuracy"] == 1.0 and found["f1"] == found["precision"] == 0.0
    assert tag_scores([], [], "BIO")["accuracy"] == 0.0 == tag_scores([[]], [[]])["accuracy"]


@pytest.mark.parametrize(
    ("predicted", "true", "scheme", "message"),
    [
        ([["O"]], [], None, "received 1 and 0"),
        ([["O"], ["O"]], [["O"], ["O", "O"]], None, "Sentence 1 has 1 tags predicted and 2 right"),
        (["O"], [["O"]], None, "list of str; sentence 0 is 'O'"),
        ([["X-A"]], [["O"]], "BIO", "Sentence 0: Position 0: 'X-A' is not a tag of BIO"),
        ([["O"]], [["O"]], "IOB", "received 'IOB'"),
    ],
)
def test_bad_input(predicted, true, scheme, message):
    with pytest.raises(ValueError, match=message):
        tag_scores(predicted, true, scheme)
