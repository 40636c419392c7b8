"""A user's mistake is a `ValueError` that says what came."""

import numpy as np
import pytest
import tensorflow as tf
from cases import tokenizer

from keras_seq.layers import Decoder
from keras_seq.models import Seq2Seq

pytestmark = pytest.mark.once
SOURCES, TARGETS = ["ab", "ba", "cab", "b"], ["ba", "ab", "bac", "b"]


@pytest.fixture(scope="module")
def model():
    model = Seq2Seq(tokenizer(), tokenizer(), units=3)
    model.compile("adam")
    return model


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    "x, y, message",
    [
        (SOURCES, TARGETS[:3], "4 sources and 3 targets"),
        ([], [], "empty"),
        ("abc", "cba", "'abc'"),
        (SOURCES, "cba", "'cba'"),
        ([1, 2], [1, 2], "item 0 is 1 of type int"),
        (["ab", None], ["ba", "ab"], "item 1 is None"),
        (["ab", b"\xff"], ["ba", "ab"], r"item 1 is b'\\xff', which is no UTF-8"),
        (SOURCES, np.array([[1, 2], [2, 1]]), "int64"),
        (SOURCES, None, "target"),
    ],
)
def test_training_data(model, method, x, y, message):
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(x, y)


@pytest.mark.parametrize("split", [-0.5, 1.0, 1.5])
def test_validation_split_outside_of_0_to_1(model, split):
    with pytest.raises(ValueError, match=str(split)):
        model.fit(SOURCES, TARGETS, validation_split=split, verbose=0)


def test_validation_split_that_leaves_nothing(model):
    with pytest.raises(ValueError, match=r"0\.5.*1 example"):
        model.fit(SOURCES[:1], TARGETS[:1], validation_split=0.5, verbose=0)


def test_validation_split_of_a_dataset(model):
    texts = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS))
    with pytest.raises(ValueError, match="validation_split"):
        model.fit(texts, validation_split=0.5, verbose=0)


def test_batch_size_for_a_dataset_in_batches(model):
    texts = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)).batch(2)
    with pytest.raises(ValueError, match="batch_size=3"):
        model.fit(texts, batch_size=3, verbose=0)


def test_sample_weights_of_another_number(model):
    with pytest.raises(ValueError, match=r"4 examples.*\(3,\)"):
        model.fit(SOURCES, TARGETS, sample_weight=[1, 2, 3], verbose=0)


@pytest.mark.parametrize("method", ["predict", "predict_on_batch"])
def test_one_string_is_no_list_of_letters(model, method):
    with pytest.raises(ValueError, match="'abc'"):
        getattr(model, method)("abc")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"inputs": [1, 2]}, "item 0 is 1"),
        ({"inputs": 7}, "int"),
        ({"inputs": ["a", None]}, "item 1 is None"),
        ({"inputs": "a", "max_length": 0}, "max_length.*0"),
        ({"inputs": "a", "batch_size": 0}, "batch_size.*0"),
        ({"inputs": "a", "sampler": "best"}, "'best'.*'greedy', 'beam'"),
        ({"inputs": "a", "sampler": 3}, "sampler.*3"),
    ],
)
def test_generate(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.generate(**arguments)


@pytest.mark.parametrize(
    "config, message",
    [
        ({"cell": "elman"}, "'elman'.*'lstm', 'gru', 'vanilla', 'irnn'"),
        ({"attention": "self"}, "'self'.*'additive'.*'scaled_dot'"),
        ({"attention": 3}, "attention.*3"),
        ({"units": 0}, "units.*0"),
        ({"units": -1}, "units.*-1"),
        ({"units": 2.5}, "units.*2.5"),
        ({"num_layers": 0}, "num_layers.*0"),
        ({"embedding_dim": 0}, "embedding_dim.*0"),
        ({"dropout": 1.0}, "dropout.*1.0"),
        ({"max_source_length": 0}, "max_source_length.*0"),
        ({"max_target_length": 0}, "max_target_length.*0"),
        ({"attention": "dot"}, "size 3 .*size 6.*'general'"),
    ],
)
def test_construction(config, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq(tokenizer(), tokenizer(), **{"units": 3, **config})


def test_decoder_embedding_dim():
    with pytest.raises(ValueError, match=r"embedding_dim.*0"):
        Decoder(7, units=3, embedding_dim=0)


@pytest.mark.parametrize("tokenizers", [("char", "char"), (None, None), (tokenizer(), str.split)])
def test_no_tokenizers(tokenizers):
    with pytest.raises(ValueError, match="Tokenizer"):
        Seq2Seq(*tokenizers)


@pytest.mark.parametrize(
    "sources, config, message",
    [
        (SOURCES, {"tokens": "syllable"}, "char.*subword.*syllable"),
        ([], {}, "empty"),
        ("abc", {}, "abc"),
        ([1], {}, "int"),
    ],
)
def test_from_texts(sources, config, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq.from_texts(sources, TARGETS, units=3, **{"tokens": "char", **config})


@pytest.mark.parametrize("sampler", ["best", 5, dict])
def test_compile(model, sampler):
    with pytest.raises(ValueError, match="sampler"):
        Seq2Seq(tokenizer(), tokenizer(), units=3).compile(sampler=sampler)


def test_a_pointer_needs_tokens_that_may_have_no_id():
    with pytest.raises(ValueError, match="a SubwordTokenizer spells every word"):
        Seq2Seq.from_texts(["ab cd"], ["cd ab"], tokens="subword", units=4, copy=True)
