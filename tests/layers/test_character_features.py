"""Vectors of words out of their characters."""

import keras
import numpy as np
import pytest
from checks import array, assert_close, weight_gradients, weighted_sum

from keras_seq.layers import CharacterFeatures

WORDS = [[[4, 5, 6], [7], [5, 5, 4, 6, 7]], [[6, 4]]]


def columns(sentences, words=3, characters=10):
    """Sentences of lists of ids as `char_ids` and `char_ends`."""
    ids = np.zeros((len(sentences), characters), "int32")
    ends = np.zeros((len(sentences), words), "int32")
    for row, sentence in enumerate(sentences):
        flat = [c for word in sentence for c in word]
        ids[row, : len(flat)] = flat
        ends[row, : len(sentence)] = np.cumsum([len(word) for word in sentence])
    return ids, ends


def made(kind="cnn", **config):
    config = {"units": 4, "embedding_dim": 3, "max_word_length": 5, **config}
    return CharacterFeatures(8, kind=kind, **config)


def by_hand(layer, word):
    """The formula of the docstring for one word, in NumPy."""
    vectors = np.pad(array(layer.embedding.embeddings)[word], ((1, 1), (0, 0)))
    kernel, bias = map(array, layer.reader.weights)
    windows = [vectors[i : i + 3] for i in range(len(word))]
    return np.tanh(max_of([np.einsum("kd,kdu->u", w, kernel) + bias for w in windows]))


def max_of(vectors):
    return np.max(vectors, axis=0)


def test_the_convolution_is_the_formula():
    layer = made()
    found = array(layer(*columns(WORDS)))
    for row, sentence in enumerate(WORDS):
        for place, word in enumerate(sentence):
            np.testing.assert_allclose(found[row, place], by_hand(layer, word), atol=1e-5)


@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_a_word_is_the_same_in_any_sentence_and_padding_is_zero(kind):
    layer = made(kind)
    found = array(layer(*columns(WORDS)))
    assert found.shape == (2, 3, layer.output_size)
    alone = array(layer(*columns([[word] for word in WORDS[0]], 1, 7)))
    assert_close(alone[:, 0], found[0])
    assert not found[1, 1:].any() and np.abs(found[0]).max(axis=-1).min() > 0


@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_of_longer_words_the_first_characters_are_read(kind):
    layer = made(kind, max_word_length=2)
    shorter = [[word[:2] for word in sentence] for sentence in WORDS]
    assert_close(layer(*columns(WORDS)), layer(*columns(shorter)))


def test_the_last_states_of_both_directions():
    layer = made("lstm")
    layer.build()
    word = layer.embedding(np.array([WORDS[0][2]]))
    assert_close(array(layer(*columns([[WORDS[0][2]]], 1)))[:, 0], layer.reader(word))


@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_nothing_has_finite_gradients(kind):
    layer = made(kind)
    layer.build()
    empty = columns([[], []])
    assert not array(layer(*empty)).any()
    gradients = weight_gradients(
        layer.trainable_variables, lambda: weighted_sum(layer(*map(keras.ops.array, empty)))
    )
    assert all(np.isfinite(g).all() for g in gradients)
    no_characters = layer(np.zeros((2, 0), "int32"), np.zeros((2, 3), "int32"))
    assert tuple(no_characters.shape) == (2, 3, layer.output_size)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "rnn"}, "'cnn', 'lstm'; received 'rnn'"),
        ({"units": 0}, "`units`.*0"),
        ({"embedding_dim": 0}, "`embedding_dim`.*0"),
        ({"max_word_length": 0}, "`max_word_length`.*0"),
        ({"vocabulary_size": -1}, "`vocabulary_size`.*-1"),
    ],
)
def test_bad_input(config, message):
    with pytest.raises(ValueError, match=message):
        CharacterFeatures(**{"vocabulary_size": 8, **config})
