"""Truncated backpropagation through time: what is carried, what is cut, what is reset."""

import keras
import numpy as np
import pytest
from checks import array

import keras_seq as ks
from keras_seq.models import LanguageModel

TEXT = "abcabdacbdbacadb" * 2 + "abca"  # 36 characters, 37 tokens with the end
OPTIONS = {"cell": "lstm", "units": 5}


def make(window, optimizer=None, **config):
    keras.utils.set_random_seed(3)
    model = LanguageModel.from_texts(TEXT, **{**OPTIONS, "window": window, **config})
    model.compile(optimizer or keras.optimizers.SGD(0.5))
    return model


def perplexity(model, batch_size, text=TEXT):
    found = model.evaluate(text, batch_size=batch_size, verbose=0, return_dict=True)
    return found["perplexity"]


def test_windows_change_nothing_in_what_one_stream_is_read_as():
    config = {"cell": "gru", "num_layers": 2}
    found = [perplexity(make(window, **config), 1) for window in (5, 37)]
    expected = make(None, **config).score(TEXT)["perplexity"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_each_stream_begins_with_state_0():
    model = make(6)
    ids = model.as_batch([TEXT])[0]["token_ids"][0]
    labels = model.as_batch([TEXT])[1][0]
    losses = []
    for part in (slice(0, 13), slice(13, 26), slice(26, 37)):  # 3 streams of 13, 13 and 11 tokens
        logits = array(model({"token_ids": ids[None, part]}))[0]
        logits = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        losses += (-logits[np.arange(len(logits)), labels[part]]).tolist()
    assert perplexity(model, 3) == pytest.approx(np.exp(np.mean(losses)), rel=1e-4)


def test_a_window_as_long_as_the_text_is_full_backpropagation():
    truncated, full = make(64), make(None)
    for model in (truncated, full):
        model.fit(TEXT, epochs=2, verbose=0)
    for one, other in zip(truncated.trainable_weights, full.trainable_weights, strict=True):
        np.testing.assert_allclose(array(one), array(other), atol=2e-5)


def test_the_gradient_is_cut_where_a_window_begins():
    """At a small rate, the updates of all windows sum to the truncated gradient of the text."""
    text, rate, window = TEXT[:-1], 1e-3, 6  # 36 tokens with the end
    stack = {"cell": "vanilla", "units": 5, "return_sequences": True, "return_state": True}
    moved = {}
    for name, truncate in (("windows", None), ("cut", window), ("whole", None)):
        keras.utils.set_random_seed(3)
        encoder = ks.layers.RNNStack(**stack, truncate=truncate)
        model = LanguageModel.from_texts(
            TEXT, units=5, window=window if name == "windows" else 36, encoder=encoder
        )
        model.compile(keras.optimizers.SGD(rate))
        before = [array(w).astype("float64") for w in model.trainable_weights]
        model.fit(text, batch_size=1, verbose=0)
        after = [array(w) for w in model.trainable_weights]
        steps = 6 if name == "windows" else 1
        moves = [(b - a) / rate / steps for a, b in zip(after, before, strict=True)]
        moved[name] = np.concatenate([move.ravel() for move in moves])
    scale = np.abs(moved["cut"]).max()
    close = np.abs(moved["windows"] - moved["cut"]).max() / scale
    assert close < 0.02 < np.abs(moved["whole"] - moved["cut"]).max() / scale


def test_epochs_and_evaluations_begin_anew():
    model = make(6)
    first = perplexity(model, 2)
    assert perplexity(model, 2) == pytest.approx(first, rel=1e-6)
    model.fit(TEXT, batch_size=3, epochs=2, validation_data=TEXT[:20], verbose=0)
    known = perplexity(model, 2)
    fresh = make(6)
    fresh.set_weights([array(w) for w in model.weights][: len(fresh.weights)])
    assert perplexity(fresh, 2) == pytest.approx(known, rel=1e-5)
    # More streams than ever before: compiled programs must not keep the old, smaller room.
    assert perplexity(model, 6) == pytest.approx(perplexity(fresh, 6), rel=1e-5)


def test_a_callback_may_read_more_streams_than_the_training_has():
    model, found = make(6), []
    read = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.append(perplexity(model, 6))
    )
    model.fit(TEXT, batch_size=2, epochs=2, callbacks=[read], verbose=0)
    assert found[1] < found[0]
    assert perplexity(model, 6) == pytest.approx(found[1], rel=1e-5)


def test_ids_by_hand_go_on_where_the_last_batch_ended():
    model = make(6)
    model.prepare_streams(1)
    ids = model.as_batch([TEXT])[0]["token_ids"]
    whole = array(model({"token_ids": ids}))
    for start in (0, 7, 14):
        part = {"token_ids": ids[:, start : start + 7], "continues": np.array([start > 0])}
        np.testing.assert_allclose(array(model(part)), whole[:, start : start + 7], atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"dropout": 0.3, "variational": True, "weight_dropout": 0.3, "embedding_dropout": 0.2},
        {"tie_embeddings": True, "embedding_dim": 7, "dropout": 0.2, "embedding_dropout": 0.1},
    ],
    ids=["awd", "tied"],
)
def test_every_dropout_trains(config):
    model = make(12, keras.optimizers.Adam(2e-2), **config)
    before = perplexity(model, 1)
    model.fit(TEXT, epochs=6, batch_size=2, verbose=0)
    after = perplexity(model, 1)
    assert after < before
    assert after == pytest.approx(model.score(TEXT)["perplexity"], rel=1e-4)


def test_dropped_tokens_are_dropped_everywhere():
    keras.utils.set_random_seed(0)
    model = LanguageModel.from_texts(TEXT, units=3, embedding_dropout=0.5)
    ids = model.as_batch([TEXT])[0]["token_ids"]
    vectors = array(model._embed(keras.ops.convert_to_tensor(ids), training=True))[0]
    table = array(model.embedding.embeddings)
    states = {}
    for token_id, vector in zip(ids[0], vectors, strict=True):
        kept = bool(np.abs(vector).max() > 0)
        assert states.setdefault(int(token_id), kept) == kept
        np.testing.assert_allclose(vector, table[token_id] * 2 * kept, atol=1e-6)
