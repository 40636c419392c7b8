"""Samplers against brute force, on models that are tables."""

import itertools

import keras
import numpy as np
import pytest
from checks import array, log_softmax
from keras import ops

from keras_seq import samplers
from keras_seq.samplers import Beam, Greedy, Sampler

END, START, LONGEST, VOCABULARY = 2, 1, 4, 5


class Table:
    """A model whose next-token logits depend on the row's table, the last two tokens and time.

    The state is `(table, previous token)`, the memory a bias, each with a batch axis.
    """

    def __init__(self, rows, seed=0, vocabulary=VOCABULARY):
        rng = np.random.default_rng(seed)
        shape = (rows, vocabulary, vocabulary, vocabulary)
        self.tables = rng.normal(size=shape).astype("float32") * 1.5
        self.tables[..., 0] = self.tables[..., 1] = -1e9  # no padding, no start token
        self.bias = rng.normal(size=(rows, vocabulary)).astype("float32")

    def step(self, token_ids, state, memory):
        table, previous = state
        rows = ops.arange(ops.shape(token_ids)[0])
        size = table.shape[1]
        flat = ops.reshape(table, (-1, size))
        index = (rows * size + ops.cast(previous, rows.dtype)) * size
        logits = ops.take(flat, index + ops.cast(token_ids, rows.dtype), axis=0)
        return logits + memory["bias"], (table, ops.cast(token_ids, "int32"))

    def search(self, sampler, limits=None, only=slice(None)):
        tables, bias = self.tables[only], self.bias[only]
        rows = len(tables)
        limits = np.full(rows, LONGEST) if limits is None else np.array(limits)[only]
        state = (ops.convert_to_tensor(tables), ops.zeros((rows,), dtype="int32"))
        found = sampler.search(
            self.step,
            state,
            {"bias": ops.convert_to_tensor(bias)},
            ops.full((rows,), START, dtype="int32"),
            END,
            LONGEST,
            ops.convert_to_tensor(limits.astype("int32")),
        )
        return {name: array(x) for name, x in found.items()}

    def log_probability(self, row, tokens):
        """The log-probability of `tokens` in float64."""
        total, previous, last = 0.0, 0, START
        for token in tokens:
            total += log_softmax(self.tables[row, previous, last] + self.bias[row])[token]
            previous, last = last, token
        return total

    def every_sequence(self, limit=LONGEST):
        """All sequences that end with the end token, or at the limit."""
        tokens = [t for t in range(VOCABULARY) if t > START]
        inner = [t for t in tokens if t != END]
        for length in range(1, limit + 1):
            for body in itertools.product(inner, repeat=length - 1):
                yield (*body, END)
        yield from itertools.product(inner, repeat=limit)


def penalised(log_probability, length, alpha):
    return log_probability / ((5 + length) / 6) ** alpha


def sequence(found, row, k=0):
    return tuple(found["token_ids"][row, k][: found["lengths"][row, k]].tolist())


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


@pytest.mark.parametrize("sampler", [Greedy(), Beam(3)], ids=["greedy", "beam"])
def test_log_probabilities_are_those_of_the_tokens(sampler):
    model = Table(rows=6, seed=3)
    found = model.search(sampler)
    for row in range(6):
        for k in range(found["token_ids"].shape[1]):
            expected = model.log_probability(row, sequence(found, row, k))
            assert found["log_probabilities"][row, k] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sampler", [Greedy(), Beam(3)], ids=["greedy", "beam"])
def test_a_batch_is_its_rows(sampler):
    model = Table(rows=5, seed=4)
    whole = model.search(sampler)
    for row in range(5):
        alone = model.search(sampler, only=slice(row, row + 1))
        np.testing.assert_array_equal(alone["token_ids"][0], whole["token_ids"][row])
        np.testing.assert_allclose(alone["scores"][0], whole["scores"][row], atol=1e-5)


@pytest.mark.parametrize("sampler", [Greedy(), Beam(3)], ids=["greedy", "beam"])
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


@pytest.mark.parametrize("arguments", [{"width": 0}, {"width": -1}, {"width": 2.5}])
def test_width_must_be_positive(arguments):
    with pytest.raises(ValueError, match="`width` must be an integer above 0; received"):
        Beam(**arguments)


def test_length_penalty_must_not_be_negative():
    with pytest.raises(ValueError, match="at least 0; received -1"):
        Beam(5, length_penalty=-1)


def test_names_configs_and_instances():
    assert isinstance(samplers.get("greedy"), Greedy)
    config = keras.saving.serialize_keras_object(Beam(3, 0.5))
    assert samplers.get(config).get_config() == {"width": 3, "length_penalty": 0.5}
    mine = Beam(2)
    assert samplers.get(mine) is mine
    with pytest.raises(ValueError, match="'greedy', 'beam'"):
        samplers.get("oracle")
    with pytest.raises(ValueError, match="instance of Sampler; received 5"):
        samplers.get(5)


def test_the_base_class_asks_for_a_rule():
    with pytest.raises(NotImplementedError, match="get_next_token"):
        Table(rows=1).search(Sampler())
