"""The gradient at every time step, against finite differences in float64."""

import keras
import numpy as np
import pytest
from cases import floats, lengths_mask
from checks import array, compiled_call
from keras import ops

from keras_seq.analysis import first_to_last_ratio, gradient_flow
from keras_seq.analysis.gradient_flow import GradientProbe
from keras_seq.layers import GRU, LSTM, Bidirectional, MinGRU, RNNStack, TimeSkipCell, VanillaRNN

X, Y = floats(3, 7, 4), floats(3, 2)
MASK = lengths_mask(7, 4, 1, longest=7)
CLOSE = {"rtol": 1e-4, "atol": 1e-7}


class Oracle:
    """An LSTM, then a vanilla layer that sees its masked states, then a dense layer, in float64."""

    def __init__(self, weights):
        self.weights = [ops.convert_to_numpy(w).astype("float64") for w in weights]

    def loss(self, added):
        """The mean squared error with `added[name][row, step]` added to the states."""
        kernel, recurrent, bias, inner, again, inner_bias, dense, dense_bias = self.weights
        h, c, top = (np.zeros((3, n)) for n in (5, 5, 4))
        for t in range(7):
            z = X[:, t] @ kernel + h @ recurrent + bias
            i, f, g, o = np.split(z, 4, axis=1)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            new_c = f * c + i * np.tanh(g) + added["c"][:, t]
            new_h = o * np.tanh(new_c) + added["h"][:, t]
            valid = MASK[:, t, None]
            h, c = np.where(valid, new_h, h), np.where(valid, new_c, c)
            new_top = np.tanh(h @ inner + top @ again + inner_bias) + added["top"][:, t]
            top = np.where(valid, new_top, top)
        return np.mean((top @ dense + dense_bias - Y) ** 2)

    def norms(self, name, size, epsilon=1e-5):
        """The norm of the gradient with respect to each state, by central differences."""
        zeros = {"h": np.zeros((3, 7, 5)), "c": np.zeros((3, 7, 5)), "top": np.zeros((3, 7, 4))}
        gradient = np.zeros((3, 7, size))
        for place in np.ndindex(*gradient.shape):
            sides = []
            for sign in (1, -1):
                zeros[name][place] = sign * epsilon
                sides.append(self.loss(zeros))
            zeros[name][place] = 0
            gradient[place] = (sides[0] - sides[1]) / (2 * epsilon)
        return np.where(MASK, np.linalg.norm(gradient, axis=-1), np.nan)


def masked_model(kind=LSTM, **options):
    inputs, mask = keras.Input((7, 4)), keras.Input((7,), dtype="bool")
    x = kind(5, return_sequences=True, name="lstm", **options)(inputs, mask=mask)
    top = VanillaRNN(4, name="top") if kind is LSTM else keras.layers.SimpleRNN(4, name="top")
    x = keras.layers.Dense(2)(top(x, mask=mask))
    model = keras.Model([inputs, mask], x)
    model.set_weights([floats(*w.shape) * 0.7 for w in model.weights])
    return model


@pytest.mark.parametrize("kind", [LSTM, keras.layers.LSTM], ids=["ours", "of Keras"])
def test_norms_are_those_of_finite_differences(kind):
    model = masked_model(kind)
    flow = gradient_flow(model, [X, MASK], Y, loss="mse", reduce=None)
    assert list(flow) == ["lstm", "lstm/c", "top"]
    oracle = Oracle(model.weights)
    for key, name, size in (("lstm", "h", 5), ("lstm/c", "c", 5), ("top", "top", 4)):
        np.testing.assert_allclose(flow[key], oracle.norms(name, size), **CLOSE)
    together = gradient_flow(model, [X, MASK], Y, loss="mse")
    for name, rows in flow.items():
        np.testing.assert_allclose(together[name], np.sqrt(np.nansum(rows**2, axis=0)), rtol=1e-6)


LAYERS = {
    "gru": lambda: GRU(5),
    "keras gru": lambda: keras.layers.GRU(5, reset_after=False),
    "backwards": lambda: VanillaRNN(5, go_backwards=True),
    "bidirectional": lambda: Bidirectional(GRU(5)),
    "keras bidirectional": lambda: keras.layers.Bidirectional(keras.layers.SimpleRNN(5)),
    "stack": lambda: RNNStack("gru", 5, num_layers=2, bidirectional=True),
    "stacked cells": lambda: keras.layers.RNN(
        [keras.layers.GRUCell(4), keras.layers.SimpleRNNCell(5)]
    ),
    "minimal": lambda: MinGRU(5),
    "readout": lambda: VanillaRNN(5, readout_units=3, learn_initial_state=True),
    "skip": lambda: keras.layers.RNN(TimeSkipCell("gru", units=5, skip=3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_shows_its_flow(name):
    """The loss does not change under observation, and each state has its curve."""
    layer = LAYERS[name]()
    model = keras.Sequential([keras.Input((7, 4)), layer, keras.layers.Dense(2)])
    run = compiled_call(model, model.variables)
    before = array(run(X))
    flow = gradient_flow(model, X, Y, loss="mse")
    np.testing.assert_array_equal(array(run(X)), before)
    assert not {"inner_loop", "call"} & set(vars(layer))  # what was put there is gone
    cells = {"bidirectional": 2, "keras bidirectional": 2, "stack": 4, "stacked cells": 2}
    assert len(flow) == cells.get(name, 2 if name == "readout" else 1)
    for norms in flow.values():
        assert norms.shape == (7,) and np.isfinite(norms).all() and (norms > 0).any()
    direct = np.linalg.norm(2 * (before - Y) / Y.size @ ops.convert_to_numpy(model.weights[-2]).T)
    last = next(iter(flow.values())) if name != "stacked cells" else flow[f"{layer.name}/1"]
    if name == "bidirectional":
        direct = np.linalg.norm(
            (2 * (before - Y) / Y.size @ ops.convert_to_numpy(model.weights[-2]).T)[:, :5]
        )
    if name in ("gru", "keras gru", "minimal", "readout", "skip", "stacked cells", "bidirectional"):
        np.testing.assert_allclose(last[-1], direct, rtol=1e-4)
    if name == "backwards":
        np.testing.assert_allclose(last[0], direct, rtol=1e-4)


def test_a_contraction_halves_the_gradient_at_each_step():
    layer = VanillaRNN(
        3, activation="linear", recurrent_initializer=keras.initializers.Identity(0.5)
    )
    model = keras.Sequential([keras.Input((9, 2)), layer, keras.layers.Dense(1)])
    norms = gradient_flow(model, floats(1, 9, 2), floats(1, 1), loss="mse")[layer.name]
    np.testing.assert_allclose(norms[:-1] / norms[1:], 0.5, rtol=1e-5)
    assert first_to_last_ratio(norms) == pytest.approx(0.5**8, rel=1e-4)


def test_truncation_is_seen():
    model = keras.Sequential(
        [keras.Input((7, 4)), LSTM(5, truncate=3, name="lstm"), keras.layers.Dense(2)]
    )
    flow = gradient_flow(model, X, Y, loss="mse")
    assert (flow["lstm"][:6] == 0).all() and flow["lstm"][6] > 0
    assert (flow["lstm/c"][:6] == 0).all()


def test_a_translator_shows_encoder_and_decoder(decided):
    decided.compile("sgd")
    flow = gradient_flow(decided, ["abc", "a"], ["vwx", "v"], reduce=None)
    assert list(flow) == ["encoder/forward", "encoder/backward", "decoder"]
    steps = {name: (~np.isnan(rows)).sum(axis=1).tolist() for name, rows in flow.items()}
    assert steps["encoder/forward"] == [4, 2]  # with the end token
    assert steps["decoder"] == [4, 2]
    assert all((rows[~np.isnan(rows)] > 0).all() for rows in flow.values())


def test_self_attention_and_named_layers_are_positions():
    inputs = keras.Input((7, 4))
    x = keras.layers.MultiHeadAttention(1, 4, name="attention")(inputs, inputs)
    x = keras.layers.Dense(3, name="dense")(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(x[:, -1]))
    flow = gradient_flow(model, X, Y, loss="mse", layers=["dense"])
    assert list(flow) == ["attention", "dense"]
    assert (flow["dense"][:-1] == 0).all() and flow["dense"][-1] > 0
    assert (flow["attention"][:-1] == 0).all() and flow["attention"][-1] > 0


def test_a_probe_follows_the_weights():
    model = keras.Sequential([keras.Input((7, 4)), GRU(5, name="gru"), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    probe = GradientProbe(model, X, Y)
    before = probe()["gru"]
    np.testing.assert_allclose(gradient_flow(model, X, Y)["gru"], before, **CLOSE)
    model.fit(X, Y, verbose=0)
    after = probe()["gru"]
    assert np.abs(after / before - 1).max() > 1e-3
    np.testing.assert_allclose(gradient_flow(model, X, Y)["gru"], after, **CLOSE)


def test_the_ratio_leaves_out_what_is_no_number():
    assert first_to_last_ratio([np.nan, 2.0, 3.0, 4.0, np.nan]) == 0.5
    assert np.isnan(first_to_last_ratio([1.0, 0.0])) and np.isnan(first_to_last_ratio([]))


class OutputApart(keras.layers.Layer):
    state_size = output_size = 3

    def call(self, inputs, states):
        h = inputs[:, :3] + 0.5 * states[0]
        return 2 * h, [h]


def test_bad_input_is_refused():
    dense = keras.Sequential([keras.Input((7, 4)), keras.layers.Dense(2)])
    model = keras.Sequential([keras.Input((None, 4)), GRU(2), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="none among its 1 layers"):
        gradient_flow(dense, X, Y, loss="mse")
    with pytest.raises(ValueError, match="not compiled"):
        gradient_flow(model, X, Y)
    with pytest.raises(ValueError, match=r"at least 2 steps .* met 1"):
        gradient_flow(model, X[:, :1], Y, loss="mse")
    with pytest.raises(ValueError, match="no layer 'other'"):
        gradient_flow(model, X, Y, loss="mse", layers=["other"])
    with pytest.raises(ValueError, match="`reduce`"):
        gradient_flow(model, X, Y, loss="mse", reduce="mean")
    with pytest.raises(ValueError, match="OutputApart returns another tensor"):
        gradient_flow(
            keras.Sequential([keras.layers.RNN(OutputApart())]), X, floats(3, 3), loss="mse"
        )
