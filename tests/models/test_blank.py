"""Blank texts say nothing, and nothing is invented of them."""

import numpy as np
import pytest
import tensorflow as tf
from checks import shortened

from keras_seq import samplers
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger
from keras_seq.text import SubwordTokenizer, WordTokenizer
from keras_seq.text.blank import are_blank, is_blank

# White space of every kind; and, for a tokenizer of words, what it drops.
BLANK = ["", " ", "\t\n\r", "\u00a0", "\u3000\u2003", "\u2028", "\x1c\x85"]
TEXTS = ["ab c", "", "ba", " \u00a0", "a"]
AT = [1, 3]  # where they are


def squeezed(texts):
    return [text for i, text in enumerate(texts) if i not in AT]


@pytest.fixture(scope="module", params=["additive", None, "copy"])
def translator(request):
    config = {"copy": True} if request.param == "copy" else {"attention": request.param}
    config |= {"cell": "gru", "units": 4, "bidirectional": False, "max_target_length": 5}
    model = Seq2Seq.from_texts(["ab c", "b a"], ["xy", "yx"], **{"tokens": "char", **config})
    model.compile("adam")
    return model


def test_what_is_blank():
    words = WordTokenizer.from_texts(["a b"])
    subwords = SubwordTokenizer.from_texts(["a b", "ab"], max_vocabulary=10)
    for tokenizer, dropped in ((words, ["\x01"]), (subwords, ["\u200b", "\u2581", "\x02"])):
        texts = [*BLANK, *dropped, "a", "?", "\U0001f600", " a ", "\u2028b"]
        expected = [True] * (len(BLANK) + len(dropped)) + [False] * 5
        ids = tokenizer.encode(texts)
        assert [is_blank(*pair) for pair in zip(texts, ids, strict=True)] == expected
        strings = tf.constant(texts)
        assert are_blank(strings, tokenizer.tokenize(strings)).numpy().tolist() == expected


SAMPLERS = {
    "greedy": samplers.Greedy(),
    "random": samplers.Random(seed=3),
    "beam": samplers.Beam(3),
    "n_best": samplers.Beam(3, n_best=2),
    "rules": samplers.Beam(2, length_penalty=0.0, min_length=2, no_repeat_ngram=2),
    "exhaustive": samplers.Exhaustive(max_nodes=50),
}


@pytest.mark.parametrize("name", shortened(SAMPLERS, "n_best"))
def test_the_translation_of_nothing_is_nothing(translator, name):
    sampler = SAMPLERS[name]
    found = translator.generate(TEXTS, sampler=sampler)
    for i in AT:
        assert found[i] == ([""] if sampler.n_best else "")
    if name != "random":  # the noise is that of the place in the list
        assert squeezed(found) == translator.generate(squeezed(TEXTS), sampler=sampler)
    assert translator.generate(" ", sampler=sampler) == ([""] if sampler.n_best else "")
    assert translator.predict(BLANK).tolist() == [""] * len(BLANK)
    how = {"return_scores": True, "return_attention": True}
    if name != "exhaustive":
        how["return_trace"] = True
    answers = translator.generate(TEXTS, sampler=sampler, **how)
    for i in AT:
        answer = answers[i]
        if sampler.n_best:
            (answer,) = answer
        assert answer["text"] == "" and answer["score"] == 0.0 and answer["target_tokens"] == []
        assert answer["source_tokens"] == [*TEXTS[i], "</s>"]
        assert answer.get("trace", []) == [] and answer.get("exact", True)
        if translator.has_attention:
            assert answer["attention"].shape == (0, len(TEXTS[i]) + 1)
        else:
            assert answer["attention"] is None


@pytest.mark.once
def test_a_source_that_is_cut_is_not_blank():
    model = Seq2Seq.from_texts(
        ["ab"], ["xy"], tokens="char", units=4, max_source_length=1, max_target_length=3
    )
    assert model.generate(["", "a"], return_scores=True)[0]["score"] == 0.0
    assert model.generate(["", "a"], return_scores=True)[1]["score"] < 0.0


@pytest.fixture(scope="module")
def classifier():
    labels = ["x", "y", "x", "y"]
    how = {"tokens": "char", "pooling": "attention", "cell": "gru", "units": 3}
    return TextClassifier.from_texts(["ab", "c", "a b", "b"], labels, **how)


def test_no_class_is_named_for_a_blank_text(classifier):
    found = classifier.classify(TEXTS, return_probabilities=True, return_attention=True)
    assert [i for i, one in enumerate(found) if one["label"] is None] == AT
    assert classifier.classify(TEXTS) == [one["label"] for one in found]
    assert classifier.classify("") is None and classifier.classify(BLANK) == [None] * len(BLANK)
    b = classifier.projection.bias.numpy()
    expected = np.exp(b) / np.exp(b).sum()
    np.testing.assert_allclose([*found[1]["probabilities"].values()], expected, rtol=1e-5)
    np.testing.assert_allclose(classifier.predict([""], verbose=0)[0], expected, rtol=1e-5)
    assert found[1]["tokens"] == [] and found[1]["attention"].shape == (0,)


@pytest.mark.once
def test_no_class_of_any_number_is_named_for_a_blank_text():
    model = TextClassifier.from_texts(["ab", "c"], [["x"], ["y", "z"]], units=3, threshold=1e-6)
    assert model.classify(["ab", " ", "\u3000"]) == [["x", "y", "z"], [], []]
    assert model.classify("", return_probabilities=True)["labels"] == []


@pytest.mark.once
def test_a_blank_sentence_has_no_tags():
    model = TextTagger.from_texts(["ab c", "b"], ["N V", "N"], characters=None, units=3)
    model.compile("adam")
    found = model.tag([*BLANK, [], "a\u00a0b \u00a0", [" "]])
    count = len(BLANK)
    assert found[:count] == [{"tokens": [], "tags": []}] * count
    assert found[count] == []
    # Within a sentence, and in a list, a word is a word.
    assert found[count + 1]["tokens"] == ["a\u00a0b", "\u00a0"] and len(found[count + 2]) == 1
    assert [one.shape for one in model.predict(BLANK)] == [(0, 2)] * count
    lists = model.evaluate(["ab c", "\u3000"], ["N V", ""], verbose=0)
    data = tf.data.Dataset.from_tensor_slices((["ab c", "\u3000"], ["N V", "\u3000"]))
    assert model.evaluate(data, verbose=0) == pytest.approx(lists)
    assert lists == pytest.approx(model.evaluate(["ab c"], ["N V"], verbose=0))


@pytest.mark.once
def test_a_blank_prompt_is_a_prompt():
    model = LanguageModel.from_texts(["ab c", "b a"], cell="gru", units=3)
    assert model.score("")["num_tokens"] == 1 and model.score(" ")["num_tokens"] == 2
    written = model.generate(["", " "], "greedy", max_length=4)
    assert len(written) == 2 and written[1].startswith(" ")
    assert "".join(model.stream("", "greedy", 4)) == written[0]
