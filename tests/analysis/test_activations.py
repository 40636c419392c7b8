"""States and gates of units, over a text and over an array."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.analysis import gate_activations, highlight, unit_activations
from keras_seq.layers import LSTM, Bidirectional, MinGRU, RNNStack
from keras_seq.layers.cells import CELLS, get_cell, state_sizes
from keras_seq.layers.gates import gates_of, step_with_gates

X = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")


@pytest.mark.parametrize("name", [*(x for x in CELLS if gates_of(get_cell(x, 1))), "before"])
def test_a_step_with_gates_is_a_step_of_the_cell(name):
    cell = keras.layers.GRUCell(4, reset_after=False) if name == "before" else get_cell(name, 4)
    cell.bias_initializer = keras.initializers.RandomNormal()
    state = [ops.convert_to_tensor(X[:2, :1] + np.zeros((2, n))) for n in state_sizes(cell)]
    state = [ops.cast(x, "float32") for x in state]
    output, new = cell(X[:2], list(state))
    own, own_state, gates = step_with_gates(cell, X[:2], list(state))
    for one, other in zip([output, *new], [own, *own_state], strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=1e-6
        )
    for values in gates.values():
        values = ops.convert_to_numpy(values)
        assert values.shape == (2, 4) and (values > 0).all() and (values < 1).all()


def test_states_are_the_outputs_of_the_layers():
    stack = RNNStack("vanilla", 4, num_layers=2, bidirectional=True, return_sequences=True)
    model = keras.Sequential([Bidirectional(LSTM(3, return_sequences=True), name="b"), stack])
    found = unit_activations(model, X)
    assert list(found)[:2] == ["b/forward", "b/backward"]
    outputs = ops.convert_to_numpy(model(X[None]))[0]
    own = [found[f"{stack.name}/1/{side}"].values["h"] for side in ("forward", "backward")]
    np.testing.assert_allclose(np.concatenate(own, axis=1), outputs, atol=1e-6)
    below = ops.convert_to_numpy(model.layers[0](X[None]))[0]
    own = [found[f"b/{side}"].values["h"] for side in ("forward", "backward")]
    np.testing.assert_allclose(np.concatenate(own, axis=1), below, atol=1e-6)


def test_masked_steps_are_left_out():
    model = keras.Sequential([keras.layers.Embedding(9, 3, mask_zero=True), LSTM(4, name="lstm")])
    short = unit_activations(model, np.array([3, 5]))["lstm"].values["h"]
    padded = unit_activations(model, np.array([3, 5, 0, 0]), tokens="ab__")["lstm"]
    np.testing.assert_allclose(padded.values["h"], short, atol=1e-6)
    assert padded.tokens == ("a", "b")


def test_a_translator_shows_its_tokens(decided):
    found = gate_activations(decided, "abc", target="xv")
    encoder, decoder = found["encoder/forward"], found["decoder"]
    assert encoder.tokens[:3] == ("a", "b", "c")
    assert decoder.tokens[1:] == ("x", "v")
    assert set(encoder.values) == {"update", "reset", "h"}
    assert len(encoder.values["update"]) == len(encoder.tokens)
    assert len(decoder.values["h"]) == len(decoder.tokens)
    answer = unit_activations(decided, "abc")["decoder"].tokens
    assert answer[1:] == tuple(decided.generate("abc", sampler="greedy"))[: len(answer) - 1]


def test_a_gate_is_cut_out():
    """With its forget gate at 1 an LSTM adds up: c_t = c_(t-1) + i * g."""
    model = keras.Sequential([LSTM(4, name="lstm", activation="linear")])
    whole = gate_activations(model, X)
    cut = gate_activations(model, X, without="forget")
    values = cut["lstm"].values
    assert (values["forget"] == 1).all() and (whole["lstm"].values["forget"] < 1).all()
    kernel, recurrent, bias = map(ops.convert_to_numpy, model.layers[0].weights)
    h, c = np.zeros(4), np.zeros(4)
    for x, expected in zip(X, values["c"], strict=True):
        i, _, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
        c = c + g / (1 + np.exp(-i))
        h = c / (1 + np.exp(-o))
        np.testing.assert_allclose(c, expected, atol=1e-5)
    np.testing.assert_allclose(cut["predictions"], h, atol=1e-5)
    assert np.abs(cut["predictions"] - whole["predictions"]).max() > 1e-3


def test_without_a_cut_predictions_are_those_of_the_model():
    model = keras.Sequential([MinGRU(4, name="min"), keras.layers.Dense(2)])
    found = gate_activations(model, X)
    expected = ops.convert_to_numpy(model(X[None]))[0]
    np.testing.assert_allclose(found["predictions"], expected, atol=1e-5)


class GatedCell(keras.layers.Layer):
    """A cell that shows a gate: h = s * x + (1 - s) * h."""

    state_size = output_size = 3
    gate_names = ("share",)

    def call(self, inputs, states):
        return self.call_with_gates(inputs, states, ())[:2]

    def call_with_gates(self, inputs, states, without):
        share = ops.sigmoid(inputs)
        if "share" in without:
            share = ops.ones_like(share)
        h = share * inputs + (1 - share) * states[0]
        return h, [h], {"share": share}


def test_a_cell_of_ones_own_shows_its_gates():
    model = keras.Sequential([keras.layers.RNN(GatedCell(), name="mine")])
    found = gate_activations(model, X, without="share")["mine"].values
    np.testing.assert_allclose(found["h"], X, atol=1e-6)


def test_bad_input_is_refused(decided):
    plain = keras.Sequential([keras.layers.Dense(2)])
    vanilla = keras.Sequential([keras.layers.SimpleRNN(2)])
    with pytest.raises(ValueError, match="recurrent layer"):
        unit_activations(plain, X)
    with pytest.raises(ValueError, match="with gates"):
        gate_activations(vanilla, X)
    with pytest.raises(ValueError, match="takes no text"):
        unit_activations(vanilla, "abc")
    with pytest.raises(ValueError, match="each of the 6 steps; received 2"):
        unit_activations(vanilla, X, tokens=["a", "b"])
    with pytest.raises(ValueError, match="received memory"):
        gate_activations(decided, "abc", target="v", without="memory")
    with pytest.raises(ValueError, match="goes with a text"):
        unit_activations(vanilla, X, target="abc")


def test_highlight_escapes_and_colours():
    page = highlight(["<b>", "x"], [-1.0, 0.0])
    assert "&lt;b&gt;" in page and "rgb(0,114,178)" in page and "rgb(255,255,255)" in page
    assert highlight([], []) == "<pre></pre>"
    line = highlight("ab", [1.0, 2.0], format="ansi", limit=1.0)
    assert line.count("230;159;0") == 2 and line.endswith("\x1b[0m")
    for bad, message in (
        ({"values": [1.0]}, "each of the 2"),
        ({"values": [1.0, np.nan]}, "numbers"),
        ({"format": "pdf"}, "'html', 'ansi'"),
        ({"limit": 0}, "above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            highlight("ab", **{"values": [1.0, 2.0], **bad})
