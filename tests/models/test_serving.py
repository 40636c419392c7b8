"""The graphs of served models, of kinds that no other test exports. TensorFlow makes them."""

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq._tensorflow import tensorflow
from keras_seq.backend import portable
from keras_seq.export.saved_model import traced

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="an export is made by TensorFlow"
)
SOURCES = ["ein Mann läuft", "日本 東京", "Größe 😀 ok", "die Frau liest"]
TARGETS = ["a man runs", "Japan Tōkyō", "size 😀 ok", "the woman reads"]
ASKED = ["die Größe zebra 東京", "", "ok 😀 ok"]


def serve(model, signature="serving_default", text=ASKED, options=None, **inputs):
    """What a signature answers, traced for any batch, as lists and arrays."""
    tf = tensorflow()
    found = {one.name: one for one in model.make_signatures(**(options or {}))}[signature]
    with portable():
        function = traced(found, model.weights)
    given = {"text": tf.constant(text), **inputs}
    given = {name: tf.cast(given[name], field.dtype) for name, field in found.inputs.items()}
    return {name: decoded(value.numpy()) for name, value in function(**given).items()}


def decoded(array):
    if array.dtype != object:
        return array
    return [decoded(one) if isinstance(one, np.ndarray) else one.decode() for one in array]


def check_translations(model, found, **options):
    answers = model.generate(ASKED, return_scores=True, **options)
    if isinstance(answers[0], dict):
        answers = [[answer] for answer in answers]
        found = {name: [[one] for one in values] for name, values in found.items()}
    for texts, scores, own in zip(found["outputs"], found["scores"], answers, strict=True):
        assert texts[: len(own)] == [answer["text"] for answer in own]
        np.testing.assert_allclose(scores[: len(own)], [one["score"] for one in own], rtol=1e-4)
        assert not any(texts[len(own) :]) and np.all(np.array(scores[len(own) :]) == -1e9)


def test_a_translator_that_copies():
    model = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, tokens="word", units=8, copy=True)
    check_translations(model, serve(model, options={"max_length": 9}), max_length=9)
    found = serve(model, "attend", options={"max_length": 9})
    answers = model.generate(ASKED, max_length=9, return_attention=True)
    for tokens, answer in zip(found["target_tokens"], answers, strict=True):
        assert tokens[: len(answer["target_tokens"])] == answer["target_tokens"]


def test_a_translator_that_copies_by_beam_search():
    model = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, tokens="word", units=8, copy=True)
    sampler = ks.samplers.Beam(3, no_repeat_ngram=2, min_length=2)
    found = serve(model, options={"sampler": sampler, "n_best": 2, "max_length": 7})
    best = [texts[0] for texts in found["outputs"]]
    sampler = ks.samplers.Beam(3, no_repeat_ngram=2, min_length=2, n_best=2)
    check_translations(model, found, sampler=sampler, max_length=7)
    found = serve(model, "attend", options={"sampler": sampler, "max_length": 7})
    assert found["outputs"] == best


def test_a_translator_in_half_precision():
    model = ks.models.Seq2Seq.from_texts(
        SOURCES, TARGETS, tokens="char", units=8, dtype="mixed_float16"
    )
    found = serve(model, options={"max_length": 5})
    assert found["outputs"] == model.generate(ASKED, max_length=5)
    assert found["scores"].dtype == "float32"


def test_more_answers_than_there_are():
    model = ks.models.Seq2Seq.from_texts(
        ["a b"], ["a"], tokens="char", units=4, attention=None, num_layers=2
    )
    assert [one.name for one in model.make_signatures()] == ["serving_default"]
    sampler = ks.samplers.Beam(9, n_best=9)
    found = serve(model, options={"sampler": sampler, "max_length": 1})
    check_translations(model, found, sampler=sampler, max_length=1)


def test_a_translator_writes_at_most_three_times_what_it_reads_and_32():
    model = ks.models.Seq2Seq.from_texts(
        SOURCES, TARGETS, tokens="char", units=4, max_target_length=40
    )
    check_translations(model, serve(model))


def test_a_language_model_with_a_window():
    encoder = ks.layers.SelfAttentionEncoder(8, causal=True, return_sequences=True, num_heads=2)
    model = ks.models.LanguageModel.from_texts(SOURCES, units=8, window=4, encoder=encoder)
    long = "ein Mann läuft" * 4
    found = serve(model, text=[long, "", "😀"], options={"sampler": "greedy", "max_length": 5})
    expected = [model.generate(text, "greedy", 5) for text in (long, "", "😀")]
    assert found["outputs"] == expected
    found = serve(model, "score", text=[long, "", "😀"])
    expected = [one["log_probability"] for one in model.score([long, "", "😀"])]
    np.testing.assert_allclose(found["log_probability"], expected, rtol=1e-4)


def test_a_language_model_of_words_with_several_answers():
    model = ks.models.LanguageModel.from_texts(
        SOURCES, tokens="word", units=8, cell="min_gru", tie_embeddings=True
    )
    options = {"sampler": "beam", "n_best": 2, "max_length": 4}
    found = serve(model, "generate", options=options, max_length=[4, 4, 2])
    limits = [4, 4, 2]
    sampler = ks.samplers.Beam(n_best=2)
    expected = [model.generate(t, sampler, n) for t, n in zip(ASKED, limits, strict=True)]
    assert found["outputs"] == expected


def test_stop_tokens_and_a_minimal_length():
    """The options of an export do what they do in `generate`."""
    translator = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, tokens="char", units=8)
    sampler = ks.samplers.Beam(2, min_length=2, coverage_penalty=0.3)
    options = {"sampler": sampler, "max_length": 7, "stop_tokens": ["a", "n", " "]}
    check_translations(translator, serve(translator, options=options), **options)
    model = ks.models.LanguageModel.from_texts(SOURCES, units=8)
    sampler = ks.samplers.Random(seed=3, min_length=3)
    options = {"sampler": sampler, "stop_tokens": ["e", "i"], "max_length": 20}
    expected = [model.generate(text, **options) for text in ASKED]
    assert serve(model, options=options)["outputs"] == expected
    assert all(len(x) >= len(text) + 3 for x, text in zip(expected, ASKED, strict=True))


BLANK = ["", "Größe", " \u00a0\t", "\u3000\u2028", "ok", "\x01"]


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_blank_texts_are_answered_as_in_python(tokens):
    how = {"tokens": tokens, "units": 4}
    translator = ks.models.Seq2Seq.from_texts(
        SOURCES, TARGETS, max_target_length=6, **{"tokens": "char", **how}
    )
    sampler = ks.samplers.Beam(3, n_best=2, coverage_penalty=0.2, min_length=1)
    found = serve(translator, text=BLANK, options={"sampler": sampler})
    expected = translator.generate(BLANK, sampler=sampler, return_scores=True)
    for texts, scores, answers in zip(found["outputs"], found["scores"], expected, strict=True):
        assert texts[: len(answers)] == [one["text"] for one in answers]
        np.testing.assert_allclose(scores[: len(answers)], [x["score"] for x in answers], rtol=1e-4)
    assert found["outputs"][2] == ["", ""]
    np.testing.assert_array_equal(found["scores"][2], np.float32([0.0, -1e9]))
    found = serve(translator, "attend", text=BLANK)
    expected = translator.generate(BLANK, return_attention=True)
    for i, one in enumerate(expected):
        rows, columns = one["attention"].shape
        weights = found["attention"][i]
        assert found["outputs"][i] == one["text"]
        np.testing.assert_allclose(weights[:rows, :columns], one["attention"], atol=1e-5)
        assert not weights[rows:].any() and not any(found["target_tokens"][i][rows:])
    classifier = ks.models.TextClassifier.from_texts(
        SOURCES, ["x", "y", "x", "y"], pooling="attention", **how
    )
    for signature in ("serving_default", "attend"):
        found = serve(classifier, signature, text=BLANK)
        assert found["labels"] == [label or "" for label in classifier.classify(BLANK)]
        expected = classifier.predict(BLANK, verbose=0)
        np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    assert found["labels"].count("") == (4 if tokens == "word" else 3)


def test_a_blank_sentence_is_answered_as_in_python():
    tags = [" ".join("NVXYZ"[: len(one.split())]) for one in SOURCES]
    model = ks.models.TextTagger.from_texts(SOURCES, tags, characters=None, units=4)
    found = serve(model, text=BLANK)
    for i, answer in enumerate(model.tag(BLANK)):
        count = len(answer["tokens"])
        assert found["tokens"][i][:count] == answer["tokens"]
        assert found["tags"][i][:count] == answer["tags"] and not any(found["tags"][i][count:])


def test_a_classifier_of_any_number_of_classes():
    labels = [["x", "é"], ["é"], ["日"], ["x"]]
    model = ks.models.TextClassifier.from_texts(
        SOURCES, labels, units=4, threshold=0.49, encoder=ks.layers.ConvolutionalEncoder(4)
    )
    found = serve(model)
    assert [[name for name in row if name] for row in found["labels"]] == model.classify(ASKED)
    np.testing.assert_allclose(found["probabilities"], model.predict(ASKED, verbose=0), atol=1e-5)


@pytest.mark.parametrize("crf", [True, False])
def test_a_tagger_of_words_alone_cuts_long_sentences(crf):
    tags = ["A B A", "A A", "B A A", "B B A"]
    model = ks.models.TextTagger.from_texts(
        SOURCES, tags, units=4, max_length=2, characters=None, crf=crf
    )
    found, answers = serve(model), model.tag(ASKED)
    for row, answer in zip(found["tags"], answers, strict=True):
        assert [tag for tag in row if tag] == answer["tags"]
