"""Beam search against brute force: every sequence, scored and ranked by the formula."""

import itertools

import numpy as np
import pytest
from checks import array
from keras import ops

from keras_seq.samplers import Beam
from keras_seq.testing.table import END, LONGEST, START, Table, sequence

pytestmark = pytest.mark.every_backend

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


P = {START: {3: 0.6, 4: 0.4}, 3: {4: 0.8, END: 0.2}, 4: {END: 0.6, 4: 0.4}}
ATTENDS = {START: [0.5, 0.0, 0.0], 3: [0.5, 0.0, 0.0], 4: [0.5, 1.0, 0.0]}


def by_hand(beam, **how):
    """Search where P says what follows a token, and ATTENDS where it looks.

    The source has two tokens and one of padding.
    """
    logits, attention = np.full((5, 5), -1e9, "float32"), np.zeros((5, 3), "float32")
    for token, following in P.items():
        logits[token, list(following)] = np.log(list(following.values()))
        attention[token] = ATTENDS[token]

    def step(token_ids, state, memory):
        coverage = state["coverage"] + ops.take(attention, token_ids, axis=0)
        return ops.take(logits, token_ids, axis=0), {"coverage": coverage}

    state = {"coverage": ops.convert_to_tensor([[0.0, 0.0, 1.0]])}
    return beam.search(step, state, {}, np.array([START]), END, 3, np.array([3]), **how)


def test_coverage_is_charged_to_finished_sequences_alone():
    """3 4 is the best of two tokens, and has not looked at source token 1 before the third.

    Charged at once, it would have lost to 4 end and 4 4.
    """
    found = by_hand(Beam(2, length_penalty=0.0, coverage_penalty=0.2), return_trace=True)
    trace = {name: array(x)[0] for name, x in found.pop("trace").items()}
    found = {name: array(x) for name, x in found.items()}
    assert [sequence(found, 0, k) for k in (0, 1)] == [(3, 4, END), (4, END)]
    # Both have looked at all of the source: min(1, 1.5) and min(1, 1); 1 and 1.
    np.testing.assert_allclose(found["scores"][0], np.log([0.288, 0.24]), atol=1e-5)
    assert trace["token_ids"].tolist() == [[3, 4], [4, END], [END, 0]]
    np.testing.assert_allclose(trace["scores"][0], np.log([0.6, 0.4]), atol=1e-5)
    np.testing.assert_allclose(trace["scores"][1], np.log([0.48, 0.24]), atol=1e-5)


def test_the_scores_of_wu_et_al():
    """log p / ((5 + |y|) / 6) ** 0.6 + 0.2 * sum_i log min(1, attention to i), worked out."""
    found = by_hand(Beam(9, length_penalty=0.6, coverage_penalty=0.2))
    found = {name: array(x) for name, x in found.items()}
    expected = {
        (3, 4, END): np.log(0.288) / (8 / 6) ** 0.6,
        (3, 4, 4): np.log(0.192) / (8 / 6) ** 0.6,
        (4, END): np.log(0.24) / (7 / 6) ** 0.6,
        (4, 4, END): np.log(0.096) / (8 / 6) ** 0.6,
        (4, 4, 4): np.log(0.064) / (8 / 6) ** 0.6,
        # Nothing looked at source token 1, which counts as 1e-10. Padding costs nothing.
        (3, END): np.log(0.12) / (7 / 6) ** 0.6 + 0.2 * np.log(1e-10),
    }
    assert scored(found, 0) == pytest.approx(expected, abs=1e-5)
    order = [sequence(found, 0, k) for k in range(6)]
    assert order == sorted(expected, key=expected.get, reverse=True)


def test_of_equals_the_better_beam_and_the_lower_token_come_first():
    """On every backend, in a long vocabulary too, and in any batch."""

    def step(token_ids, state, memory):
        logits = np.zeros((1, 3000), "float32")
        logits[:, :END] = -1e9
        return ops.repeat(logits, token_ids.shape[0], axis=0), state

    for rows in (1, 3):
        start, limits = np.full(rows, START), np.full(rows, 4)
        found = Beam(4).search(step, [], [], start, END, 4, limits)
        expected = [[END, 0, 0, 0], [3, END, 0, 0], [3, 3, END, 0], [3, 3, 3, END]]
        assert array(found["token_ids"]).tolist() == [expected] * rows


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
        ({"length_penalty": float("inf")}, "must be a number of at least 0; received inf"),
        ({"n_best": 0}, "`n_best` must be an integer above 0; received 0"),
        ({"width": 3, "n_best": 4}, "`n_best` must be at most `width`, 3; received 4"),
        ({"min_length": -1}, "`min_length` must be an integer of at least 0; received -1"),
        ({"no_repeat_ngram": 1.5}, "`no_repeat_ngram` must be an integer of at least 0"),
    ],
)
def test_mistakes(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        Beam(**arguments)
