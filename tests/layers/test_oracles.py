"""Every layer against its formula in NumPy."""

import keras
import numpy as np
import pytest
from cases import MASK, TOKENS, B, D, S, U, floats
from checks import array, assert_close, sigmoid, softmax
from keras import ops

from keras_seq.backend import gradient
from keras_seq.layers import (
    AttentionCell,
    AttentionMechanism,
    BahdanauAttention,
    Bridge,
    Decoder,
    Encoder,
    LuongAttention,
    ScaledDotAttention,
    VanillaRNNCell,
)

pytestmark = pytest.mark.every_backend

X, VALUES, QUERY = floats(B, S, D), floats(B, S, 4), floats(B, 2, 3)


def weights(layer):
    """The weights of a layer by the last part of their names."""
    return {v.path.split("/")[-1]: array(v).astype("float64") for v in layer.weights}


def randomise(layer):
    """Give every weight, biases too, its own normal numbers."""
    layer.set_weights([0.5 * floats(*w.shape, 7) @ np.ones(7) for w in layer.get_weights()])


def lstm(w, x, h, c):
    i, f, g, o = np.split(x @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"], 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_vanilla_cell(activation):
    phi = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}[activation]
    cell = VanillaRNNCell(
        U,
        activation=activation,
        readout_units=2,
        readout_activation="tanh",
        learn_initial_state=True,
    )
    layer = keras.layers.RNN(cell, return_sequences=True, return_state=True)
    layer.build(X.shape)
    randomise(layer)
    outputs, y_last, h_last = map(array, layer(X, mask=MASK))
    w = weights(layer)
    for row in range(B):
        h = w["initial_state"]
        for t in range(MASK[row].sum()):
            h = phi(X[row, t] @ w["kernel"] + h @ w["recurrent_kernel"] + w["bias"])
            y = np.tanh(h @ w["readout_kernel"] + w["readout_bias"])
            np.testing.assert_allclose(outputs[row, t], y, atol=1e-4)
        np.testing.assert_allclose(h_last[row], h, atol=1e-4, rtol=1e-4)
        np.testing.assert_allclose(y_last[row], y, atol=1e-4)


@pytest.mark.parametrize("name", ["identity", "orthogonal", "glorot_uniform"])
def test_recurrent_initialisers(name):
    cell = VanillaRNNCell(6, recurrent_initializer=name)
    cell.build((1, 3))
    kernel = array(cell.recurrent_kernel)
    if name == "identity":
        assert_close(kernel, np.eye(6))
    elif name == "orthogonal":
        assert_close(kernel @ kernel.T, np.eye(6))
    else:
        assert 0 < np.abs(kernel).max() <= np.sqrt(6 / 12)


def test_vanilla_cell_is_keras_simple_rnn():
    ours, theirs = (
        keras.layers.RNN(kind(U), return_sequences=True)
        for kind in (VanillaRNNCell, keras.layers.SimpleRNNCell)
    )
    theirs.build(X.shape)
    ours.build(X.shape)
    ours.set_weights(theirs.get_weights())
    assert_close(ours(X), theirs(X))


def test_dropout_of_the_vanilla_cell_is_one_mask_per_sequence():
    cell = VanillaRNNCell(U, dropout=0.5, recurrent_dropout=0.5, readout_units=2, seed=1)
    layer = keras.layers.RNN(cell, return_sequences=True)
    ones = np.ones((40, 6, D), "float32")
    assert_close(layer(ones), layer(ones))  # none in inference
    assert not np.allclose(array(layer(ones, training=True)), array(layer(ones)))
    cell.recurrent_kernel.assign(np.zeros((U, U)))
    steps = array(layer(ones, training=True))
    assert_close(steps, np.repeat(steps[:, :1], 6, axis=1))


SCORES = {
    "bahdanau": (
        lambda: BahdanauAttention(5),
        lambda w, q, k: np.tanh(q @ w["query_kernel"] + k @ w["key_kernel"]) @ w["scale"][:, 0],
    ),
    "concat": (
        lambda: LuongAttention("concat", units=5),
        lambda w, q, k: (
            np.tanh(np.concatenate([q, k]) @ np.vstack([w["query_kernel"], w["key_kernel"]]))
            @ w["scale"][:, 0]
        ),
    ),
    "general": (lambda: LuongAttention("general"), lambda w, q, k: q @ (k @ w["key_kernel"])),
    "scaled_dot": (
        lambda: ScaledDotAttention(5),
        lambda w, q, k: (q @ w["query_kernel"]) @ (k @ w["key_kernel"]) / np.sqrt(5),
    ),
    "dot": (lambda: LuongAttention("dot"), lambda w, q, k: q @ k),
    "scaled_dot without units": (
        lambda: ScaledDotAttention(),
        lambda w, q, k: q @ k / np.sqrt(len(q)),
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_attention(name):
    make, score = SCORES[name]
    attention = make()
    values = VALUES if "dot" not in name or name == "scaled_dot" else floats(B, S, 3)
    attention.build(QUERY.shape, values.shape)
    context, found = map(array, attention(QUERY, values, values_mask=MASK))
    w = weights(attention)
    for row in range(B):
        for t in range(2):
            scores = np.array([score(w, QUERY[row, t], k) for k in values[row]])
            expected = softmax(np.where(MASK[row], scores, -np.inf))
            np.testing.assert_allclose(found[row, t], expected, atol=1e-5)
            np.testing.assert_allclose(context[row, t], expected @ values[row], atol=1e-5)
    one_step = attention(QUERY[:, 0], values, values_mask=MASK)
    assert_close(one_step, (context[:, 0], found[:, 0]))


@pytest.mark.parametrize("name", SCORES)
def test_a_row_without_values_gives_zeros_and_finite_gradients(name):
    attention = SCORES[name][0]()
    values = VALUES if "dot" not in name or name == "scaled_dot" else floats(B, S, 3)
    mask = MASK.copy()
    mask[1] = False
    context, found = attention(QUERY, values, values_mask=mask)
    assert not array(context)[1].any() and not array(found)[1].any()

    def loss(nest):
        return ops.sum(attention(nest[0], nest[1], values_mask=mask)[0] ** 2)

    for g in gradient(loss, (QUERY, values))[1]:
        assert np.isfinite(array(g)).all() and not array(g)[1].any()


def test_a_mask_that_keras_carries_is_used():
    ids = np.array([[4, 5, 0], [6, 0, 0]])
    embedded = keras.layers.Embedding(7, 4, mask_zero=True)(ids)
    _, found = LuongAttention("general")(floats(2, 4), embedded)
    assert not array(found)[ids == 0].any()
    values, _ = Encoder("gru", units=3)(embedded)
    assert not array(values)[ids == 0].any()


class Counting(AttentionMechanism):
    """Counts how often its keys are projected."""

    calls = 0

    def project_keys(self, values):
        Counting.calls += 1
        return values

    def score(self, query, keys):
        return ops.matmul(query, ops.swapaxes(keys, 1, 2))


def test_keys_are_projected_once_per_source():
    decoder = Decoder(7, "gru", units=4, attention=Counting())
    encoder = Encoder("gru", units=2)
    values, states = encoder(X, mask=MASK)
    decoder.build(TOKENS.shape, values.shape, [[s.shape for s in states[0]]])
    Counting.calls = 0
    decoder.call(ops.convert_to_tensor(TOKENS), values, states, values_mask=MASK)
    assert Counting.calls == 1


def test_attention_cell_attends_first_and_then_recurs():
    cell = AttentionCell([keras.layers.LSTMCell(U), keras.layers.LSTMCell(3)], BahdanauAttention(4))
    inputs = floats(B, 4, D)
    cell.build((B, D), VALUES.shape)
    randomise(cell)
    memory = cell.memory(ops.convert_to_tensor(VALUES), ops.convert_to_tensor(MASK))
    states = [[floats(B, n), floats(B, n) * 2] for n in (U, 3)]
    state = cell.start(states, memory)
    bottom, top, attend = (weights(part) for part in (*cell.cells, cell.attention))
    (h1, c1), (h2, c2) = ((h.astype("float64"), c) for h, c in states)
    for t in range(4):
        (output, context, alpha), state = cell(inputs[:, t], state, memory)
        query = (h2 @ attend["query_kernel"])[:, None]
        scores = (np.tanh(query + VALUES @ attend["key_kernel"]) @ attend["scale"])[..., 0]
        expected = softmax(np.where(MASK, scores, -np.inf))
        looked = np.einsum("bs,bsd->bd", expected, VALUES)
        h1, c1 = lstm(bottom, np.concatenate([inputs[:, t], looked], -1), h1, c1)
        h2, c2 = lstm(top, h1, h2, c2)
        assert_close(alpha, expected, atol=1e-4)
        assert_close(context, looked, atol=1e-4)
        assert_close(output, h2, atol=1e-4)
        assert_close(state["cells"], [[h1, c1], [h2, c2]], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru", "vanilla"])
def test_encoder_reads_each_row_as_if_it_were_alone(cell):
    encoder = Encoder(cell, units=3, num_layers=2)
    values, states = encoder(X, mask=MASK)
    values, states = array(values), [[array(s) for s in layer] for layer in states]
    for row in range(B):
        n = MASK[row].sum()
        alone, alone_states = encoder(X[row : row + 1, :n])
        np.testing.assert_allclose(values[row, :n], array(alone)[0], atol=1e-5)
        assert not values[row, n:].any()
        for layer, alone_layer in zip(states, alone_states, strict=True):
            for state, other in zip(layer, alone_layer, strict=True):
                np.testing.assert_allclose(state[row], array(other)[0], atol=1e-5)


def test_encoder_directions_by_hand():
    encoder = Encoder("lstm", units=3)
    encoder.build(X.shape)
    randomise(encoder)
    values, ((h_f, c_f, h_b, c_b),) = encoder(X, mask=MASK)
    w_f, w_b = weights(encoder.forward_cells[0]), weights(encoder.backward_cells[0])
    for row in range(B):
        steps = range(MASK[row].sum())
        for w, order, columns, last_h, last_c in (
            (w_f, steps, slice(0, 3), h_f, c_f),
            (w_b, reversed(steps), slice(3, 6), h_b, c_b),
        ):
            h, c = np.zeros(3), np.zeros(3)
            for t in order:
                h, c = lstm(w, X[row, t], h, c)
                np.testing.assert_allclose(array(values)[row, t, columns], h, atol=1e-4)
            np.testing.assert_allclose(array(last_h)[row], h, atol=1e-4)
            np.testing.assert_allclose(array(last_c)[row], c, atol=1e-4)


def test_bridge():
    states = [[floats(B, 3), floats(B, 2)], [floats(B, 4), floats(B, 1)]]
    for sizes in ([[2, 2], [5]], [[2, 2], [5], [1]]):
        bridge = Bridge(sizes)
        found = bridge(states)
        for i, (layer, dense) in enumerate(zip(found, bridge.projections, strict=True)):
            source = states[i] if len(sizes) == 2 else states[-1]
            kernel, bias = dense.get_weights()
            expected = np.tanh(np.concatenate(source, -1) @ kernel + bias)
            assert_close(ops.concatenate(layer, -1), expected)


@pytest.mark.parametrize("attention", ["additive", None])
def test_decoder(attention):
    encoder = Encoder("lstm", units=2)
    values, states = encoder(X, mask=MASK)
    decoder = Decoder(7, "lstm", units=U, attention=attention, embedding_dim=4)
    decoder.build(TOKENS.shape, values.shape, [[s.shape for s in states[0]]])
    randomise(decoder)
    logits, found = decoder(TOKENS, values, states, values_mask=MASK, return_attention=True)
    values = array(values).astype("float64")
    embedding, readout, out = (
        weights(part) for part in (decoder.embedding, decoder.readout_layer, decoder.projection)
    )
    first = np.tanh(
        np.concatenate([array(s) for s in states[0]], -1) @ decoder.bridge.get_weights()[0]
        + decoder.bridge.get_weights()[1]
    )
    h, c = first[:, :U], first[:, U:]
    fixed, cell = h, weights(decoder.cell.cells[0])
    for t in range(TOKENS.shape[1]):
        x = embedding["embeddings"][TOKENS[:, t]]
        if attention is None:
            context = fixed
            assert found is None
        else:
            w = weights(decoder.cell.attention)
            scores = np.tanh((h @ w["query_kernel"])[:, None] + values @ w["key_kernel"])
            alpha = softmax(np.where(MASK, (scores @ w["scale"])[..., 0], -np.inf))
            context = np.einsum("bs,bsd->bd", alpha, values)
            np.testing.assert_allclose(array(found)[:, t], alpha, atol=1e-4)
        h, c = lstm(cell, np.concatenate([x, context], -1), h, c)
        r = np.tanh(np.concatenate([h, context, x], -1) @ readout["kernel"] + readout["bias"])
        expected = r @ out["kernel"] + out["bias"]
        np.testing.assert_allclose(array(logits)[:, t], expected, atol=1e-3, rtol=1e-3)


def test_gradient_of_the_decoder_against_finite_differences():
    encoder, decoder = Encoder("gru", units=2), Decoder(7, "gru", units=3)
    values, states = encoder(X, mask=MASK)
    states, values = [[array(s) for s in states[0]]], array(values)

    def loss(v):
        return ops.mean(decoder(TOKENS, v, states, values_mask=MASK) ** 2)

    loss(ops.convert_to_tensor(values))  # build
    decoder.set_weights([3 * w for w in decoder.get_weights()])
    _, found = gradient(loss, values)
    direction = floats(*values.shape)
    direction /= np.linalg.norm(direction)
    ends = [float(loss(ops.convert_to_tensor(values + e * direction))) for e in (1e-2, -1e-2)]
    slope = (ends[0] - ends[1]) / 2e-2
    assert float(np.sum(array(found) * direction)) == pytest.approx(slope, rel=2e-2, abs=1e-3)


@pytest.mark.parametrize("kind", [LuongAttention, ScaledDotAttention])
def test_dot_needs_one_size(kind):
    attention = kind("dot") if kind is LuongAttention else kind()
    with pytest.raises(ValueError, match="size 3 and values of size 4"):
        attention(QUERY, VALUES)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: VanillaRNNCell(0), "`units` must be an integer above 0; received 0"),
        (lambda: VanillaRNNCell(2, readout_units=-1), "`readout_units`"),
        (lambda: BahdanauAttention(0), "`units`"),
        (lambda: LuongAttention("cosine"), "'dot', 'general', 'concat'; received 'cosine'"),
        (lambda: LuongAttention("concat"), "`units`"),
        (lambda: Encoder("transformer"), "'lstm', 'gru', 'vanilla', 'irnn'"),
        (lambda: Encoder(keras.layers.Dense(3)), "Dense has no `state_size`"),
        (lambda: Encoder(dropout=1.0), r"`dropout` must be a number in \[0, 1\); received 1.0"),
        (lambda: Decoder(7, attention="magic"), "'additive'"),
        (lambda: AttentionCell([]), "at least one"),
        (lambda: AttentionCell("gru", "additive", units=3), "an AttentionMechanism, its config"),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
