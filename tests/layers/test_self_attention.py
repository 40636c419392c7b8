"""Self-attention: against NumPy and Keras, masks, causality, streaming, length."""

import keras
import numpy as np
import pytest
from cases import B, D, S, floats, lengths_mask
from checks import array, arrays, assert_close, compiled_call, softmax, weighted_sum
from keras import ops

from benchmarks.length_generalisation import TASKS, recent, scores
from keras_seq.analysis import gradient_flow
from keras_seq.backend import compiled, gradient
from keras_seq.layers import LearntPositions, SelfAttention, SelfAttentionEncoder
from keras_seq.layers.positions import POSITION_ENCODINGS

U, H = 8, 2
X = floats(B, S, D)
MASK = lengths_mask(5, 3, 0)
every_encoding = pytest.mark.parametrize("positions", POSITION_ENCODINGS)


def built(layer, features=D):
    layer.build((None, None, features))
    return layer


def run(layer, *args, **kwargs):
    """The results of a layer, compiled on JAX, as arrays."""
    return arrays(compiled_call(lambda *x: layer(*x, **kwargs), layer.variables)(*args))


# What it computes


@pytest.mark.parametrize("causal", [False, True])
def test_without_positions_it_is_that_of_keras(causal):
    ours = built(SelfAttention(U, H, causal))
    theirs = keras.layers.MultiHeadAttention(H, U // H, use_bias=False, output_shape=U)
    theirs.build((B, S, D), (B, S, D))
    *cut, merged = ours.get_weights()
    cut = [kernel.reshape(D, H, U // H) for kernel in cut]
    theirs.set_weights([*cut, merged.reshape(H, U // H, U)])
    mask = lengths_mask(5, 3, 1)

    def results(function):
        def found(x):
            slope = gradient(lambda x: weighted_sum(function(x)[0]), x)[1]
            return *function(x), slope

        layer = ours if function is of_ours else theirs
        *found, slope = arrays(compiled_call(found, layer.variables)(X))
        return *(x * mask[:, None, :, None] if x.ndim == 4 else x for x in found), slope

    def of_ours(x):
        return ours(x, mask=ops.convert_to_tensor(mask), return_attention=True)

    def of_keras(x):
        outputs, weights = theirs(
            x,
            x,
            attention_mask=ops.convert_to_tensor(mask[:, None]),
            use_causal_mask=causal,
            return_attention_scores=True,
        )
        return outputs * ops.convert_to_tensor(mask[:, :, None], dtype="float32"), weights

    assert_close(results(of_ours), results(of_keras))


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
def test_the_formula(positions):
    layer = built(SelfAttention(U, H, causal=True, positions=positions))
    query, key, value, merge = (w.astype("float64") for w in layer.get_weights())
    steps = np.arange(S)
    outputs = np.zeros((B, S, U))
    for h in range(H):
        own = slice(h * U // H, (h + 1) * U // H)
        q, k, v = (X @ kernel[:, own] for kernel in (query, key, value))
        if positions == "rotary":
            turns = np.exp(1j * steps[:, None] * 10000.0 ** (-np.arange(0, 4, 2) / 4))
            q, k = ((x[..., :2] + 1j * x[..., 2:]) * turns for x in (q, k))
            found = (q @ k.conj().swapaxes(1, 2)).real / 2
        else:
            found = q @ k.swapaxes(1, 2) / 2 - [1 / 16, 1 / 256][h] * (steps[:, None] - steps)
        found = np.where(steps[:, None] >= steps, found, -np.inf)
        outputs += softmax(found) @ v @ merge[own]
    assert_close(run(layer, X), outputs.astype("float32"))


@every_encoding
def test_a_block_sees_order_where_it_is_told(positions):
    layer = built(SelfAttentionEncoder(U, 1, H, positions=positions, return_sequences=True))
    if positions == "learnt":  # the first vectors are short
        layer.positions.vectors.assign(10 * array(layer.positions.vectors))
    order = [3, 1, 0, 4, 2]
    one, other = run(layer, X)[0][:, order], run(layer, X[:, order])[0]
    assert np.allclose(one, other, atol=1e-4) == (positions == "none")


@every_encoding
def test_a_causal_step_knows_nothing_of_later_ones(positions):
    layer = built(SelfAttention(U, H, causal=True, positions=positions))
    later = X.copy()
    later[:, 3:] += 1
    one, other = run(layer, X)[0], run(layer, later)[0]
    np.testing.assert_array_equal(one[:, :3], other[:, :3])
    assert np.abs(one[:, 3:] - other[:, 3:]).max(axis=-1).min() > 1e-4


# Masks


@every_encoding
def test_padding_on_either_side_changes_nothing(positions):
    layer = built(SelfAttentionEncoder(U, 1, H, positions=positions))
    right = run(layer, X, MASK)[0]
    roll = [0, 2, 0]
    left = np.stack([np.roll(x, n, axis=0) for x, n in zip(X, roll, strict=True)])
    mask = np.stack([np.roll(x, n, axis=0) for x, n in zip(MASK, roll, strict=True)])
    assert mask[1].tolist() == [False, False, True, True, True]
    assert_close(run(layer, left, mask)[0], right)
    assert not right[2].any() and right[:2].any()
    assert_close(right[0], run(layer, X)[0][0])


def test_weights_of_padding():
    layer = built(SelfAttention(U, H, causal=True, positions="alibi"))
    outputs, weights = run(layer, X, MASK, return_attention=True)
    lower = np.tril(np.ones((S, S), bool))
    seen = lower & MASK[:, None, :, None] & MASK[:, None, None, :]
    assert ((weights > 0) == np.broadcast_to(seen, weights.shape)).all()
    valid = np.broadcast_to(MASK[:, None], weights.shape[:3])
    np.testing.assert_allclose(weights.sum(axis=-1), valid, atol=1e-6)
    assert ((outputs != 0).any(axis=-1) == MASK).all()


def test_a_row_without_any_step_has_a_gradient_of_zero():
    layer = built(SelfAttentionEncoder(U, 1, H))

    def slope(x):
        return gradient(lambda x: weighted_sum(layer(x, mask=ops.convert_to_tensor(MASK))), x)[1]

    found = array(compiled_call(slope, layer.variables)(X))
    assert np.isfinite(found).all()
    assert ((found != 0).any(axis=-1) == MASK).all()


def test_without_all_steps_the_last_valid_one():
    layer = built(SelfAttentionEncoder(U, 1, H, return_sequences=True))
    whole = run(layer, X, lengths_mask(5, 3, 1))[0]
    layer.return_sequences = False
    expected = whole[np.arange(B), [4, 2, 0]]
    assert_close(run(layer, X, lengths_mask(5, 3, 1)), [expected])
    layer.return_sequences = True
    plain = run(layer, X)[0]
    layer.return_sequences = False
    assert_close(run(layer, X), [plain[:, -1]])
    assert tuple(layer(X[:0]).shape) == (0, U)


def test_scores_are_not_computed_in_float16(policy):
    policy("mixed_float16")
    layer = built(SelfAttention(U, H))
    x = np.zeros((1, S, D), "float32")
    x[0, :, 0] = 100 * np.arange(S)
    sharp = [np.zeros_like(w) for w in layer.get_weights()]
    for kernel in sharp[:3]:
        kernel[0] = 1
    layer.set_weights(sharp)
    _, weights = run(layer, x, return_attention=True)  # the largest score is 320,000
    np.testing.assert_array_equal(weights[0, :, 1:].argmax(axis=-1), S - 1)
    np.testing.assert_allclose(weights.astype("float32").sum(axis=-1), 1, atol=1e-3)


# Step by step


def stream(layer, x, max_length):
    """The outputs of all steps, one by one."""
    jax = keras.config.backend() == "jax"
    step = compiled(layer.step, layer.variables) if jax else layer.step
    state, outputs = layer.start(len(x), max_length), []
    for t in range(x.shape[1]):
        output, state = step(ops.convert_to_tensor(x[:, t]), state)
        outputs.append(array(output))
    return np.stack(outputs, axis=1)


@every_encoding
def test_streaming_is_the_whole_at_once(positions):
    positions = LearntPositions(3) if positions == "learnt" else positions
    layer = built(SelfAttentionEncoder(U, 2, H, 5, positions, causal=True, return_sequences=True))
    assert_close(stream(layer, X, S), run(layer, X)[0])


def test_a_stream_longer_than_its_memory_forgets_the_oldest_steps():
    layer = built(SelfAttention(U, H, causal=True, positions="rotary"))
    found = stream(layer, X, 3)
    for t in range(S):
        first = max(0, t - 2)
        expected = array(layer(X[:, first : t + 1]))[:, -1]
        np.testing.assert_allclose(found[:, t], expected, atol=1e-5)


def test_rows_of_a_state_can_be_reordered():
    layer = built(SelfAttentionEncoder(U, 2, H, 5, causal=True))
    _, state = layer.step(ops.convert_to_tensor(X[:, 0]), layer.start(B, 2))
    order = [2, 0, 0]
    turned = keras.tree.map_structure(lambda x: ops.take(x, np.array(order), axis=0), state)
    output, _ = layer.step(ops.convert_to_tensor(X[:, 1]), turned)
    expected = array(layer(np.stack([X[order, 0], X[:, 1]], axis=1)))
    assert_close(output, expected)


# In a model


def test_a_language_model_of_any_length(tmp_path):
    """Lengths are unknown in the graph of `fit`, and the mask comes from the embedding."""
    ids = np.array([[4, 5, 3, 0], [6, 2, 0, 0], [5, 1, 2, 3]])
    encoder = SelfAttentionEncoder(
        U, 1, H, 5, LearntPositions(9), causal=True, dropout=0.1, return_sequences=True
    )
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(7, U, mask_zero=True),
            encoder,
            keras.layers.Dense(7, activation="softmax"),
        ]
    )
    assert model.output_shape == (None, None, 7)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = encoder.get_weights()
    batches = ((ids[:, :n], ids[:, :n]) for n in (4, 3))
    model.fit(batches, steps_per_epoch=2, shuffle=False, verbose=0)
    changed = [(a != b).any() for a, b in zip(before, encoder.get_weights(), strict=True)]
    assert all(changed) and len(changed) == 15
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert copy.layers[1].attention_layers[0].positions is copy.layers[1].positions
    assert_close(copy.predict_on_batch(ids), model.predict_on_batch(ids), atol=1e-6)


def test_the_attention_of_every_block_is_shown():
    inputs = keras.Input((S, D))
    outputs, weights = SelfAttentionEncoder(U, 2, H, return_sequences=True)(
        inputs, return_attention=True
    )
    assert outputs.shape == (None, S, U)
    assert [one.shape for one in weights] == [(None, H, S, S)] * 2
    found = keras.Model(inputs, [outputs, *weights])(X)
    assert [tuple(one.shape) for one in found] == [(B, S, U), *[(B, H, S, S)] * 2]
    np.testing.assert_allclose(array(found[2]).sum(axis=-1), 1, atol=1e-5)


def test_gradient_flow_sees_positions():
    model = keras.Sequential(
        [
            keras.Input((S, D)),
            SelfAttentionEncoder(U, 2, H, 5, causal=True),
            keras.layers.Dense(1),
        ]
    )
    flow = gradient_flow(model, X, np.ones((B, 1)), loss="mse")
    below, top = flow.values()
    assert list(flow) == [one.name for one in model.layers[0].attention_layers]
    assert (top[:-1] == 0).all() and top[-1] > 0  # only the last step is read
    assert (below > 0).all()


def test_dropout_is_for_training():
    layer = built(SelfAttentionEncoder(U, 1, H, 5, dropout=0.5))
    calm, other = array(layer(X)), array(layer(X, training=True))
    np.testing.assert_array_equal(calm, array(layer(X)))
    assert np.abs(calm - other).max() > 0.01
    layer = built(SelfAttention(U, H, dropout=0.5))
    assert np.abs(array(layer(X)) - array(layer(X, training=True))).max() > 0.01


# Train short, test long


def by_hand(task, tokens):
    """The answer of each step of one row, `None` where there is none."""
    keys, values = tokens // 4, tokens % 4
    for t in range(len(tokens)):
        if task == "back":
            yield tokens[t - 3] if t >= 3 else None
        else:
            places = [s for s in range(t) if keys[s] == keys[t]]
            place = -1 if task == "recent" else 0
            yield values[places[place]] if places else None


@pytest.mark.parametrize("task", TASKS)
def test_the_tasks_ask_what_they_say(task):
    for tokens, answers, counts in zip(*TASKS[task](np.random.default_rng(0), 3, 9), strict=True):
        found = [a if c else None for a, c in zip(answers, counts, strict=True)]
        assert found == list(by_hand(task, tokens))


@pytest.mark.slow
def test_trained_short_alibi_reads_long():
    """Both learn the task; at four times the length one of them still knows it (chance: 0.25).

    `benchmarks/length_generalisation.py` has all encodings, over three seeds.
    """
    options = {"steps": 200, "lengths": (16, 64), "num_layers": 1, "batch": 32}
    alibi, sinusoidal = (scores(recent, name, **options) for name in ("alibi", "sinusoidal"))
    assert min(alibi[16], sinusoidal[16]) > 0.7
    assert alibi[64] > 0.6 and sinusoidal[64] < 0.5


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SelfAttention(6, 4), "multiple of `num_heads`; received units=6 and num_heads=4"),
        (lambda: SelfAttentionEncoder(6, 1, 4), "received units=6 and num_heads=4"),
        (lambda: SelfAttention(0), "`units` must be an integer above 0; received 0"),
        (lambda: SelfAttention(6, 0), "`num_heads` must be an integer above 0; received 0"),
        (lambda: SelfAttentionEncoder(6, 0), "`num_layers` must be an integer above 0"),
        (lambda: SelfAttentionEncoder(6, 1, 2, 0), "`feed_forward_units` must be an integer above"),
        (lambda: SelfAttention(6, 2, dropout=1.0), r"`dropout` must be a number in \[0, 1\)"),
        (lambda: SelfAttention(6, 2).start(1, 3), "needs causal=True"),
        (lambda: SelfAttention(6, 2, causal=True).start(1, 0), "`max_length` must be an integer"),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
