"""A user's cell that leaves its weights to the layers inside of it, as `call` makes them."""

import keras
import numpy as np
import pytest
from checks import array

from keras_seq.layers import AttentionCell, BahdanauAttention, RNNStack, TimeSkipCell
from keras_seq.testing import check_cell

pytestmark = pytest.mark.every_backend

X = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")


@keras.saving.register_keras_serializable("tests")
class Averaging(keras.layers.Layer):
    """Half of the old state, and half of a dense layer that nobody builds."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.dense = keras.layers.Dense(units, dtype=self.dtype_policy)

    def call(self, inputs, states):
        h = (states[0] + self.dense(inputs)) / 2
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def by_hand(cell, x):
    """All outputs of the cell, in NumPy."""
    kernel, bias = (array(w) for w in cell.dense.weights)
    outputs = [np.zeros((len(x), cell.units), "float32")]
    for t in range(x.shape[1]):
        outputs.append((outputs[t] + x[:, t] @ kernel + bias) / 2)
    return np.stack(outputs[1:], axis=1)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_in_a_stack_and_in_fit(bidirectional):
    stack = RNNStack(Averaging(4), bidirectional=bidirectional, return_sequences=True)
    outputs = array(stack(X))
    assert len(stack.trainable_weights) == 2 * (1 + bidirectional)
    np.testing.assert_allclose(outputs[..., :4], by_hand(stack.forward_cells[0], X), rtol=1e-5)
    model = keras.Sequential([stack, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = [array(w) for w in stack.trainable_weights]
    model.fit(X, np.ones((2, 5, 1)), verbose=0)
    assert all((array(w) != b).any() for w, b in zip(stack.trainable_weights, before, strict=True))


def test_inside_of_other_cells():
    stack = RNNStack(TimeSkipCell(Averaging(4), skip=2), return_sequences=True)
    outputs = array(stack(X))
    (cell,) = stack.forward_cells
    states = [np.zeros((len(X), size), "float32") for size in cell.state_size]
    for t in range(X.shape[1]):
        output, states = cell(X[:, t], states)
        np.testing.assert_allclose(outputs[:, t], array(output), rtol=1e-5, atol=1e-6)
    attentive = AttentionCell(Averaging(4), BahdanauAttention(4))
    attentive.build((2, 3), (2, 5, 6))
    assert len(attentive.cells[0].trainable_weights) == 2


def test_the_common_rules():
    check_cell(lambda **options: Averaging(4, **options))
