"""`stateful=True`: what a batch leaves is where the next one begins."""

import keras
import numpy as np
import pytest
from cases import D, U, floats, lengths_mask
from checks import array, arrays, assert_close
from keras import ops

from keras_seq.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Encoder,
    MinGRU,
    RNNStack,
    TimeSkipCell,
    VanillaRNN,
)

ROWS, T, PARTS = 4, 2, 3
X = floats(ROWS, PARTS * T, D)
Y = floats(ROWS, PARTS * T, 1)
MAKE = {
    "LSTM": lambda **k: LSTM(U, return_sequences=True, **k),
    "GRU": lambda **k: GRU(U, return_sequences=True, **k),
    "VanillaRNN": lambda **k: VanillaRNN(U, return_sequences=True, **k),
    "MinGRU": lambda **k: MinGRU(U, return_sequences=True, **k),
    "unrolled": lambda **k: GRU(U, return_sequences=True, unroll=True, **k),
    "RNNStack": lambda **k: RNNStack("lstm", U, num_layers=2, return_sequences=True, **k),
    "skips": lambda **k: RNNStack(TimeSkipCell("gru", 3, U), return_sequences=True, **k),
}
every_layer = pytest.mark.parametrize("name", MAKE)


def parts(x):
    return np.split(x, PARTS, axis=1)


def model_of(layer, steps=T, rows=ROWS):
    model = keras.Sequential([keras.Input(batch_shape=(rows, steps, D)), layer])
    model.add(keras.layers.Dense(1, name="dense"))
    return model


def twins(name):
    """A stateful model and one that is not, with the same weights."""
    one, other = model_of(MAKE[name](stateful=True)), model_of(MAKE[name](), PARTS * T)
    other.set_weights(one.get_weights())
    return one, other


def states_of(layer):
    return arrays([*layer.carried_state.tensors])


@every_layer
def test_a_sequence_in_parts_is_the_whole(name):
    """In calls, and after a reset in `predict`."""
    model, whole = twins(name)
    expected = array(whole(X))
    called = np.concatenate([array(model(part)) for part in parts(X)], axis=1)
    np.testing.assert_allclose(called, expected, atol=1e-5)
    model.layers[0].reset_state()
    assert not any(state.any() for state in states_of(model.layers[0]))
    found = [model.predict(part, batch_size=ROWS, verbose=0) for part in parts(X)]
    np.testing.assert_allclose(np.concatenate(found, axis=1), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "VanillaRNN", "RNNStack"])
def test_fit_carries_the_state(name):
    """Several batches of an epoch, each epoch from 0, and `evaluate`; at a learning rate of 0."""
    model, whole = twins(name)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = np.concatenate(parts(X)), np.concatenate(parts(Y))
    expected = np.mean((array(whole(X)) - Y) ** 2)
    layer = model.layers[0]
    reset = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: layer.reset_state())
    options = {"batch_size": ROWS, "verbose": 0}
    found = model.fit(x, y, shuffle=False, epochs=2, callbacks=[reset], **options)
    np.testing.assert_allclose(found.history["loss"], [expected] * 2, rtol=1e-4)
    layer.reset_states()
    np.testing.assert_allclose(model.evaluate(x, y, **options), expected, rtol=1e-4)
    assert all(state.any() for state in states_of(model.layers[0]))


@pytest.mark.parametrize(
    "ours, theirs",
    [(LSTM, keras.layers.LSTM), (GRU, keras.layers.GRU), (VanillaRNN, keras.layers.SimpleRNN)],
)
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
def test_the_numbers_of_keras(ours, theirs, both):
    """Outputs and states of several calls, with a mask in one of them."""
    options = {"return_sequences": True, "return_state": not both, "stateful": True}
    ours, theirs = ours(U, **options), theirs(U, **options)
    if both:  # with `return_state` Keras's own raises a TypeError
        ours, theirs = Bidirectional(ours), keras.layers.Bidirectional(theirs)
    shape = (ROWS, T, D)
    for layer in (ours, theirs):
        layer.build(shape)
    ours.set_weights(theirs.get_weights())
    assert len(ours.weights) == len(theirs.weights)
    mask = lengths_mask(2, 1, 2, 1, longest=T)
    for part, given in zip(parts(X), (None, ops.convert_to_tensor(mask), None), strict=True):
        found, expected = (layer(part, mask=given) for layer in (ours, theirs))
        assert_close(found, expected)
    first = [np.ones((ROWS, U), "float32")] * len(theirs.states)
    assert_close(ours(X, initial_state=first), theirs(X, initial_state=first))
    assert_close(ours(X), theirs(X))
    for layer in (ours, theirs):
        layer.reset_states()
    assert_close(ours(X), theirs(X))


def test_training_is_that_of_keras():
    """Three steps; on PyTorch Keras's loop, whose fused one raises, and not on JAX."""
    theirs = keras.layers.LSTM(U, return_sequences=True, stateful=True, use_cudnn=False)
    models = [model_of(LSTM(U, return_sequences=True, stateful=True)), model_of(theirs)]
    models[1].set_weights(models[0].get_weights())
    if keras.config.backend() == "jax":
        pytest.skip("Keras's layer loses the state there")
    for model in models:
        model.compile(keras.optimizers.SGD(0.5), "mse")
        x, y = np.concatenate(parts(X)), np.concatenate(parts(Y))
        model.fit(x, y, batch_size=ROWS, shuffle=False, verbose=0)
    assert_close(models[0].get_weights(), models[1].get_weights())


def test_both_directions_in_fit():
    layer = Bidirectional(GRU(U, return_sequences=True, return_state=True, stateful=True))
    inputs = keras.Input(batch_shape=(ROWS, T, D))
    outputs, *_ = layer(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(outputs))
    model.compile("sgd", "mse")
    model.fit(np.concatenate(parts(X)), np.concatenate(parts(Y)), batch_size=ROWS, verbose=0)
    inner = layer.forward_layer, layer.backward_layer
    assert all(state.any() for one in inner for state in states_of(one))
    layer.reset_state()
    assert not any(state.any() for one in inner for state in states_of(one))


def test_two_directions_and_first_states_in_a_stack():
    stack = Encoder("gru", U, num_layers=2, stateful=True)
    outputs, states = stack(X[:, :T])
    assert_close(states_of(stack), states)
    found, _ = stack(X[:, T:])
    again, _ = stack(X[:, T:], initial_state=states)
    assert_close(again, found)
    assert not np.allclose(array(outputs[:, :1]), array(found[:, :1]))
    assert Encoder.from_config(stack.get_config()).stateful


@pytest.mark.parametrize("name", ["LSTM", "RNNStack"])
def test_the_state_is_not_saved(name, tmp_path):
    """Neither in a model nor among weights: those of a layer that is not stateful are the same."""
    model, whole = twins(name)
    model(X[:, :T])
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert not any(state.any() for state in states_of(loaded.layers[0]))
    expected = array(whole(X))
    found = np.concatenate([array(loaded(part)) for part in parts(X)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    weights = tmp_path / "model.weights.h5"
    model.save_weights(weights)
    whole.load_weights(weights)
    whole.save_weights(weights)
    model.load_weights(weights)
    if name == "LSTM":
        theirs = model_of(keras.layers.LSTM(U, return_sequences=True, stateful=True))
        theirs.load_weights(weights)
        assert_close(theirs.get_weights(), model.get_weights())


@pytest.mark.once
def test_bad_input():
    for layer in (LSTM(U, stateful=True), RNNStack("gru", U, stateful=True)):
        with pytest.raises(ValueError, match="batch"):
            keras.Sequential([keras.Input((T, D)), layer])
    stack = RNNStack("gru", U, stateful=True)
    stack(X)
    with pytest.raises(ValueError, match="needs as many in each batch; received 3"):
        stack(X[:3])
    with pytest.raises(ValueError, match="learn_initial_state"):
        VanillaRNN(U, learn_initial_state=True, stateful=True)
    with pytest.raises(AttributeError, match="stateful=True"):
        RNNStack("gru", U).reset_state()
