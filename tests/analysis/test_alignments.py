"""Links between source and target: drawn by attention, read from lines, scored."""

import math

import numpy as np
import pytest

from keras_seq.analysis import alignment, alignment_error_rate, read_alignments

WEIGHTS = np.array([[0.1, 0.9, 0.0], [0.6, 0.2, 0.2], [0.4, 0.4, 0.2]])


def test_alignment_links_each_target_token_to_the_largest_weight():
    assert alignment(WEIGHTS) == [(1, 0), (0, 1), (0, 2)]
    assert alignment(WEIGHTS, threshold=0.5) == [(1, 0), (0, 1)]
    assert alignment(WEIGHTS, threshold=0.9) == []


def test_alignment_of_nothing():
    assert alignment(np.zeros((2, 3))) == []  # monotonic attention may end before the end
    assert alignment(np.zeros((0, 3))) == []
    assert alignment(np.zeros((2, 0))) == []


@pytest.mark.parametrize("bad", [[0.5, 0.5], np.ones((1, 2, 3)), [["a"]], None])
def test_alignment_takes_a_matrix(bad):
    with pytest.raises(ValueError, match=r"must be a matrix \(target tokens, source tokens\)"):
        alignment(bad)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_alignment_takes_weights(bad):
    with pytest.raises(ValueError, match="finite weights of at least 0"):
        alignment([[0.5, bad]])


def test_reading():
    sure, possible = read_alignments(["0-0 1-2p 10-3\n", "", "2p1"])
    assert sure == [[(0, 0), (10, 3)], [], []]
    assert possible == [[(0, 0), (1, 2), (10, 3)], [], [(2, 1)]]
    assert read_alignments(["1-1 2-1p"], first=1) == ([[(0, 0)]], [[(0, 0), (1, 0)]])


@pytest.mark.parametrize("word", ["0", "0-", "a-b", "0-1-2", "0-1x", "-1-2", "0p1p"])
def test_reading_names_the_line_of_what_is_no_link(word):
    with pytest.raises(ValueError, match=r"received .* in line 2"):
        read_alignments(["0-0", f"1-1 {word}"])


def test_reading_refuses_one_string_and_positions_before_the_first():
    with pytest.raises(ValueError, match=r"a list or a file of lines; received '0-0'"):
        read_alignments("0-0")
    with pytest.raises(ValueError, match="begin at 1; received '0-1' in line 1"):
        read_alignments(["0-1"], first=1)


def test_error_rate_by_hand():
    # A = 4 links, S = 3, P = S and 2 more; A has 2 of S and 1 of the others.
    sure, possible = [[(0, 0), (1, 1)], [(5, 5)]], [[(2, 1)], [(5, 6)]]
    found = [[(0, 0), (2, 1), (9, 9)], [(5, 5)]]
    scores = alignment_error_rate(found, sure, possible)
    assert scores["alignment_error_rate"] == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert scores["precision"] == pytest.approx(3 / 4)
    assert scores["recall"] == pytest.approx(2 / 3)


def test_without_possible_links_it_is_one_less_f1():
    draw = np.random.default_rng(0)
    found, sure = ([draw.integers(0, 4, (6, 2)).tolist() for _ in range(5)] for _ in range(2))
    scores = alignment_error_rate(found, sure)
    f1 = 2 / (1 / scores["precision"] + 1 / scores["recall"])
    assert scores["alignment_error_rate"] == pytest.approx(1 - f1)


def test_error_rate_at_its_ends():
    sure = [[(0, 0)], [(1, 1)]]
    assert alignment_error_rate(sure, sure)["alignment_error_rate"] == 0
    nothing = alignment_error_rate([[], []], sure)
    assert nothing["alignment_error_rate"] == 1 and nothing["recall"] == 0
    assert math.isnan(nothing["precision"])
    assert alignment_error_rate([[(0, 0), (0, 0)], [(1, 1)]], sure)["precision"] == 1  # a set


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[(0, 0)]], [[(0, 0)], []]), "1 sentences in `alignments`, 2 in `sure`"),
        (([[(0, 0)]], [[(0, 0)]], []), "and 0 in `possible`"),
        (([[]], [[]]), "a sure link in one sentence at least"),
        (([(0, 0)], [[(0, 0)]]), r"`alignments` must be \(source position, target position\)"),
        (([[(0, 0)]], [[(0, -1)]]), r"`sure` must be .* received \(0, -1\)"),
        (([[(0, 0)]], [[(0, 0.5)]]), "integers of at least 0"),
        ((["0-0"], [[(0, 0)]]), "a list of links for each sentence; received '0-0'"),
        (([3], [[(0, 0)]]), "a list of links for each sentence; received 3"),
    ],
)
def test_error_rate_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        alignment_error_rate(*arguments)
