"""The exact search against brute force and against a beam that holds every sequence."""

import keras
import numpy as np
import pytest

from keras_seq.backend import compiled
from keras_seq.samplers import Beam, Exhaustive, Greedy
from keras_seq.testing.table import LONGEST, Table, sequence

LIMITS = [LONGEST, 3, 0, LONGEST, 2, LONGEST]


@pytest.fixture(scope="module")
def model():
    """Seven tokens, five of them letters: 781 sequences a row. And its step, compiled once."""
    model = Table(rows=len(LIMITS), seed=5, vocabulary=8)
    structure = []
    step = compiled(lambda *leaves: model.step(*keras.tree.pack_sequence_as(structure[0], leaves)))

    def flat(*arguments):
        structure[:] = [arguments]
        return step(*keras.tree.flatten(arguments))

    return model, flat


def test_it_finds_the_best_of_all_sequences(model):
    model, step = model
    found = model.search(Exhaustive(), LIMITS, step=step)
    assert found["exact"].all()
    greedy = model.search(Greedy(), LIMITS)
    better = 0
    for row, limit in enumerate(LIMITS):
        if not limit:
            assert found["lengths"][row] == 0 and found["log_probabilities"][row] == 0
            continue
        every = {s: model.log_probability(row, s) for s in model.every_sequence(limit)}
        best = max(every, key=every.get)
        assert sequence(found, row) == best
        assert found["scores"][row, 0] == pytest.approx(every[best], abs=1e-4)
        assert (
            found["token_ids"][row, 0].any() and not found["token_ids"][row, 0, len(best) :].any()
        )
        better += sequence(greedy, row) != best
        assert 0 < found["nodes"][row] < 156  # so many prefixes there are
    assert better  # or it would have proved nothing


def test_a_wide_beam_equals_it(model):
    model, step = model
    found = model.search(Exhaustive(), step=step)
    beam = model.search(Beam(800, length_penalty=0.0))
    for row in range(len(LIMITS)):
        assert sequence(found, row) == sequence(beam, row)
    np.testing.assert_allclose(found["scores"][:, 0], beam["scores"][:, 0], atol=1e-4)


def test_with_few_nodes_it_is_no_worse_than_greedy(model):
    model, step = model
    greedy = model.search(Greedy())
    whole = model.search(Exhaustive(), step=step)
    few = model.search(Exhaustive(max_nodes=2), step=step)
    assert few["nodes"].max() == 2
    np.testing.assert_array_equal(few["exact"], whole["nodes"] <= 2)
    assert not few["exact"].all()
    assert np.all(few["scores"] >= greedy["scores"] - 1e-4)
    assert np.all(few["scores"] <= whole["scores"] + 1e-4)


def test_its_own_limit(model):
    model, step = model
    found = model.search(Exhaustive(max_length=2), LIMITS, step=step)
    limited = model.search(Exhaustive(), np.minimum(LIMITS, 2), step=step)
    np.testing.assert_array_equal(found["token_ids"], limited["token_ids"])
    assert found["lengths"].max() == 2


def test_mistakes(model):
    with pytest.raises(ValueError, match="`max_length` must be an integer above 0; received 0"):
        Exhaustive(max_length=0)
    with pytest.raises(ValueError, match=r"`max_nodes` must be an integer above 0; received 2\.5"):
        Exhaustive(max_nodes=2.5)
    with pytest.raises(ValueError, match="has no trace"):
        model[0].search(Exhaustive(), return_trace=True)
