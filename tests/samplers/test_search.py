"""Samplers against brute force, on models that are tables."""

import keras
import numpy as np
import pytest
from table import END, LONGEST, START, Table, sequence

from keras_seq import samplers
from keras_seq.samplers import Beam, Greedy, Random, Sampler

KINDS = pytest.mark.parametrize(
    "sampler", [Greedy(), Beam(3), Random(seed=3)], ids=["greedy", "beam", "random"]
)


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


@KINDS
def test_log_probabilities_are_those_of_the_tokens(sampler):
    model = Table(rows=6, seed=3)
    found = model.search(sampler)
    for row in range(6):
        for k in range(found["token_ids"].shape[1]):
            expected = model.log_probability(row, sequence(found, row, k))
            assert found["log_probabilities"][row, k] == pytest.approx(expected, abs=1e-4)


@KINDS
def test_a_batch_is_its_rows(sampler):
    model = Table(rows=5, seed=4)
    whole = model.search(sampler)
    for row in (0, 3):
        alone = model.search(sampler, only=slice(row, row + 1))
        np.testing.assert_array_equal(alone["token_ids"][0], whole["token_ids"][row])
        np.testing.assert_allclose(alone["scores"][0], whole["scores"][row], atol=1e-5)


@KINDS
def test_limits_hold_for_each_row(sampler):
    model = Table(rows=4, seed=5)
    model.tables[..., END] = -20.0  # no row ends by itself
    limits = [1, 2, 3, 4]
    found = model.search(sampler, limits=limits)
    assert found["lengths"].tolist() == [[n] * found["lengths"].shape[1] for n in limits]
    nothing = model.search(sampler, limits=[0, 0, 0, 0])
    assert not nothing["token_ids"].any()


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


@KINDS
def test_the_trace_holds_every_step(sampler):
    """Every sequence kept is one of the step before with a token more; the finished ones freeze."""
    model = Table(rows=4, seed=8)
    found, trace = model.search(sampler, limits=[4, 3, 2, 4], return_trace=True)
    plain = model.search(sampler, limits=[4, 3, 2, 4])
    for name, values in plain.items():
        np.testing.assert_array_equal(found[name], values)
    for row in range(4):
        before = [((), 0.0, 0.0, False)] + [None] * (trace["parents"].shape[2] - 1)
        for t in range(1 + int(np.argmax(trace["finished"][row].all(axis=1)))):
            names = ("parents", "token_ids", "log_probabilities", "scores", "finished")
            step = [trace[name][row, t].tolist() for name in names]
            after = []
            for parent, token, total, score, done in zip(*step, strict=True):
                tokens, _, _, was_done = before[parent]
                if was_done:
                    assert token == 0
                    assert (tokens, total, score, done) == before[parent]
                else:
                    tokens = (*tokens, token)
                    assert total == pytest.approx(model.log_probability(row, tokens), abs=1e-4)
                    assert done == (token == END or t + 1 == [4, 3, 2, 4][row])
                after.append((tokens, total, score, done))
            before = after
        assert [tokens for tokens, *_ in before] == [
            sequence(found, row, k) for k in range(len(before))
        ]
        assert [score for _, _, score, _ in before] == found["scores"][row].tolist()


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
