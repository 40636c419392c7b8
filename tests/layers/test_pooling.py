"""From the outputs of all steps to one vector: by hand, with gaps, with nothing at all."""

import keras
import numpy as np
import pytest
from cases import floats
from checks import array, arrays, assert_close, softmax

from keras_seq.backend import gradient
from keras_seq.layers import (
    LSTM,
    AttentionPooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
    Pooling,
    RNNStack,
)
from keras_seq.layers.pooling import get_pooling

X = floats(4, 5, 6)
# Padding behind, before, between; and nothing else.
MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 0, 0, 0]], bool)
KINDS = [LastPooling, MeanPooling, MaxPooling, AttentionPooling]


def by_hand(layer, x):
    """The pooled vector of one row of valid steps `(steps, size)`."""
    if isinstance(layer, LastPooling):
        return np.concatenate([x[-1, :3], x[0, 3:]]) if layer.bidirectional else x[-1]
    if isinstance(layer, AttentionPooling):
        kernel, bias, context = arrays(layer.weights)
        return softmax((np.tanh(x @ kernel + bias) @ context)[:, 0]) @ x
    return x.mean(axis=0) if isinstance(layer, MeanPooling) else x.max(axis=0)


@pytest.mark.parametrize("kind", [*KINDS, lambda: LastPooling(bidirectional=True)])
def test_only_valid_steps_count_wherever_they_are(kind):
    layer = kind()
    spoilt = np.where(MASK[:, :, None], X, np.nan).astype("float32")
    found = array(layer(spoilt, mask=MASK))
    expected = [by_hand(layer, x[valid]) for x, valid in zip(X[:3], MASK[:3], strict=True)]
    np.testing.assert_allclose(found[:3], expected, atol=1e-5)
    assert not found[3].any()
    np.testing.assert_allclose(array(layer(X))[0], by_hand(layer, X[0]), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_padding_has_a_gradient(kind):
    layer = kind()
    layer(X)
    _, found = gradient(lambda x: keras.ops.sum(layer(x, mask=MASK) ** 2), X)
    found = array(found)
    assert np.isfinite(found).all() and not found[~MASK].any() and found[MASK].any()


def test_weights_of_the_attention_are_shares_of_the_valid_steps():
    layer = AttentionPooling(3)
    pooled, weights = layer(X, mask=MASK, return_attention=True)
    weights = array(weights)
    np.testing.assert_allclose(weights.sum(axis=1), [1, 1, 1, 0], atol=1e-6)
    assert not weights[~MASK].any() and (weights[MASK] > 0).all()
    np.testing.assert_allclose(array(pooled), np.einsum("bt,btd->bd", weights, X), atol=1e-5)


def test_last_of_both_directions_is_what_the_layer_returns_itself():
    whole = RNNStack("gru", 3, bidirectional=True, return_sequences=True)
    last = RNNStack("gru", 3, bidirectional=True)
    last.build(X.shape)
    outputs = whole(X, mask=MASK)
    last.set_weights(whole.get_weights())
    pooled = LastPooling(bidirectional=True)(outputs, mask=MASK)
    assert_close(pooled, last(X, mask=MASK))


def test_a_mask_that_keras_carries_is_used():
    model = keras.Sequential(
        [
            keras.layers.Embedding(9, 4, mask_zero=True),
            LSTM(3, return_sequences=True),
            MeanPooling(),
            keras.layers.Dense(1),
        ]
    )
    ids = np.array([[1, 2, 3]])
    assert_close(model(np.pad(ids, ((0, 0), (0, 4)))), model(ids))


@keras.saving.register_keras_serializable(package="tests")
class SumPooling(Pooling):
    def pool(self, inputs, mask):
        return keras.ops.sum(keras.ops.where(mask[:, :, None], inputs, 0.0), axis=1)


def test_poolings_by_name_config_and_instance():
    assert get_pooling("last", bidirectional=True).bidirectional
    assert get_pooling("attention", dtype="bfloat16").compute_dtype == "bfloat16"
    own = SumPooling()
    assert get_pooling(own) is own
    assert isinstance(get_pooling(keras.saving.serialize_keras_object(own)), SumPooling)
    assert_close(own(X, mask=MASK), (X * MASK[:, :, None]).sum(axis=1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: get_pooling("median"), "'median'.*'last', 'mean', 'max', 'attention'"),
        (lambda: get_pooling(keras.layers.Dense(3)), "instance of Pooling; received <Dense"),
        (lambda: AttentionPooling(0), "units.*0"),
        (lambda: LastPooling(bidirectional=True)(X[:, :, :5]), "odd size 5"),
    ],
)
def test_mistakes_say_what_came(make, message):
    with pytest.raises(ValueError, match=message):
        make()
