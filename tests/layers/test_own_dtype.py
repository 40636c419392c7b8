"""A cell that comes with a dtype of its own, inside of a layer of another one."""

import json

import keras
import numpy as np
import pytest
from cases import SOURCE, D, U, floats, lengths_mask, tokenizer
from checks import array, arrays, weight_gradients, weighted_sum
from keras import ops

from keras_seq.layers import (
    AttentionCell,
    BahdanauAttention,
    Decoder,
    Encoder,
    MinGRUCell,
    RNNStack,
    TimeSkipCell,
    VanillaRNNCell,
)
from keras_seq.models import TextClassifier

ROWS, T = 3, 5
X = floats(ROWS, T, D)
MASK = lengths_mask(5, 3, 1, longest=T)
CELLS = {
    "GRUCell": lambda **k: keras.layers.GRUCell(40, **k),
    "LSTMCell": lambda **k: keras.layers.LSTMCell(U, **k),
    "VanillaRNNCell": lambda **k: VanillaRNNCell(U, learn_initial_state=True, **k),
    "MinGRUCell": lambda **k: MinGRUCell(U, **k),
    "TimeSkipCell": lambda **k: TimeSkipCell("gru", 2, U, **k),
    "TimeSkipCell around a cell": lambda **k: TimeSkipCell(keras.layers.GRUCell(U), 2, **k),
}


def with_weights(layer, seed=3):
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(size=w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("dtypes", [("mixed_float16", "float32"), ("float32", "mixed_bfloat16")])
@pytest.mark.parametrize("name", CELLS)
def test_it_computes_as_in_the_layer_of_keras(name, dtypes):
    """The cell in its own dtype, inputs and outputs in that of the layer."""
    of_layer, of_cell = dtypes
    theirs = keras.layers.RNN(CELLS[name](dtype=of_cell), return_state=True, dtype=of_layer)
    ours = RNNStack(CELLS[name](dtype=of_cell), return_state=True, dtype=of_layer)
    for layer in (theirs, ours):
        layer.build(X.shape)
        with_weights(layer)
    expected = arrays(theirs(X))
    found = arrays(ours(X))
    assert {x.dtype for x in found} == {x.dtype for x in expected} == {found[0].dtype}
    for one, other in zip(found, expected, strict=True):
        one, other = one.astype("float32"), other.astype("float32")
        np.testing.assert_allclose(one, other, atol=0.1 if "bfloat16" in of_cell else 1e-3)
        if of_cell == "float32":  # no weight was rounded: all numbers but a few are the same
            assert np.mean(one == other) > 0.9


@pytest.mark.parametrize("name", ["GRUCell", "MinGRUCell", "VanillaRNNCell"])
def test_masks_directions_dropped_weights_and_gradients(name):
    options = {"num_layers": 2, "bidirectional": True, "residual": True, "layer_norm": True}
    options |= {"weight_dropout": 0.0 if name == "MinGRUCell" else 0.3}
    stack = RNNStack(CELLS[name](dtype="float32"), **options, dtype="mixed_float16")
    whole = RNNStack(CELLS[name](dtype="float32"), **options)
    for layer in (stack, whole):
        layer.build(X.shape)
        with_weights(layer)
    found, expected = array(stack(X, mask=MASK)), array(whole(X, mask=MASK))
    assert found.dtype == "float16"
    np.testing.assert_allclose(found, expected, atol=2e-2)
    assert np.isfinite(array(stack(X, mask=MASK, training=True))).all()
    gradients = weight_gradients(
        stack.trainable_variables, lambda: weighted_sum(stack(X, mask=MASK))
    )
    assert all(np.isfinite(g).all() and g.any() for g in gradients)


def test_step_by_step():
    stack = RNNStack(keras.layers.GRUCell(U), num_layers=2, dtype="mixed_float16")
    outputs, state = array(stack(X)), stack.start(ROWS)
    for t in range(T):
        output, state = stack.step(ops.convert_to_tensor(X[:, t]), state)
    assert keras.backend.standardize_dtype(output.dtype) == "float16"
    np.testing.assert_allclose(array(output), outputs, atol=5e-3)


@pytest.mark.parametrize("order", ["bahdanau", "luong"])
@pytest.mark.parametrize("options", [{}, {"input_feeding": True}, {"attention": None}], ids=str)
def test_a_decoder(order, options):
    """All steps at once, and one by one; the numbers are those of single precision."""
    found = []
    for dtype in (None, "mixed_float16"):
        encoder = Encoder(keras.layers.LSTMCell(U), dtype=dtype)
        cell = keras.layers.GRUCell(U)
        decoder = Decoder(7, cell, U, num_layers=2, order=order, dtype=dtype, **options)
        values, states = encoder(X, mask=MASK)
        tokens = np.array([[1, 4, 2]] * ROWS)
        decoder(tokens, values, states, values_mask=MASK)
        for layer in (encoder, decoder):
            with_weights(layer)
        values, states = encoder(X, mask=MASK)
        found.append(array(decoder(tokens, values, states, values_mask=MASK)))
        state, memory = decoder.start(values, states, ops.convert_to_tensor(MASK))
        for t in range(3):
            logits, state = decoder.step(ops.convert_to_tensor(tokens[:, t]), state, memory)
        np.testing.assert_allclose(array(logits), found[-1][:, -1], atol=0.05)
    np.testing.assert_allclose(*found, atol=0.1)


def test_an_attention_cell():
    mechanism = BahdanauAttention(4, dtype="mixed_float16")
    layer = AttentionCell(keras.layers.GRUCell(U), mechanism, dtype="mixed_float16")
    layer.build((ROWS, D), X.shape)
    memory = layer.memory(ops.convert_to_tensor(X), ops.convert_to_tensor(MASK))
    state = layer.start([[np.zeros((ROWS, U), "float32")]], memory)
    (output, context, _), state = layer(X[:, 0], state, memory)
    dtypes = [keras.backend.standardize_dtype(x.dtype) for x in (output, context)]
    assert dtypes == ["float16", "float16"]
    assert keras.backend.standardize_dtype(state["cells"][0][0].dtype) == "float32"


def test_a_model_from_a_config_whose_cell_has_another_dtype():
    """As by `{**model.get_config(), "dtype": ...}`: the answers are those of single precision."""
    model = TextClassifier(tokenizer(), ["x", "y"], units=U)
    config = json.loads(json.dumps(model.get_config()))
    half = TextClassifier.from_config({**config, "dtype": "mixed_float16"})
    assert half.encoder.forward_cells[0].compute_dtype == "float32"
    half.set_weights(model.get_weights())
    inputs = {"token_ids": SOURCE}
    np.testing.assert_allclose(array(half(inputs)), array(model(inputs)), atol=1e-2)
    half.compile("sgd")
    half.fit(["abc", "cab", "a"], ["x", "y", "x"], verbose=0)
    assert all(np.isfinite(w).all() for w in half.get_weights())
