"""What ends a sequence: several tokens, and none of them too early. Brute force on tables."""

import numpy as np
import pytest

from keras_seq.samplers import Beam, Exhaustive, Greedy, Random
from keras_seq.testing.table import END, LONGEST, START, Table, sequence

LIMITS = [LONGEST, 3, LONGEST, 1]
STOP = START + 2
ENDS = pytest.mark.parametrize(
    ("ends", "least"), [((END, STOP), 0), ([STOP, END, START + 3], 2), ((), 1), (END, 2)], ids=str
)


@pytest.fixture(scope="module")
def model():
    return Table(rows=4, seed=11, vocabulary=6)


def as_tuple(ends):
    return (ends,) if isinstance(ends, int) else tuple(ends)


def allowed(model, row, ends, least):
    """The log-probability of every sequence that ends as it should."""
    ends = as_tuple(ends)
    return {
        tokens: model.log_probability(row, tokens)
        for tokens in model.every_sequence(LIMITS[row], ends)
        if not (tokens[-1] in ends and len(tokens) <= least)
    }


@ENDS
def test_a_wide_beam_finds_them_all(model, ends, least):
    found = model.search(Beam(260, length_penalty=0.0, min_length=least), LIMITS, end=ends)
    for row in range(4):
        scores = found["scores"][row].tolist()
        kept = {sequence(found, row, k): s for k, s in enumerate(scores) if np.isfinite(s)}
        assert kept == pytest.approx(allowed(model, row, ends, least), abs=1e-3)


@ENDS
def test_the_best_of_all(model, ends, least):
    found = model.search(Exhaustive(min_length=least), LIMITS, end=ends)
    for row in range(4):
        expected = allowed(model, row, ends, least)
        assert sequence(found, row) == max(expected, key=expected.get)
        assert found["scores"][row, 0] == pytest.approx(max(expected.values()), abs=1e-4)
    assert found["exact"].all()


@ENDS
def test_greedy(model, ends, least):
    """The arg max of what is allowed, with the log-probability that the model gives it."""
    found = model.search(Greedy(min_length=least), LIMITS, end=ends)
    stops = as_tuple(ends)
    for row in range(4):
        previous, last, expected = 0, START, []
        while len(expected) < LIMITS[row] and last not in stops:
            logits = (model.tables[row, previous, last] + model.bias[row]).copy()
            if len(expected) < least:
                logits[list(stops)] = -np.inf
            previous, last = last, int(np.argmax(logits))
            expected.append(last)
        assert sequence(found, row) == tuple(expected)
        total = model.log_probability(row, expected)
        assert found["log_probabilities"][row, 0] == pytest.approx(total, abs=1e-4)


def test_draws_end_where_they_ended_without_and_no_later_than_a_stop_token():
    """The noise belongs to a place: more ends cut a text, and change nothing before."""
    model = Table(rows=40, seed=12)
    one = model.search(Random(seed=4))
    two = model.search(Random(seed=4), end=(END, STOP))
    cut = 0
    for row in range(40):
        whole = sequence(one, row)
        place = whole.index(STOP) + 1 if STOP in whole else len(whole)
        assert sequence(two, row) == whole[:place]
        cut += place < len(whole)
    assert cut


@pytest.mark.parametrize("cut", [{}, {"top_k": 1}, {"top_p": 1e-6}, {"temperature": 0.01}])
def test_draws_are_of_what_is_allowed(cut):
    """A token that may not come yet takes no place among the likely ones either."""
    model = Table(rows=30, seed=13)
    model.tables[..., END] = 9.0  # the likeliest by far
    found = model.search(Random(seed=1, min_length=2, **cut), [1, *[LONGEST] * 29])
    assert found["lengths"][0] == 1 and found["lengths"][1:].min() >= 3
    assert (found["token_ids"][:, 0, :2] != END).all()
    for row in range(30):
        expected = model.log_probability(row, sequence(found, row))
        assert found["log_probabilities"][row, 0] == pytest.approx(expected, abs=1e-3)


@pytest.mark.once
@pytest.mark.parametrize("kind", [Greedy, Random, Beam, Exhaustive])
@pytest.mark.parametrize("value", [-1, 1.5, True, None])
def test_mistakes(kind, value):
    with pytest.raises(ValueError, match="`min_length` must be an integer of at least 0; received"):
        kind(min_length=value)
