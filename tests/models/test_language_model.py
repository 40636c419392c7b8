"""What a language model learns, writes and scores."""

import math
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import array

import keras_seq as ks
from keras_seq.models import LanguageModel

TEXT = "the cat sat on the mat. a dog sat on a log. " * 12
PROMPTS = ["the d", "", "a", "zebra the cat sat on the mat. a dog sat"]
ENCODERS = {
    "lstm": {"num_layers": 2, "residual": True, "layer_norm": True},
    "vanilla": {"cell": "vanilla", "tie_embeddings": True, "embedding_dim": 3},
    "min_gru": {"cell": "min_gru", "tie_embeddings": True},
    "attention": {
        "encoder": ks.layers.SelfAttentionEncoder(
            8, num_layers=2, num_heads=2, positions="rotary", causal=True, return_sequences=True
        )
    },
}


@pytest.fixture(scope="module")
def trained():
    """A model that knows the text by heart."""
    keras.utils.set_random_seed(0)
    model = LanguageModel.from_texts(TEXT, cell="gru", units=32, window=20)
    model.compile(keras.optimizers.Adam(2e-2))
    history = model.fit(TEXT, epochs=8, batch_size=4, validation_split=0.2, verbose=0)
    return types.SimpleNamespace(model=model, history=history.history)


@pytest.fixture(scope="module")
def models():
    """An untrained model of each kind; no test trains them."""
    found = {}
    for name, config in ENCODERS.items():
        keras.utils.set_random_seed(1)
        found[name] = LanguageModel.from_texts(TEXT, **{"units": 6, "window": 9, **config})
        found[name].compile("adam")
    return found


def next_log_probabilities(model, text):
    """Of every next token, by one pass over the whole text, without what is never written."""
    logits = array(model(model.as_batch([text])[0]))[0]
    logits[:, [0, 1, 3]] = -1e9
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def test_it_learns_the_text(trained):
    history = trained.history
    assert history["val_perplexity"][-1] < 1.6 < history["perplexity"][0]
    assert history["bits_per_character"][-1] == pytest.approx(
        math.log2(history["perplexity"][-1]), abs=1e-4
    )
    assert trained.model.generate("the c", "greedy", 26) == TEXT[:31]


def test_a_stream_writes_what_generate_writes(trained):
    stream = trained.model.stream("the c", "greedy", max_length=26)
    assert "".join(stream) == TEXT[5:31]
    assert stream.text == TEXT[:31]
    drawn = ks.samplers.Random(temperature=1.5, seed=7)
    expected = trained.model.generate("a", drawn, 20, strip_prompt=True)
    assert "".join(trained.model.stream("a", drawn, 20)) == expected


def test_a_stream_takes_turns_with_a_person(trained):
    stream = trained.model.stream()
    for character in "the cat sat on the ma":
        stream.feed(character)
    assert stream.likely(1)[0][0] == "t" and next(stream) == "t"
    assert stream.text == "the cat sat on the mat"
    stream.feed("ø")  # unknown
    assert stream.tokens[-1] == "ø" and np.isfinite(stream.log_probabilities).any()


@pytest.mark.parametrize("name", ENCODERS)
def test_step_by_step_is_all_at_once(models, name):
    model, text = models[name], "a cat."
    expected = next_log_probabilities(model, text)
    stream = model.stream()
    for t, token in enumerate(text):
        np.testing.assert_allclose(stream.log_probabilities, expected[t], atol=2e-4, rtol=1e-4)
        stream.feed(token)
    again = model.stream(text)  # the prompt read at once
    np.testing.assert_allclose(again.log_probabilities, expected[len(text)], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["lstm", "attention"])
def test_a_batch_is_its_rows(models, name):
    model = models[name]
    found = model.generate(PROMPTS, "greedy", 6)
    assert found[:3] == [model.generate(prompt, "greedy", 6) for prompt in PROMPTS[:3]]
    assert all(text.startswith(prompt) for text, prompt in zip(found, PROMPTS, strict=True))
    scores = model.score(PROMPTS)
    single = [model.score(prompt) for prompt in PROMPTS]
    for one, other in zip(scores, single, strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_score_is_the_probability_of_the_text(models):
    model, text = models["lstm"], "the cat sat"
    logits = array(model(model.as_batch([text])[0]))[0].astype("float64")
    labels = model.as_batch([text])[1][0]
    rows = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = rows[np.arange(len(labels)), labels]
    found = model.score(text, return_tokens=True)
    np.testing.assert_allclose(found["log_probabilities"], expected, atol=1e-5)
    assert found["tokens"] == [*text, "</s>"] and found["num_tokens"] == len(text) + 1
    assert found["log_probability"] == pytest.approx(expected.sum(), abs=1e-4)
    assert found["perplexity"] == pytest.approx(np.exp(-expected.mean()), rel=1e-5)
    assert found["bits_per_character"] == pytest.approx(-expected.mean() / np.log(2), rel=1e-5)


def test_a_long_text_is_scored_in_parts(models, monkeypatch):
    monkeypatch.setattr("keras_seq.models.language.continuation.CHUNK", 16)
    model = models["lstm"]
    whole = model.evaluate(TEXT[:70], batch_size=1, verbose=0, return_dict=True)["perplexity"]
    assert model.score(TEXT[:70])["perplexity"] == pytest.approx(whole, rel=1e-4)


def test_scores_and_traces_of_what_is_written(models):
    model = models["lstm"]
    sampler = ks.samplers.Beam(3, length_penalty=0.0, n_best=2)
    answers = model.generate("a", sampler, 4, return_trace=True)
    assert len(answers) == 2 and answers[0]["score"] >= answers[1]["score"]
    log_probabilities = next_log_probabilities(model, answers[0]["text"])
    ids = [model.tokenizer.token_to_id(token) for token in answers[0]["tokens"]]
    expected = sum(log_probabilities[1 + t, i] for t, i in enumerate(ids))
    assert answers[0]["score"] == pytest.approx(expected, abs=1e-3)
    assert [step[0]["token"] for step in answers[0]["trace"]]


def test_equal_prompts_get_other_answers_and_a_seed_the_same(trained):
    sampler = ks.samplers.Random(temperature=2.0, seed=3)
    found = trained.model.generate(["the "] * 6, sampler, 12)
    assert len({*found}) > 3
    assert found == trained.model.generate(["the "] * 6, sampler, 12)
    assert trained.model.predict(["a"]).shape == (1,)


def test_words_are_tokens_too():
    sentences = ["one two three", "three two one", "two"] * 4
    keras.utils.set_random_seed(0)
    model = LanguageModel.from_texts(sentences, tokens="word", units=12, window=8)
    model.compile(keras.optimizers.Adam(2e-2), sampler="greedy")
    model.fit(sentences, epochs=2, batch_size=2, verbose=0)
    found = model.generate("one zebra", max_length=3)
    assert found.startswith("one zebra") and "<unk>" not in found
    pieces = "".join(model.stream("one", max_length=3))
    assert "one" + pieces == model.generate("one", max_length=3)
    assert model.score("one two three")["num_tokens"] == 4


def test_whole_texts_without_a_window():
    texts = ["ab", "abab", "ababab", "b"] * 4
    model = LanguageModel.from_texts(texts, units=8, cell="gru", window=None)
    model.compile(keras.optimizers.Adam(1e-2))
    before = model.evaluate(texts, verbose=0, return_dict=True)
    scores = model.score(texts)
    nats = -sum(one["log_probability"] for one in scores)
    assert before["perplexity"] == pytest.approx(
        math.exp(nats / sum(one["num_tokens"] for one in scores)), rel=1e-4
    )
    model.fit(texts, epochs=2, batch_size=8, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices(texts)
    after = model.evaluate(dataset, verbose=0, return_dict=True)
    assert after["perplexity"] < before["perplexity"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda m: m.fit(["ab"], ["ba"]), "trained on texts alone"),
        (lambda m: m.fit([]), "corpus is empty"),
        (lambda m: m.fit([1, 2]), "must hold strings"),
        (lambda m: m.fit("a", validation_split=0.9), None),
        (lambda m: m.generate("a", max_length=0), "max_length"),
        (lambda m: m.generate(["a", 3]), "must hold strings"),
        (lambda m: m.generate("a", sampler="oracle"), "oracle"),
        (lambda m: m.stream("a", sampler="beam"), "token by token"),
        (lambda m: m.stream(["a"]), "must be a string"),
        (lambda m: m.stream().feed(3), "must be a string"),
        (lambda m: m.score([None]), "must hold strings"),
        (lambda m: m.fit("ab", class_weight={"a": 1}), "class_weight"),
        (lambda m: m({"token_ids": np.ones((2, 3)), "continues": np.ones(2)}), "prepare_streams"),
    ],
)
def test_mistakes_are_named(how, message):
    model = LanguageModel.from_texts("abab", units=2)
    model.compile("adam")
    if message is None:  # two tokens: one is left to train on
        how(model)
        return
    with pytest.raises(ValueError, match=message):
        how(model)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"encoder": ks.layers.SelfAttentionEncoder(4, num_heads=2, return_sequences=True)},
            "left",
        ),
        ({"encoder": ks.layers.RNNStack("gru", 4, return_sequences=True)}, "return_state=True"),
        (
            {
                "encoder": ks.layers.RNNStack(
                    "gru", 4, bidirectional=True, return_sequences=True, return_state=True
                )
            },
            "read from the left",
        ),
        ({"window": 0}, "window"),
        ({"embedding_dropout": 1.0}, "embedding_dropout"),
        ({"cell": "lstn"}, "lstn"),
    ],
)
def test_a_model_that_cannot_be(config, message):
    with pytest.raises(ValueError, match=message):
        LanguageModel.from_texts("abab", **config)


def test_a_prompt_longer_than_anything_seen_is_read(models):
    for name in ("lstm", "attention"):
        stream = models[name].stream("the cat " * 30)
        assert np.exp(stream.log_probabilities).sum() == pytest.approx(1, abs=1e-4)
    assert models["lstm"].generate([]) == [] and models["lstm"].score([]) == []
    assert models["lstm"].score("")["num_tokens"] == 1
