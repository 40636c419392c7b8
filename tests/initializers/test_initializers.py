"""The first biases of gates: their numbers, what they do at first, and who may use them."""

import json

import keras
import numpy as np
import pytest
from checks import array, assert_close, sigmoid

from keras_seq.initializers import Chrono, ForgetBias

UNITS, T = 8, 100
WHOLE = {"unit_forget_bias": False}


def gates(bias, count):
    return np.split(array(bias), count, axis=-1)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.LSTMCell])
def test_forget_bias_in_keras(kind):
    layer = kind(UNITS, bias_initializer=ForgetBias(5.0), **WHOLE)
    layer.build((None, 3) if kind is keras.layers.LSTMCell else (None, None, 3))
    for gate, expected in zip(gates(layer.get_weights()[-1], 4), [0, 5, 0, 0], strict=True):
        np.testing.assert_array_equal(gate, np.full(UNITS, expected))


def test_chrono_of_an_lstm():
    units = 2000
    i, f, g, o = gates(Chrono(T, seed=3)((4 * units,)), 4)
    np.testing.assert_array_equal(i, -f)
    assert not g.any() and not o.any()
    assert f.min() >= 0 and f.max() <= np.log(T - 1)
    times = np.exp(f)  # uniform
    deviation = (T - 2) / 12**0.5
    assert abs(times.mean() - T / 2) < 5 * deviation / units**0.5
    assert abs(times.std() / deviation - 1) < 0.1


@pytest.mark.parametrize("reset_after", [True, False])
def test_chrono_of_a_gru(reset_after):
    initializer = Chrono(T, cell="gru")
    cell = keras.layers.GRUCell(UNITS, bias_initializer=initializer, reset_after=reset_after)
    cell.build((None, 3))
    bias = array(cell.bias)
    if reset_after:
        assert not bias[1].any()
        bias = bias[0]
    z, r, n = gates(bias, 3)
    assert z.min() >= 0 and z.max() <= np.log(T - 1) and z.std() > 0
    assert not r.any() and not n.any()


@pytest.mark.parametrize("kind", ["forget_bias", "lstm", "gru"])
def test_a_unit_that_hears_nothing_forgets_at_the_rate_of_its_bias(kind):
    steps = 10
    silence = np.zeros((1, steps, 3), "float32")
    first = np.ones((1, UNITS), "float32")
    if kind == "gru":
        layer = keras.layers.GRU(UNITS, bias_initializer=Chrono(T, cell="gru"))
    else:
        initializer = ForgetBias(2.0) if kind == "forget_bias" else Chrono(T)
        layer = keras.layers.LSTM(UNITS, bias_initializer=initializer, **WHOLE, return_state=True)
    layer.build(silence.shape)
    kernel, recurrent, bias = layer.get_weights()
    layer.set_weights([0 * kernel, 0 * recurrent, bias])
    if kind == "gru":
        kept, found = bias[0, :UNITS], layer(silence, initial_state=[first])
    else:
        kept = bias[UNITS : 2 * UNITS]
        found = layer(silence, initial_state=[0 * first, first])[2]
    assert_close(found, (sigmoid(kept) ** steps)[None])


def test_seeds():
    shape = (4 * UNITS,)
    draw = array(Chrono(T, seed=3)(shape))
    np.testing.assert_array_equal(Chrono(T, seed=3).clone()(shape), draw)
    free = Chrono(T)
    assert not np.array_equal(array(free(shape)), array(free.clone()(shape)))
    moving = Chrono(T, seed=keras.random.SeedGenerator(3))
    assert not np.array_equal(array(moving(shape)), array(moving(shape)))


@pytest.mark.parametrize(
    "initializer", [ForgetBias(3), Chrono(9, seed=2), Chrono(9, cell="gru", seed=2)]
)
def test_they_come_back_from_json(initializer):
    config = json.loads(json.dumps(keras.initializers.serialize(initializer)))
    copy = keras.initializers.get(config)
    assert type(copy) is type(initializer)
    assert copy.get_config() == initializer.get_config()
    shape = (2, 12) if getattr(initializer, "cell", "") == "gru" else (12,)
    np.testing.assert_array_equal(array(copy(shape)), array(initializer(shape)))
    assert keras.backend.standardize_dtype(copy(shape, dtype="float16").dtype) == "float16"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: ForgetBias("much"), "`value` must be a finite number; received 'much'"),
        (lambda: ForgetBias(np.inf), "received inf"),
        (lambda: Chrono(2), "`max_length` must be an integer of at least 3; received 2"),
        (lambda: Chrono(10.5), "received 10.5"),
        (lambda: Chrono(10, cell="vanilla"), "`cell` must be one of 'lstm', 'gru'"),
        (lambda: Chrono(10)((2, 12)), r"'lstm', \(4 \* units,\).* received the shape \(2, 12\)"),
        (lambda: Chrono(10, cell="gru")((16,)), r"'gru', \(3 \* units,\) or .* the shape \(16,\)"),
        # Keras asks for the bias in pieces.
        (lambda: build_lstm(ForgetBias()), "with `unit_forget_bias=False`; received the shape"),
        (lambda: build_lstm(Chrono(9)), "with `unit_forget_bias=False`; received the shape"),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()


def build_lstm(initializer):
    keras.layers.LSTM(5, bias_initializer=initializer).build((None, None, 3))
