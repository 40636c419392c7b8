"""Encoders that are not recurrent, by hand: windows of words, and words alone."""

import keras
import numpy as np
import pytest
from cases import floats
from checks import array, arrays

from keras_seq.backend import gradient
from keras_seq.layers import ConvolutionalEncoder, FeedForwardPooling, IdentityEncoder

X = floats(4, 6, 3)
# Padding behind, before, between; and nothing else.
MASK = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1], [1, 0, 1, 1, 0, 1], [0] * 6], bool)


@pytest.mark.parametrize("masked", [False, True])
def test_a_convolution_is_the_sum_over_its_window(masked):
    encoder = ConvolutionalEncoder(2, widths=(1, 2, 5), activation="tanh")
    spoilt = np.where(MASK[:, :, None], X, np.nan).astype("float32") if masked else X
    found = array(encoder(spoilt, mask=MASK if masked else None))
    steps = np.where(MASK[:, :, None], X, 0) if masked else X
    expected = np.zeros((4, 6, 6))
    for i, convolution in enumerate(encoder.convolutions):
        kernel, bias = arrays(convolution.weights)  # (width, 3, 2), (2,)
        for t in range(6):
            total = np.zeros((4, 2)) + bias
            for place, matrix in enumerate(kernel):
                seen = t + place - (len(kernel) - 1) // 2
                if 0 <= seen < 6:
                    total += steps[:, seen] @ matrix
            expected[:, t, 2 * i : 2 * i + 2] = np.tanh(total)
    if masked:
        expected[~MASK] = 0
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert encoder.output_size == 6


def test_words_alone_are_handed_on():
    encoder = IdentityEncoder()
    found = array(encoder(np.where(MASK[:, :, None], X, np.nan).astype("float32"), mask=MASK))
    np.testing.assert_array_equal(found, np.where(MASK[:, :, None], X, 0))
    np.testing.assert_array_equal(array(encoder(X)), X)
    assert encoder.output_size == 3


def test_a_net_reads_the_mean():
    pooling = FeedForwardPooling(4, num_layers=2, activation="tanh")
    found = array(pooling(X, mask=MASK))
    one, one_bias, other, other_bias = arrays(pooling.weights)
    means = np.stack([x[valid].mean(axis=0) for x, valid in zip(X[:3], MASK[:3], strict=True)])
    expected = np.tanh(np.tanh(means @ one + one_bias) @ other + other_bias)
    np.testing.assert_allclose(found[:3], expected, atol=1e-5)
    for layer in pooling.dense_layers:
        layer.bias.assign(np.ones(4))
    assert not array(pooling(X, mask=MASK))[3].any()
    slope = array(gradient(lambda x: keras.ops.sum(pooling(x, mask=MASK) ** 2), X)[1])
    assert np.isfinite(slope).all() and not slope[~MASK].any() and slope[MASK].any()


def test_sizes_that_make_no_sense_are_refused():
    for make, message in (
        (lambda: ConvolutionalEncoder(0), "`units`"),
        (lambda: ConvolutionalEncoder(widths=()), "`widths` must be a list"),
        (lambda: ConvolutionalEncoder(widths=(3, 0)), "`widths` must be an integer above 0"),
        (lambda: FeedForwardPooling(0), "`units`"),
        (lambda: FeedForwardPooling(num_layers=0), "`num_layers`"),
        (lambda: FeedForwardPooling(pooling="median"), "Unknown pooling"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
