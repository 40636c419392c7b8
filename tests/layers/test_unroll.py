"""All paths of a recurrence give the same."""

import keras
import numpy as np
import pytest
from cases import MASK, B, D, S, U, floats
from checks import arrays, assert_close
from keras import ops

from keras_seq.backend import compiled, gradient
from keras_seq.layers import CELLS
from keras_seq.layers.cells import get_cell, state_sizes
from keras_seq.layers.recurrences import equations_of
from keras_seq.layers.unroll import _general, unroll

pytestmark = pytest.mark.every_backend

KNOWN = [name for name in CELLS if equations_of(get_cell(name, U)) is not None]
MASKS = [None, MASK, MASK[:, ::-1].copy(), np.zeros_like(MASK)]


@pytest.mark.parametrize("name", KNOWN)
def test_the_fast_paths_are_the_loop_over_the_cell(name):
    """Outputs, states and gradients, with each mask, from both sides."""
    cell = get_cell(name, U)
    cell.bias_initializer = keras.initializers.RandomNormal()
    cell.build((B, D))
    states = [floats(B, size, k + 1)[..., 0] for k, size in enumerate(state_sizes(cell))]
    nest = {"x": floats(B, S, D), "state": states}

    def everything(nest, run):
        found = []
        for mask in MASKS:
            mask = None if mask is None else ops.convert_to_tensor(mask)
            for reverse in (False, True):
                found.append(run(cell, nest["x"], nest["state"], mask, reverse, False))
        return found

    def results(run):
        def total(nest):
            leaves = keras.tree.flatten(everything(nest, run))
            return sum(
                ops.sum(leaf * ops.convert_to_tensor(floats(*leaf.shape))) for leaf in leaves
            )

        def both(nest):
            return everything(nest, run), gradient(total, nest)[1]

        return (compiled(both) if keras.config.backend() == "jax" else both)(
            keras.tree.map_structure(ops.convert_to_tensor, nest)
        )

    fast, slow = results(unroll), results(_general)
    assert_close(fast, slow)
    outputs, state = fast[0][-1]  # nothing valid
    assert not arrays(outputs)[0].any()
    assert_close(state, nest["state"])


def test_what_only_the_cell_knows_goes_through_the_cell():
    class Doubling(keras.layers.LSTMCell):
        def call(self, inputs, states, training=False):
            return super().call(2.0 * inputs, states, training=training)

    plain, doubling = keras.layers.LSTMCell(U), Doubling(U)
    for cell in (plain, doubling):
        cell.build((B, D))
    doubling.set_weights(plain.get_weights())
    x, state = ops.convert_to_tensor(floats(B, S, D)), [ops.zeros((B, U))] * 2
    assert_close(unroll(doubling, x, state), unroll(plain, 2.0 * x, state))


@pytest.mark.parametrize("kind", [keras.layers.LSTMCell, keras.layers.GRUCell])
def test_other_activations_and_no_bias_keep_their_meaning(kind):
    cell = kind(U, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False)
    cell.build((B, D))
    x = ops.convert_to_tensor(floats(B, S, D))
    state = [ops.zeros((B, U))] * (2 if kind is keras.layers.LSTMCell else 1)
    assert_close(unroll(cell, x, state), _general(cell, x, state, None, False, False))
