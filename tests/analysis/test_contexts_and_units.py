"""What a longer context is worth, and which unit goes with what."""

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq.analysis import Activations, NGramModel, best_unit, bits_by_context

TEXT = "abcabd" * 40


def test_counts_and_a_network_are_asked_at_the_same_places():
    counts = NGramModel.from_texts([TEXT], order=4)
    bits = bits_by_context(counts, TEXT, [1, 3], places=200)
    rng = np.random.default_rng(0)
    places = rng.integers(3, len(TEXT), 200)
    by_hand = [
        np.mean(
            [
                -np.log2(counts.probabilities(TEXT[i - k : i])[counts.vocabulary.index(TEXT[i])])
                for i in places
            ]
        )
        for k in (1, 3)
    ]
    np.testing.assert_allclose(bits, by_hand, rtol=1e-9)
    assert bits[1] < bits[0]
    model = ks.models.LanguageModel.from_texts(TEXT, tokens="char", units=4, dropout=0.0)
    (network,) = bits_by_context(model, TEXT, [3], places=200)
    ids = model.tokenizer.encode([TEXT])[0]
    rows = np.stack([ids[i - 3 : i] for i in places]).astype("int32")
    logits = model({"token_ids": rows})[:, -1]
    losses = keras.losses.sparse_categorical_crossentropy(
        np.asarray(ids)[places], logits, from_logits=True
    )
    mean = float(keras.ops.mean(losses)) / np.log(2)
    np.testing.assert_allclose(network, mean, rtol=1e-4)


def test_words_are_counted_too():
    counts = NGramModel.from_texts(["the cat sat . " * 9], order=3, tokens="word")
    (bits,) = bits_by_context(counts, "the cat sat . the cat flew .", [2], places=50)
    assert 0 < bits < 20


@pytest.mark.parametrize(
    "model, text, lengths",
    [
        (NGramModel.from_texts([TEXT]), "abc", [3]),
        (NGramModel.from_texts([TEXT]), TEXT, []),
        (NGramModel.from_texts([TEXT]), TEXT, [0]),
        (NGramModel.from_texts([TEXT]), [TEXT], [1]),
        ("no model", TEXT, [1]),
    ],
)
def test_what_has_no_context_is_refused(model, text, lengths):
    with pytest.raises(ValueError, match="must be"):
        bits_by_context(model, text, lengths)


def test_the_best_unit_is_chosen_and_measured():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 6))
    feature = -3 * values[:, 4] + 0.1 * rng.normal(size=50)
    found = Activations("rnn", None, {"h": values})
    match = best_unit(found, feature)
    assert match.unit == 4 and match.correlation < -0.99
    measured = best_unit(found, feature, unit=2).correlation
    np.testing.assert_allclose(measured, np.corrcoef(values[:, 2], feature)[0, 1], atol=1e-9)
    assert best_unit(found, np.ones(50)).correlation == 0
    for wrong in ({"state": "c"}, {"unit": 6}, {"feature": feature[1:]}):
        with pytest.raises(ValueError, match="must be"):
            best_unit(found, **{"feature": feature, **wrong})
