"""Beam search against brute force: every sequence, scored and ranked by the formula."""

import itertools

import numpy as np
import pytest
from table import END, LONGEST, START, Table, sequence

from keras_seq.samplers import Beam

EVERY = 150  # as many beams as there are sequences, and more


def scored(found, row):
    """The sequences found, with their scores."""
    scores = found["scores"][row].tolist()
    return {sequence(found, row, k): s for k, s in enumerate(scores) if np.isfinite(s)}


def repeats(tokens, n):
    ngrams = list(zip(*(tokens[i:] for i in range(n)), strict=False))
    return len(set(ngrams)) < len(ngrams)


def test_coverage_is_part_of_the_score():
    model = Table(rows=2, seed=1)
    limits = [LONGEST, 3]
    found = model.search(Beam(EVERY, length_penalty=0.6, coverage_penalty=0.7), limits)
    for row, limit in enumerate(limits):
        expected = {
            tokens: model.log_probability(row, tokens) / ((5 + len(tokens)) / 6) ** 0.6
            + 0.7 * model.covered(row, tokens)
            for tokens in model.every_sequence(limit)
        }
        assert scored(found, row) == pytest.approx(expected, abs=1e-3)
        assert sequence(found, row) == max(expected, key=expected.get)


@pytest.mark.parametrize(("state", "held"), [({"x": 0}, r"\['x'\]"), ([0], "list")])
def test_coverage_needs_a_state_that_has_it(state, held):
    with pytest.raises(ValueError, match=f"needs a model with attention.* a state of {held}"):
        Beam(coverage_penalty=0.1).search(None, state, {}, np.array([1]), END, 3, np.array([3]))


@pytest.mark.parametrize(
    ("min_length", "ngram"), [(2, 0), (0, 1), (0, 2), (1, 3)], ids=lambda n: str(n)
)
def test_what_is_forbidden_is_not_written(min_length, ngram):
    """And all that is allowed is found, with the model's own log-probability."""
    model = Table(rows=2, seed=2)
    model.tables[..., START + 2] += 1.0  # one token again and again
    limits = [LONGEST, 1]
    found = model.search(
        Beam(EVERY, length_penalty=0.0, min_length=min_length, no_repeat_ngram=ngram), limits
    )
    for row, limit in enumerate(limits):
        expected = {
            tokens: model.log_probability(row, tokens)
            for tokens in model.every_sequence(limit)
            if not (tokens[-1] == END and len(tokens) <= min_length)
            and not (ngram and repeats(tokens, ngram))
        }
        assert scored(found, row) == pytest.approx(expected, abs=1e-3)


def test_where_nothing_is_allowed_nothing_is_written():
    found = Table(rows=2, seed=3).search(Beam(2, min_length=3, no_repeat_ngram=1))
    assert np.all(found["scores"] == -np.inf) and np.all(found["log_probabilities"] == -np.inf)
    assert not found["token_ids"].any() and not found["lengths"].any()


def test_ngrams_are_found_in_long_texts():
    """All of two letters: with no trigram twice, the longest text has each of the 8 once."""
    model = Table(rows=1, seed=4)
    model.tables[..., END] = -30.0

    def step(token_ids, state, memory):
        return model.step(token_ids, state, memory)

    found = Beam(8, no_repeat_ngram=3).search(
        step,
        {
            "table": model.tables,
            "previous": np.zeros(1, "int32"),
            "coverage": model.padding,
        },
        {"bias": model.bias},
        np.array([START]),
        END,
        15,
        np.array([15]),
    )
    tokens = np.asarray(found["token_ids"])[0, 0][: int(found["lengths"][0, 0])].tolist()
    assert tokens[-1] == END and len(tokens) == 11
    assert set(itertools.pairwise(tokens[:-1])) == set(itertools.product([3, 4], repeat=2))
    assert not repeats(tokens, 3)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"width": 0}, "`width` must be an integer above 0; received 0"),
        ({"width": -1}, "`width` must be an integer above 0; received -1"),
        ({"width": 2.5}, "`width` must be an integer above 0; received 2.5"),
        ({"length_penalty": -1}, "`length_penalty` must be a number of at least 0; received -1"),
        ({"coverage_penalty": -0.1}, "`coverage_penalty` must be a number of at least 0"),
        ({"coverage_penalty": "x"}, "`coverage_penalty` must be a number of at least 0"),
        ({"n_best": 0}, "`n_best` must be an integer above 0; received 0"),
        ({"width": 3, "n_best": 4}, "`n_best` must be at most `width`, 3; received 4"),
        ({"min_length": -1}, "`min_length` must be an integer of at least 0; received -1"),
        ({"no_repeat_ngram": 1.5}, "`no_repeat_ngram` must be an integer of at least 0"),
    ],
)
def test_mistakes(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        Beam(**arguments)
