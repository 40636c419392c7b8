"""Searches in NumPy against the samplers and the CRF, which compute the same in Keras."""

import numpy as np
import pytest
from keras import ops

from keras_seq.export.step_search import (
    OPTIONS,
    best_path,
    checked,
    log_softmax,
    marginals,
    search,
)
from keras_seq.layers import CRF
from keras_seq.samplers import SAMPLERS

pytestmark = pytest.mark.once
SIZE, END, LIMIT = 7, 2, 9
DRAW = np.random.default_rng(0)
TABLE = DRAW.normal(size=(5, SIZE, SIZE)).astype("float32") * 2
LOOKS = DRAW.random(size=(SIZE, 4)).astype("float32")


def numpy_step(token_ids, state):
    """Logits that hang on the token, and on how many there were; attention by the token."""
    place = state["count"][:, 0] % len(TABLE)
    coverage = state["coverage"] + LOOKS[token_ids]
    return TABLE[place, token_ids], {"count": state["count"] + 1, "coverage": coverage}


def keras_step(token_ids, state, memory):
    place = state["count"][:, 0] % len(TABLE) * SIZE + token_ids
    logits = ops.take(TABLE.reshape(-1, SIZE), place, axis=0)
    coverage = state["coverage"] + ops.take(LOOKS, token_ids, axis=0)
    return logits, {"count": state["count"] + 1, "coverage": coverage}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("greedy", {}),
        ("greedy", {"min_length": 5}),
        ("random", {"seed": 5}),
        ("random", {"seed": -3, "temperature": 0.7, "top_k": 3, "min_length": 4}),
        ("random", {"seed": 2**40, "top_p": 0.6}),
        ("beam", {"width": 1}),
        ("beam", {"width": 4, "n_best": 4, "length_penalty": 0.0}),
        ("beam", {"width": 9, "coverage_penalty": 0.7}),
        ("beam", {"width": 3, "min_length": 4, "no_repeat_ngram": 2}),
        ("beam", {"width": 3, "no_repeat_ngram": 1}),
    ],
)
@pytest.mark.parametrize("first", [1, 4])
@pytest.mark.parametrize("ends", [(END,), (END, 5)])
def test_searches_are_those_of_the_samplers(name, options, first, ends):
    for row in range(4):
        state = {"count": np.full((1, 1), row, "int32"), "coverage": np.zeros((1, 4), "float32")}
        found = search(
            name, {**OPTIONS[name], **options}, numpy_step, state, first, ends, LIMIT, row
        )
        expected = SAMPLERS[name](**options).search(
            keras_step,
            {key: ops.convert_to_tensor(value) for key, value in state.items()},
            {},
            np.array([first], "int32"),
            ends,
            LIMIT,
            np.array([LIMIT], "int32"),
            np.array([row], "int32"),
        )
        expected = {key: ops.convert_to_numpy(value)[0] for key, value in expected.items()}
        there = np.isfinite(expected["scores"])
        assert len(found) == there.sum()
        for k, (ids, score) in enumerate(found):
            assert ids == expected["token_ids"][k, : expected["lengths"][k]].tolist()
            np.testing.assert_allclose(score, expected["scores"][k], atol=1e-5)


@pytest.mark.parametrize("name", OPTIONS)
def test_no_token_where_none_is_allowed(name):
    state = {"count": np.zeros((1, 1), "int32"), "coverage": np.zeros((1, 4), "float32")}
    assert search(name, OPTIONS[name], numpy_step, state, 1, (END,), 0) == [([], 0.0)]


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_tags_are_those_of_the_crf(steps):
    crf = CRF(4, {"transitions": [(0, 2), (3, 3)], "start": [2], "end": [1]})
    emissions = DRAW.normal(size=(1, steps, 4)).astype("float32")
    crf.build(emissions.shape)
    for weight in crf.weights:
        weight.assign(DRAW.normal(size=weight.shape))
    chain = [ops.convert_to_numpy(x) for x in crf.potentials("float32")]
    expected = ops.convert_to_numpy(crf.decode(emissions)[0])[0]
    np.testing.assert_array_equal(best_path(emissions[0], *chain), expected)
    expected = ops.convert_to_numpy(crf.marginals(emissions))[0]
    np.testing.assert_allclose(marginals(emissions[0], *chain), expected, atol=1e-5)


def test_log_softmax_is_that_of_large_numbers_too():
    expected = [-np.log(2), -np.log(2), -1000 - np.log(2)]
    np.testing.assert_allclose(log_softmax([1e4, 1e4, 9e3]), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("beam", {"width": 0}, "`width` must be an integer above 0; received 0"),
        ("beam", {"width": 2, "n_best": 3}, "`n_best` must be at most `width`, 2; received 3"),
        ("beam", {"length_penalty": -1}, "`length_penalty` must be a finite number"),
        ("random", {"temperature": 0}, "`temperature` must be a finite number above 0"),
        ("random", {"top_p": 1.5}, r"`top_p` must be a number in \(0, 1\]"),
        ("greedy", {"min_length": -1}, "`min_length` must be an integer of at least 0"),
    ],
)
def test_options_that_make_no_sense(name, options, message):
    with pytest.raises(ValueError, match=message):
        checked(name, {**OPTIONS[name], **options})
