"""The decoder in every order, with every readout, pointer and way of training."""

import keras
import numpy as np
import pytest
from cases import COPIES, MASK, TOKENS, B, D, S, floats
from checks import array, assert_close, compiled_call, sigmoid, softmax
from keras import ops

from keras_seq.layers import Decoder, LocalAttention, MonotonicAttention
from keras_seq.layers.scheduled_sampling import fed_back, toss

pytestmark = pytest.mark.every_backend

VALUES = floats(B, S, D)
STATES = [[floats(B, 3), floats(B, 2)]]
SHAPES = (TOKENS.shape, VALUES.shape, [[s.shape for s in STATES[0]]])
FEEDING = {"order": "luong", "input_feeding": True}


def built(**config):
    """A decoder whose weights, biases too, are all different."""
    decoder = Decoder(7, **{"cell": "gru", "units": 4, **config})
    decoder.build(*SHAPES)
    decoder.set_weights([0.5 * floats(*w.shape, 7) @ np.ones(7) for w in decoder.get_weights()])
    return decoder


def memory_of(decoder):
    copies = {"copy_ids": ops.convert_to_tensor(COPIES)} if decoder.copy else {}
    return {
        "values": ops.convert_to_tensor(VALUES),
        "encoder_states": keras.tree.map_structure(ops.convert_to_tensor, STATES),
        "values_mask": ops.convert_to_tensor(MASK),
        **copies,
    }


def one_by_one(decoder, tokens=None):
    """The logits step by step: of given tokens, or of the decoder's own most probable ones."""

    def run(token_ids):
        state, memory = decoder.start(**memory_of(decoder))
        logits, fed = [], token_ids[:, 0]
        for t in range(TOKENS.shape[1]):
            fed = fed if tokens is None else token_ids[:, t]
            step, state = decoder.step(fed, state, memory)
            fed = ops.cast(ops.argmax(step, axis=-1), "int32")
            logits.append(step)
        return ops.stack(logits, axis=1), state

    return compiled_call(run, decoder.variables)(TOKENS if tokens is None else tokens)


@pytest.mark.parametrize(
    "config",
    [
        {"cell": "lstm", "num_layers": 2},
        {"cell": "vanilla", "attention": None},
        {"attention": "general", "order": "luong", "num_layers": 2, "residual": True},
        {"attention": None, "order": "luong"},
        {"attention": "general", **FEEDING, "tie_embeddings": True, "embedding_dim": 3},
        {"attention": "scaled_dot", "input_feeding": True, "readout": "maxout"},
        {"attention": "local", "order": "luong"},
        {"attention": "local_monotonic", **FEEDING},
        {"attention": "local_monotonic", "order": "luong"},
        {"attention": "monotonic", "order": "luong"},
        {"attention": "monotonic", "copy": True},
        {"attention": "dot", "units": D, "copy": True, "readout": None, "order": "luong"},
    ],
    ids=lambda config: "-".join(str(x) for x in config.values()),
)
def test_all_steps_at_once_are_one_after_the_other(config):
    decoder = built(**config)
    together = compiled_call(
        lambda ids: decoder(ids, **memory_of(decoder), return_attention=True), decoder.variables
    )(TOKENS)
    steps, state = one_by_one(decoder, TOKENS)
    possible = array(steps) > -1e8  # not the positions that a pointer cannot mean
    assert possible.all() != decoder.copy
    assert_close(array(together[0])[possible], array(steps)[possible])
    if together[1] is not None:
        seen = array(together[1]).sum(axis=1)
        assert_close(state["coverage"], np.where(MASK, seen, 1.0))


def test_luong_with_input_feeding_by_hand():
    decoder = built(cell="vanilla", attention="general", **FEEDING, embedding_dim=3)
    found = array(decoder(TOKENS, **memory_of(decoder)))
    bridge = decoder.bridge.get_weights()
    h = np.tanh(np.concatenate(STATES[0], -1) @ bridge[0] + bridge[1])
    kernel, recurrent, bias = decoder.cell.cells[0].get_weights()
    (key_kernel,) = decoder.cell.attention.get_weights()
    (w_r, b_r), (w_o, b_o) = decoder.readout_layer.get_weights(), decoder.projection.get_weights()
    fed = np.zeros((B, 4))
    for t in range(TOKENS.shape[1]):
        x = np.concatenate([decoder.embedding.get_weights()[0][TOKENS[:, t]], fed], axis=-1)
        h = np.tanh(x @ kernel + h @ recurrent + bias)
        scores = np.einsum("bh,bsh->bs", h, VALUES @ key_kernel)
        alpha = softmax(np.where(MASK, scores, -np.inf))
        fed = np.tanh(np.concatenate([h, np.einsum("bs,bsd->bd", alpha, VALUES)], -1) @ w_r + b_r)
        np.testing.assert_allclose(found[:, t], fed @ w_o + b_o, atol=1e-3, rtol=1e-3)


def test_a_pointer_mixes_two_distributions():
    decoder = built(copy=True)
    logits, weights = decoder(TOKENS, **memory_of(decoder), return_attention=True)
    found, weights = np.exp(array(logits)), array(weights)
    np.testing.assert_allclose(found.sum(-1), 1.0, atol=1e-5)
    # What only the source has gets (1 - g) times its attention, at its first position.
    gate = 1 - found[0, :, 7 + 1] / (weights[0, :, 1] + weights[0, :, 3])
    assert ((gate > 0) & (gate < 1)).all()
    np.testing.assert_allclose(found[0, :, 7 + 3], 0, atol=1e-6)
    rest = found[0, :, 3] / gate  # a token that is not in the source
    assert (rest > 0).all() and (rest < 1).all()


def test_a_pointer_needs_attention_and_ids():
    with pytest.raises(ValueError, match="attention=None"):
        Decoder(7, attention=None, copy=True)
    decoder = built(copy=True)
    with pytest.raises(ValueError, match="copy_ids"):
        decoder.start(VALUES, STATES, MASK)


def trained(decoder):
    """Logits of a training pass."""
    return compiled_call(
        lambda ids: decoder(ids, **memory_of(decoder), training=True), decoder.variables
    )(TOKENS)


def test_without_teacher_the_decoder_reads_what_it_wrote():
    decoder = built(teacher_forcing_ratio=0.0, input_feeding=True)
    assert_close(trained(decoder), one_by_one(decoder)[0])
    free = built(teacher_forcing_ratio=0)
    assert_close(free(TOKENS, **memory_of(free)), one_by_one(free, TOKENS)[0])  # not in inference


@pytest.mark.parametrize("level", ["token", "step", "batch"])
def test_each_coin_is_for_what_it_says(level):
    seed = keras.random.SeedGenerator(3)
    coins = np.stack([array(toss(0.5, level, 64, 9, seed)) for _ in range(4)])
    assert coins[:, :, 0].all()
    coins = coins[:, :, 1:]
    assert (coins == coins[:, :1]).all() == (level != "token")
    assert (coins == coins[:, :1, :1]).all() == (level == "batch")
    assert 0 < coins.mean() < 1 or level == "batch"
    if level == "token":
        assert coins.mean() == pytest.approx(0.5, abs=0.05)


def test_a_schedule_counts_the_steps_of_training():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.0])
    decoder = built(teacher_forcing_ratio=schedule)
    forced, own = one_by_one(decoder, TOKENS)[0], one_by_one(decoder)[0]
    memory = memory_of(decoder)
    decoder.training_steps.assign(0)
    assert_close(decoder(TOKENS, **memory, training=True), forced)
    assert_close(decoder(TOKENS, **memory, training=True), own)
    assert int(array(decoder.training_steps)) == 2
    copy = Decoder.from_config(decoder.get_config())
    assert copy.teacher_forcing_ratio.get_config() == schedule.get_config()


def test_fed_samples_follow_the_distribution():
    logits = np.log(np.array([0.2, 0.0, 0.5, 0.3]) + 1e-9).astype("float32")
    draws = (np.arange(1000, dtype="float32") + 0.5) / 1000
    own = fed_back(ops.convert_to_tensor(np.tile(logits, (1000, 1))), ops.convert_to_tensor(draws))
    assert np.bincount(array(own), minlength=4).tolist() == pytest.approx([200, 0, 500, 300], abs=2)


def test_predictive_local_attention_by_hand():
    query = floats(B, 2, 3)
    attention = LocalAttention("general", window=2)
    attention.build(query.shape, VALUES.shape)
    attention.set_weights([floats(*w.shape) for w in attention.get_weights()])
    _, weights = attention(query, VALUES, values_mask=MASK)
    key, center, scale = (w.astype("float64") for w in attention.get_weights())
    for row, length in enumerate(MASK.sum(axis=1)):
        for t in range(2):
            middle = (length - 1) * sigmoid(np.tanh(query[row, t] @ center) @ scale[:, 0])
            distance = np.arange(S) - middle
            near = (np.abs(distance) <= 2) & MASK[row]
            scores = np.where(near, (VALUES[row] @ key) @ query[row, t], -np.inf)
            expected = softmax(scores) * np.exp(-(distance**2) / 2)
            np.testing.assert_allclose(array(weights)[row, t], expected, atol=1e-4)


def test_monotonic_attention_by_hand():
    energies = floats(2, 3, 4) * 2
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    attention = MonotonicAttention(5, noise=0.0)
    attention.score = lambda query, keys: ops.convert_to_tensor(energies)
    blank = np.zeros((2, 3, 1), "float32"), np.zeros((2, 4, 1), "float32")
    soft = array(attention.weigh(*blank, ops.convert_to_tensor(mask), training=True))
    hard = array(attention.weigh(*blank, ops.convert_to_tensor(mask)))
    p = sigmoid(energies.astype("float64")) * mask[:, None]
    for row in range(2):
        alpha, position = np.eye(4)[0], 0
        for t in range(3):
            reach, expected = 0.0, np.zeros(4)
            for s in range(4):
                reach += alpha[s]
                expected[s] = reach * p[row, t, s]
                reach *= 1 - p[row, t, s]
            alpha = expected
            np.testing.assert_allclose(soft[row, t], alpha, atol=1e-5)
            while position < 4 and p[row, t, position] <= 0.5:
                position += 1
            stop = np.eye(4)[position] if position < 4 else np.zeros(4)
            np.testing.assert_allclose(hard[row, t], stop)


def test_monotonic_attention_draws_noise_in_training_only():
    attention = MonotonicAttention(3, seed=1)
    query = floats(B, 2, 3)
    quiet = [array(attention(query, VALUES)[1]) for _ in range(2)]
    noisy = [array(attention(query, VALUES, training=True)[1]) for _ in range(2)]
    assert_close(*quiet)
    assert not np.allclose(*noisy)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Decoder(7, order="vaswani"), "'bahdanau', 'luong'; received 'vaswani'"),
        (lambda: Decoder(7, readout="relu"), "'tanh', 'maxout', None; received 'relu'"),
        (lambda: Decoder(7, readout=None, tie_embeddings=True), "need a readout"),
        (lambda: Decoder(7, teacher_forcing_ratio=1.5), r"a number in \[0, 1\] .* received 1.5"),
        (lambda: Decoder(7, teacher_forcing_ratio=-0.1), "received -0.1"),
        (lambda: Decoder(7, teacher_forcing_ratio="half"), "received 'half'"),
        (lambda: Decoder(7, sampling_level="word"), "`sampling_level`"),
        (lambda: Decoder(7, feedback="beam"), "`feedback`"),
        (lambda: LocalAttention(window=0), "`window` must be an integer above 0"),
        (lambda: LocalAttention(center="left"), "'predictive', 'monotonic'; received 'left'"),
        (lambda: MonotonicAttention(3, noise=-1), "`noise` must be at least 0; received -1"),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()


def test_a_pointer_in_float64():
    """The logits are those of float32, in the precision that was asked for."""
    single, double = built(copy=True), built(copy=True, dtype="float64")
    found = compiled_call(
        lambda token_ids: double(token_ids, **memory_of(double)), double.variables
    )(TOKENS)
    expected = compiled_call(
        lambda token_ids: single(token_ids, **memory_of(single)), single.variables
    )(TOKENS)
    assert_close(found, array(expected).astype(array(found).dtype))
