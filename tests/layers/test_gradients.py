"""Gradients through time: against finite differences in float64, against the plain loop."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from cases import D, lengths_mask
from checks import arrays, assert_close
from keras import ops

from keras_seq.backend import compiled, gradient
from keras_seq.layers import GRU, LSTM, Bidirectional, RNNStack, VanillaRNN

JAX = keras.config.backend() == "jax"
# JAX has float64 only in a process that was started with it; see the last test.
float64 = pytest.mark.skipif(
    JAX and "JAX_ENABLE_X64" not in os.environ, reason="runs in a process of its own"
)

T, U = 4, 3
RIGHT = lengths_mask(4, 2, 0, longest=T)
MIXED = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 0, 0]], bool)
MASKS = [None, RIGHT, MIXED]
ALL = {"return_sequences": True, "return_state": True}
KINDS = {"LSTM": (LSTM, 2), "GRU": (GRU, 1), "VanillaRNN": (VanillaRNN, 1)}


def numbers(*shape, seed=0):
    """Normal numbers in float64."""
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def one_by_one(count):
    return [numbers(len(RIGHT), U, seed=k) for k in range(count)]


# On JAX, Keras computes tanh of float64 in float32, which as a state no longer fits into a scan.
EXACT_TANH = not JAX

# How to make a layer, its initial state, and whether float64 reaches every part of it.
LAYERS = {
    **{
        f"{name}-{'backward' if go_backwards else 'forward'}": (
            lambda kind=kind, go_backwards=go_backwards, **k: kind(
                U, go_backwards=go_backwards, **ALL, **k
            ),
            one_by_one(count),
            EXACT_TANH,
        )
        for name, (kind, count) in KINDS.items()
        for go_backwards in (False, True)
        if EXACT_TANH or name != "VanillaRNN"
    },
    **{
        f"{name}-softsign": (
            lambda kind=kind, **k: kind(U, "softsign", go_backwards=True, **ALL, **k),
            one_by_one(count),
            True,
        )
        for name, (kind, count) in KINDS.items()
    },
    "VanillaRNN-readout": (
        lambda **k: VanillaRNN(
            U, "softsign", readout_units=2, learn_initial_state=True, zero_output_for_mask=True, **k
        ),
        None,
        False,
    ),
    "Bidirectional": (
        lambda **k: Bidirectional(LSTM(U, **ALL, **k), "mul", **k),
        one_by_one(4),
        EXACT_TANH,
    ),
    "RNNStack": (
        lambda **k: RNNStack("gru", U, num_layers=2, bidirectional=True, residual=True, **k),
        [one_by_one(2), one_by_one(2)],
        EXACT_TANH,
    ),
    "RNNStack-norm": (
        lambda **k: RNNStack("lstm", U, num_layers=2, layer_norm=True, **ALL, **k),
        [one_by_one(2), one_by_one(2)],
        False,
    ),
}


@pytest.fixture
def exact_products(monkeypatch):
    """On PyTorch and JAX, Keras computes `ops.matmul` of float64 in float32."""
    tensor = ops.convert_to_tensor
    monkeypatch.setattr(ops, "matmul", lambda x, y: tensor(x) @ tensor(y))


def loss_of(layer):
    """A function from weights, inputs and initial state to one number, over all masks."""

    def loss(nest):
        mapping = list(zip(layer.trainable_variables, nest["weights"], strict=True))
        total = 0.0
        for mask in MASKS:
            mask = None if mask is None else ops.convert_to_tensor(mask)
            with keras.StatelessScope(state_mapping=mapping):
                results = layer(nest["x"], initial_state=nest.get("state"), mask=mask)
            for k, leaf in enumerate(keras.tree.flatten(results)):
                weights = ops.convert_to_tensor(numbers(*leaf.shape, seed=k), dtype=leaf.dtype)
                total = total + ops.sum(leaf * weights)
        return total

    return loss


def point(layer, state):
    """Weights that are all different from 0, inputs, an initial state."""
    layer.build((len(RIGHT), T, D))
    weights = [numbers(*w.shape, seed=k) / 2 for k, w in enumerate(layer.trainable_variables)]
    nest = {"weights": weights, "x": numbers(len(RIGHT), T, D)}
    return nest if state is None else {**nest, "state": state}


@float64
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_finite_differences(name, exact_products):
    make, state, is_exact = LAYERS[name]
    step, close = (1e-5, 1e-7) if is_exact else (3e-3, 1e-2)
    layer = make(dtype="float64")
    loss, nest = loss_of(layer), point(layer, state)
    leaves = keras.tree.flatten(nest)

    def value(*leaves):
        return loss(keras.tree.pack_sequence_as(nest, list(leaves)))

    def slopes(*leaves):
        return gradient(lambda leaves: value(*leaves), list(leaves))[1]

    value_at = compiled(value)
    slopes_at = compiled(slopes) if JAX else slopes
    found = arrays(slopes_at(*map(ops.convert_to_tensor, leaves)))
    for i, leaf in enumerate(leaves):
        direction = numbers(*leaf.shape, seed=99)
        ends = []
        for moved in (leaf + step * direction, leaf - step * direction):
            point_there = [*leaves[:i], moved, *leaves[i + 1 :]]
            ends.append(float(value_at(*map(ops.convert_to_tensor, point_there))))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert np.sum(found[i] * direction) == pytest.approx(slope, rel=close, abs=close)


def plain_loop(layer, x, state, mask):
    """What the recurrence is: one step after the other; `(outputs, states)`."""
    steps = range(T - 1, -1, -1) if layer.go_backwards else range(T)
    output, outputs = ops.zeros_like(state[0]), []
    for t in steps:
        new, new_state = layer.cell(x[:, t], state)
        valid = ops.convert_to_tensor(mask[:, t : t + 1])
        output = ops.where(valid, new, output)
        state = [ops.where(valid, *pair) for pair in zip(new_state, state, strict=True)]
        outputs.append(output)
    return [ops.stack(outputs, axis=1), *state]


@pytest.mark.parametrize("go_backwards", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("name", KINDS)
def test_kernels_in_float32_are_the_plain_loop(name, go_backwards):
    """Outputs, states and gradients, padded on the right: where the fused kernels are used."""
    kind, count = KINDS[name]
    layer = kind(U, **ALL, go_backwards=go_backwards)
    nest = keras.tree.map_structure(lambda x: x.astype("float32"), point(layer, one_by_one(count)))

    def through(run):
        def results(nest):
            mapping = list(zip(layer.trainable_variables, nest["weights"], strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return list(run(nest))

        def loss(nest):
            found = results(nest)
            weights = [numbers(*x.shape, seed=k) for k, x in enumerate(found)]
            return sum(
                ops.sum(x * ops.cast(w, "float32")) for x, w in zip(found, weights, strict=True)
            )

        def both(nest):
            return results(nest), gradient(loss, nest)[1]

        both = compiled(both) if JAX else both
        return both(keras.tree.map_structure(ops.convert_to_tensor, nest))

    mask = ops.convert_to_tensor(RIGHT)
    fast = through(lambda n: layer(n["x"], initial_state=n["state"], mask=mask))
    slow = through(lambda n: plain_loop(layer, n["x"], n["state"], RIGHT))
    assert_close(fast, slow)


@pytest.mark.slow
@pytest.mark.skipif(
    not JAX or "JAX_ENABLE_X64" in os.environ, reason="only JAX needs another process"
)
def test_finite_differences_in_a_process_with_float64():
    path = pathlib.Path(__file__)
    command = [sys.executable, "-m", "pytest", "-k", "finite_differences", str(path)]
    found = subprocess.run(
        command,
        env={**os.environ, "JAX_ENABLE_X64": "1"},
        cwd=path.parents[2],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout
    assert f"{len(LAYERS)} passed" in found.stdout
