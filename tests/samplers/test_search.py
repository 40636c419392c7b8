"""Samplers against brute force, on models that are tables."""

import keras
import numpy as np
import pytest
from cases import SAMPLERS

from keras_seq import samplers
from keras_seq.samplers import Beam, Greedy, Sampler
from keras_seq.testing import check_sampler
from keras_seq.testing.table import END, LONGEST, START, Table, sequence

pytestmark = pytest.mark.every_backend


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_the_common_rules(sampler):
    check_sampler(lambda: sampler, trace=not sampler.on_host)


def penalised(log_probability, length, alpha):
    return log_probability / ((5 + length) / 6) ** alpha


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_wide_beam_finds_the_best_sequence(alpha):
    model = Table(rows=4)
    found = model.search(Beam(150, length_penalty=alpha))
    for row in range(4):
        scored = [
            (penalised(model.log_probability(row, s), len(s), alpha), s)
            for s in model.every_sequence()
        ]
        scored.sort(reverse=True)
        assert sequence(found, row) == scored[0][1]
        expected = [score for score, _ in scored]
        np.testing.assert_allclose(found["scores"][row][: len(scored)], expected, atol=1e-4)
        assert np.all(found["scores"][row][len(scored) :] == -np.inf)


def test_a_beam_of_one_is_greedy():
    model = Table(rows=30, seed=1)
    greedy, beam = model.search(Greedy()), model.search(Beam(1))
    np.testing.assert_array_equal(greedy["token_ids"], beam["token_ids"])
    np.testing.assert_allclose(greedy["log_probabilities"], beam["log_probabilities"], atol=1e-5)


def test_greedy_takes_the_arg_max_at_each_step():
    model = Table(rows=10, seed=2)
    found = model.search(Greedy())
    for row in range(10):
        previous, last, expected = 0, START, []
        while len(expected) < LONGEST and last != END:
            token = int(np.argmax(model.tables[row, previous, last] + model.bias[row]))
            previous, last = last, token
            expected.append(token)
        assert sequence(found, row) == tuple(expected)
        assert np.all(found["token_ids"][row, 0][len(expected) :] == 0)


def test_a_wider_beam_is_never_worse_by_much_and_scores_are_sorted():
    model = Table(rows=20, seed=6)
    found = model.search(Beam(4))
    assert np.all(np.diff(found["scores"], axis=1) <= 0)
    sequences = [{sequence(found, row, k) for k in range(4)} for row in range(20)]
    assert all(len(different) == 4 for different in sequences)


def test_finished_beams_are_frozen():
    """A beam that ended early keeps its score while others go on for long."""
    model = Table(rows=8, seed=7)
    found = model.search(Beam(60, length_penalty=0.0))
    for row in range(8):
        ends = {
            sequence(found, row, k): found["scores"][row, k]
            for k in range(60)
            if np.isfinite(found["scores"][row, k])
        }
        assert (END,) in ends
        assert ends[(END,)] == pytest.approx(model.log_probability(row, (END,)), abs=1e-4)


def test_names_configs_and_instances():
    assert isinstance(samplers.get("greedy"), Greedy)
    config = keras.saving.serialize_keras_object(Beam(3, 0.5))
    assert samplers.get(config).get_config() == Beam(3, 0.5).get_config()
    mine = Beam(2)
    assert samplers.get(mine) is mine
    with pytest.raises(ValueError, match="'greedy', 'beam'"):
        samplers.get("oracle")
    with pytest.raises(ValueError, match="instance of Sampler; received 5"):
        samplers.get(5)


def test_the_base_class_asks_for_a_rule():
    with pytest.raises(NotImplementedError, match="get_next_token"):
        Table(rows=1).search(Sampler())
