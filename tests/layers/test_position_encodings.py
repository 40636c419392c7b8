"""Position encodings against their formulas."""

import keras
import numpy as np
import pytest
from cases import B, D, S, floats, lengths_mask
from checks import array, assert_close, softmax
from keras import ops

from keras_seq.layers import (
    ALiBi,
    LearntPositions,
    PositionEncoding,
    RotaryPositions,
    SelfAttention,
    SinusoidalPositions,
)

STEPS = np.arange(S)[None]
HEADS = floats(B, 2, S, 4)


def turned(x, positions, base=10000.0):
    """The two halves of a vector as complex numbers, turned."""
    half = x.shape[-1] // 2
    angles = positions[:, None, :, None] * base ** (-np.arange(half) / half)
    z = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)
    return np.concatenate([z.real, z.imag], axis=-1)


@pytest.mark.parametrize("size", [1, 6, 7])
def test_sinusoidal_positions_are_those_of_the_paper(size):
    expected = np.zeros((S, size))
    for t in range(S):
        for i in range(size):
            wave = np.cos if i % 2 else np.sin
            expected[t, i] = wave(t / 10000 ** ((i - i % 2) / size))
    x = floats(B, S, size)
    assert_close(SinusoidalPositions()(x), x + expected.astype("float32"))


def test_learnt_positions_share_the_last_vector():
    layer = LearntPositions(3)
    x = floats(B, S, D)
    vectors = (array(layer(x)) - x)[0]
    assert_close(layer(x), x + array(layer.vectors)[[0, 1, 2, 2, 2]])
    assert len({row.tobytes() for row in array(layer.vectors)}) == 3
    assert np.abs(vectors).max() > 0.01


def test_rotary_positions_turn_pairs():
    found = RotaryPositions(base=50.0).turn(ops.convert_to_tensor(HEADS), STEPS)
    assert_close(found, turned(HEADS, STEPS, 50.0).astype("float32"))
    np.testing.assert_allclose(np.linalg.norm(array(found)), np.linalg.norm(HEADS), rtol=1e-5)


def test_rotary_scores_depend_on_the_distance_alone():
    layer = RotaryPositions()
    query, key = (np.repeat(floats(1, 1, 1, n), S, axis=2) for n in (8, 8))
    key = key[..., ::-1].copy()
    query, key = (array(layer.turn(ops.convert_to_tensor(x), STEPS)) for x in (query, key))
    scores = (query @ key.swapaxes(2, 3))[0, 0]
    for distance in range(-S + 1, S):
        diagonal = np.diagonal(scores, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-4)
    assert len(np.unique(scores[0].round(3))) == S


def test_alibi_takes_away_more_the_further_it_is():
    scores = floats(B, 8, S, S)
    expected = scores.copy()
    for h in range(8):
        for t in range(S):
            for s in range(S):
                expected[:, h, t, s] -= 2.0 ** -(h + 1) * abs(t - s)  # 1/2, 1/4, ..., 1/256
    found = ALiBi().add_to_scores(ops.convert_to_tensor(scores), STEPS, STEPS)
    assert_close(found, expected)
    three = ops.zeros((1, 3, 1, 2))
    three = ALiBi().add_to_scores(three, STEPS[:, :1], STEPS[:, :2])
    np.testing.assert_allclose(array(three)[0, :, 0, 1], -(2.0 ** (-8 * np.arange(1, 4) / 3)))


def test_none_does_nothing():
    layer = PositionEncoding()
    x = floats(B, S, D)
    assert_close(layer(x), x, atol=0, rtol=0)
    assert layer.turn(HEADS, STEPS) is HEADS
    assert layer.add_to_scores(HEADS, STEPS, STEPS) is HEADS


def test_positions_count_valid_steps():
    x = np.zeros((2, S, D), "float32")
    mask = np.array([[0, 0, 1, 1, 1], [1, 0, 1, 1, 0]], bool)
    layer = SinusoidalPositions()
    codes = array(layer(x[:1]))[0]
    for row, valid in zip(array(layer(x, mask=mask)), mask, strict=True):
        np.testing.assert_allclose(row[valid], codes[: valid.sum()], atol=1e-6)


@keras.saving.register_keras_serializable(package="test_position_encodings")
class Near(PositionEncoding):
    """An encoding from outside of the package: a learnt number for each small distance."""

    def build(self, inputs_shape):
        self.numbers = self.add_weight(shape=(3,), initializer="random_normal", name="numbers")

    def add_to_scores(self, scores, query_positions, key_positions):
        distances = ops.abs(query_positions[:, :, None] - key_positions[:, None, :])
        found = ops.take(self.numbers, ops.minimum(distances, 2), axis=0)
        return scores + ops.cast(found, scores.dtype)[:, None]


def test_an_encoding_from_outside(tmp_path):
    x, mask = floats(B, S, D), lengths_mask(5, 3, 1)
    layer = SelfAttention(D, num_heads=2, positions=Near())
    _, weights = layer(x, mask=mask, return_attention=True)
    plain = SelfAttention(D, num_heads=2)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights()[1:])
    _, before = plain(x, return_attention=True)
    distances = np.minimum(np.abs(STEPS.T - STEPS), 2)
    scores = np.log(array(before)) + array(layer.positions.numbers)[distances]
    scores = np.where(mask[:, None, None, :], scores, -np.inf)
    expected = softmax(scores) * mask[:, None, :, None]
    assert_close(weights, expected.astype("float32"))

    model = keras.Sequential([keras.Input((S, D)), layer])
    model.save(tmp_path / "near.keras")
    copy = keras.saving.load_model(tmp_path / "near.keras")
    assert type(copy.layers[0].positions) is Near
    assert_close(copy(x), model(x), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: LearntPositions(0), "`max_length` must be an integer above 0; received 0"),
        (lambda: RotaryPositions(base=1), "`base` must be a number above 1; received 1"),
        (lambda: RotaryPositions().turn(HEADS[..., :3], STEPS), "must be even; received 3"),
        (lambda: SelfAttention(6, 2, positions="rotary"), "must be even"),
        (
            lambda: SelfAttention(6, 2, positions="rope"),
            "Unknown position encoding 'rope'.*'sinusoidal', 'learnt', 'rotary', 'alibi'",
        ),
        (
            lambda: SelfAttention(6, 2, positions=keras.layers.Dense(3)),
            "PositionEncoding; received",
        ),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
