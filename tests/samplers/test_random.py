"""Draws against an oracle in NumPy's uint32, which no backend has to itself."""

import numpy as np
import pytest
from checks import array, log_softmax, softmax
from keras import ops

from keras_seq.samplers import Random
from keras_seq.samplers.noise import mix, uniform

pytestmark = pytest.mark.every_backend


def mixed(x):
    """Wellons' lowbias32 of x + 2 ** 32 / golden ratio."""
    x = np.asarray(x, "int64").astype("uint32") + np.uint32(0x9E3779B9)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def uniforms(seed, row_ids, position, size):
    keys = mixed(mixed(mixed(np.array([seed % 2**32])) ^ np.uint32(row_ids)) ^ np.uint32(position))
    bits = mixed(keys[:, None] ^ mixed(np.arange(size)))
    return ((bits >> np.uint32(9)) + 0.5) / 2**23


def likely(logits, temperature=1.0, top_k=None, top_p=None):
    """Log-probabilities after temperature and cut, by sorting each row."""
    logits = log_softmax(logits) / temperature
    for row in logits:
        order = np.argsort(-row, kind="stable")
        kept = len(row) if top_k is None else top_k
        if top_p is not None:
            total = np.cumsum(softmax(row[order[:kept]]))
            kept = min(kept, 1 + int(np.sum(total < top_p)))
        row[order[kept:]] = -np.inf
    return logits


def choose(sampler, logits, position, row_ids):
    log_probabilities = ops.convert_to_tensor(log_softmax(logits).astype("float32"))
    return array(sampler.choose(log_probabilities, position, np.array(row_ids, "int32")))


def test_the_hash():
    numbers = [0, 1, 2, -1, 2**31 - 1, -(2**31), 123456789, -987654321]
    hashed = array(mix(ops.convert_to_tensor(numbers, "int32")))
    np.testing.assert_array_equal(hashed.astype("uint32"), mixed(numbers))
    seed = ops.convert_to_tensor(-7, "int32")
    drawn = array(uniform(seed, ops.arange(50, dtype="int32"), ops.convert_to_tensor(3), 200))
    np.testing.assert_array_equal(drawn, uniforms(-7, np.arange(50), 3, 200).astype("float32"))
    assert 0 < drawn.min() < 1e-3 and 1 - 1e-3 < drawn.max() < 1


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"temperature": 0.6, "seed": 2**40 + 5},
        {"top_k": 3, "seed": -1},
        {"top_k": 50},
        {"top_p": 0.5},
        {"top_p": 1e-6},
        {"temperature": 1.7, "top_k": 8, "top_p": 0.8, "seed": 1},
    ],
    ids=str,
)
def test_draws_are_those_of_the_oracle(config):
    logits = np.random.default_rng(0).normal(size=(300, 12)) * 2
    rows = np.arange(300) * 7
    noise = -np.log(-np.log(uniforms(config.get("seed", 0), rows, 5, 12)))
    oracle = {name: value for name, value in config.items() if name != "seed"}
    perturbed = likely(logits, **oracle) + noise
    chosen = choose(Random(**config), logits, 5, rows)
    largest = np.sort(perturbed, axis=-1)[:, -2:]
    clear = largest[:, 1] - largest[:, 0] > 1e-4
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(chosen[clear], perturbed.argmax(axis=-1)[clear])


def test_draws_follow_the_distribution():
    count, probabilities = 40_000, np.array([0.05, 0.4, 0.02, 0.2, 0.03, 0.3])
    logits = np.tile(np.log(probabilities), (count, 1))
    one, other = (choose(Random(seed=seed), logits, 0, range(count)) for seed in (0, 1))
    later = choose(Random(), logits, 1, range(count))
    for drawn in (one, other, later):
        observed, expected = np.bincount(drawn, minlength=6), count * probabilities
        assert np.sum((observed - expected) ** 2 / expected) < 25.7  # 5 degrees: one in 10,000
    same = np.sum(probabilities**2)  # as often as two independent draws
    for drawn in (other, later, np.roll(one, 1)):
        assert np.mean(one == drawn) == pytest.approx(same, abs=4 * np.sqrt(same / count))


def test_equals_at_the_edge_stay():
    logits = np.tile([0.0, 1.0, 1.0, 1.0], (200, 1))
    assert set(choose(Random(top_k=2), logits, 0, range(200))) == {1, 2, 3}
    assert set(choose(Random(top_p=0.1), logits, 0, range(200))) == {1, 2, 3}


def test_all_of_the_probability_is_all_tokens():
    """Sums of many float32 numbers reach 1 before the end of a long vocabulary."""
    logits = -2 * np.log(np.arange(1, 30_001, dtype="float32"))[None]
    kept = array(Random(top_p=1.0)._cut(ops.convert_to_tensor(logits)))
    np.testing.assert_array_equal(kept, logits)


def test_a_low_temperature_is_greedy():
    logits = np.random.default_rng(1).normal(size=(100, 9))
    chosen = choose(Random(temperature=1e-5), logits, 0, range(100))
    np.testing.assert_array_equal(chosen, logits.argmax(axis=-1))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"temperature": 0}, "`temperature` must be a number above 0; received 0"),
        ({"temperature": float("nan")}, "`temperature` must be a number above 0; received nan"),
        ({"temperature": "hot"}, "`temperature` must be a number above 0; received 'hot'"),
        ({"top_k": 0}, "`top_k` must be an integer above 0; received 0"),
        ({"top_k": 1.5}, "`top_k` must be an integer above 0; received 1.5"),
        ({"top_p": 0}, r"`top_p` must be a number in \(0, 1\] or None; received 0"),
        ({"top_p": 1.1}, r"`top_p` must be a number in \(0, 1\] or None; received 1.1"),
        ({"seed": 0.5}, "`seed` must be an integer; received 0.5"),
    ],
)
def test_mistakes(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        Random(**arguments)
