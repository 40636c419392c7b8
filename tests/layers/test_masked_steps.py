"""What stands at a masked step goes nowhere, whatever the options of a layer and the path it takes.

`test_every_layer.py` has the common check, on every line of `cases.LAYERS`.
"""

import keras
import numpy as np
import pytest
from cases import D, U, floats, lengths_mask
from checks import array, arrays, assert_close
from keras import ops

from keras_seq.analysis.inside import observed
from keras_seq.backend import compiled, compiles_singly, gradient
from keras_seq.layers import (
    GRU,
    LSTM,
    AttentionCell,
    BahdanauAttention,
    Bidirectional,
    Decoder,
    Encoder,
    MinGRU,
    MinGRUCell,
    MinLSTM,
    RNNStack,
    VanillaRNN,
)
from keras_seq.layers.observation import Observation

ROWS, T = 3, 5
X = floats(ROWS, T, D)
PADDED = lengths_mask(5, 3, 0, longest=T)
HOLED = np.array([[0, 1, 0, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
ALL = {"return_sequences": True, "return_state": True}
STATES = [floats(ROWS, U), floats(U, ROWS).T]


class OwnCell(keras.layers.GRUCell):
    """A cell of which only its `call` is known."""


def spoilt(mask, x=X):
    rubbish = np.resize(np.array([np.nan, np.inf, -np.inf], x.dtype), x.shape)
    return np.where(mask[..., None], x, rubbish)


def everything(layer, state=None):
    """A function of inputs and mask to results and gradients; of one program for all of them.

    The gradients are those of the sum of the squares: of the inputs, of the weights.
    """
    variables = layer.trainable_variables
    options = {} if state is None else {"initial_state": state}

    def run(nest, mask):
        with keras.StatelessScope(state_mapping=list(zip(variables, nest[1], strict=True))):
            found = layer(nest[0], mask=mask, **options)
        return keras.tree.flatten(found)

    def loss(nest, mask):
        return sum(ops.sum(ops.cast(x, "float32") ** 2) for x in run(nest, mask))

    def both(nest, mask):
        return run(nest, mask), gradient(lambda nest: loss(nest, mask), nest)[1]

    both = compiled(both) if compiles_singly else both
    values = [v.value for v in variables]
    return lambda x, mask: both([ops.convert_to_tensor(x), values], ops.convert_to_tensor(mask))


CASES = {
    "the last output": (lambda: LSTM(U), None),
    "backwards": (lambda: GRU(U, go_backwards=True, **ALL), STATES[:1]),
    "a first state": (lambda: LSTM(U, zero_output_for_mask=True, **ALL), STATES),
    "unrolled by Keras": (lambda: GRU(U, unroll=True, **ALL), None),
    "the loop of Keras": (lambda: LSTM(U, use_cudnn=False, **ALL), None),
    "truncated": (lambda: VanillaRNN(U, truncate=2, return_sequences=True), None),
    "many units": (lambda: LSTM(40, return_sequences=True), None),
    "a readout": (lambda: VanillaRNN(U, readout_units=2, return_sequences=True), None),
    "side by side, backwards": (lambda: MinLSTM(U, go_backwards=True), STATES[:1]),
    "side by side, unrolled": (lambda: MinGRU(U, unroll=True, **ALL), None),
    "both directions": (lambda: Bidirectional(GRU(U, return_sequences=True)), None),
    "both directions, last": (lambda: Bidirectional(VanillaRNN(U)), None),
    "layers of Keras": (lambda: Bidirectional(keras.layers.LSTM(U, return_sequences=True)), None),
    "an own cell": (lambda: RNNStack(OwnCell(U), bidirectional=True), None),
    "float16": (lambda: LSTM(U, dtype="mixed_float16", return_sequences=True), None),
    "bfloat16": (lambda: Encoder("gru", U, dtype="mixed_bfloat16"), None),
}


@pytest.mark.parametrize("name", CASES)
def test_every_way_to_run(name):
    make, state = CASES[name]
    layer = make()
    layer.build(X.shape)
    run = everything(layer, state)
    for mask in (PADDED, HOLED):
        expected = run(X, mask)
        _, (of_inputs, _) = expected
        assert not array(of_inputs)[~mask].any()
        assert_close(run(spoilt(mask), mask), expected)


def test_numbers_of_keras():
    """What Keras's layer gives where the masked steps are 0."""
    theirs = keras.layers.LSTM(U, return_sequences=True, return_state=True)
    ours = LSTM(U, return_sequences=True, return_state=True)
    for layer in (theirs, ours):
        layer.build(X.shape)
    ours.set_weights(theirs.get_weights())
    zeros = np.where(PADDED[..., None], X, 0)
    assert_close(everything(ours)(spoilt(PADDED), PADDED), everything(theirs)(zeros, PADDED))


def test_the_cell_by_itself_side_by_side():
    cell = MinGRUCell(U)
    cell.build((ROWS, D))
    state = [ops.convert_to_tensor(STATES[0])]
    found, expected = (
        cell.unroll(ops.convert_to_tensor(x), state, ops.convert_to_tensor(HOLED))
        for x in (spoilt(HOLED), X)
    )
    assert_close(found, expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LSTM(U, return_sequences=True),
        lambda: Bidirectional(GRU(U)),
        lambda: RNNStack("gru", U, num_layers=2, layer_norm=True),
        lambda: keras.layers.LSTM(U),
    ],
)
def test_under_observation(make):
    inputs = keras.Input((T, D)), keras.Input((T,), dtype="bool")
    model = keras.Model(inputs, make()(inputs[0], mask=inputs[1]))
    expected = model([X, HOLED])
    with observed(model, Observation()):
        assert_close(model([spoilt(HOLED), HOLED]), expected)


@pytest.mark.parametrize("order", ["bahdanau", "luong"])
def test_a_memory(order):
    """Values that are masked, in a loop over steps and with keys that a caller has projected."""
    cell = AttentionCell("gru", BahdanauAttention(4), units=U, order=order)
    cell.build((ROWS, 2), X.shape)

    def run(values):
        values, mask = ops.convert_to_tensor(values), ops.convert_to_tensor(HOLED)
        memory = cell.memory(values, mask)
        state = cell.start([[ops.convert_to_tensor(STATES[0])]], memory)
        unrolled = cell.unroll(ops.ones((ROWS, 2, 2)), state, memory)
        one = cell(ops.ones((ROWS, 2)), state, memory)[0]
        keys = cell.attention.project_keys(values)
        alone = cell.attention(ops.ones((ROWS, U)), values, keys=keys, values_mask=mask)
        return unrolled, one, alone

    found, expected = arrays(run(spoilt(HOLED))), arrays(run(X))
    assert_close(found, expected)


def test_fit_does_not_spoil_the_weights():
    """One step of training on NaN and infinite padding is that on zeros."""
    inputs = keras.Input((T, D)), keras.Input((T,), dtype="bool")
    x = Bidirectional(LSTM(3, return_sequences=True))(inputs[0], mask=inputs[1])
    model = keras.Model(inputs, keras.layers.Dense(1)(GRU(32)(x, mask=inputs[1])))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    first, y, found = model.get_weights(), floats(ROWS, 1), []
    for filled in (spoilt(PADDED), np.where(PADDED[..., None], X, 0)):
        model.set_weights(first)
        model.fit([filled, PADDED], y, verbose=0)
        found.append(model.get_weights())
    assert_close(*found)
    assert not np.allclose(found[0][0], first[0])


def test_ids_to_copy():
    """What stands for no token of the source may be any number."""
    decoder = Decoder(7, units=U, copy=True)
    given = {"token_ids": np.ones((ROWS, 2), "int32"), "values": X, "values_mask": PADDED}
    given["encoder_states"] = [[STATES[0], STATES[1]]]
    ids = np.ones((ROWS, T), "int32")
    expected = decoder(**given, copy_ids=ids)
    assert_close(decoder(**given, copy_ids=np.where(PADDED, ids, 999)), expected)
