"""A user's mistake is a `ValueError` that says what came."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import tokenizer

from keras_seq.layers import RNNStack
from keras_seq.models import TextTagger

pytestmark = pytest.mark.once
SENTENCES, TAGS = [["Anna", "sings"], ["Rome"]], [["B-PER", "O"], ["B-LOC"]]
NAMES = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


@pytest.fixture(scope="module")
def model():
    model = TextTagger.from_texts(SENTENCES, TAGS, "BIO", units=3, cell="gru")
    model.compile("adam")
    return model


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (SENTENCES, TAGS[:1], "one tag row for each sentence; received 2 sentences and 1 tag row"),
        (SENTENCES, None, "received no tag rows"),
        (SENTENCES, [["B-PER", "O"], ["O", "O"]], "sentence 1 has 1 words and 2 tags: 'Rome'"),
        (SENTENCES, ["B-PER", "B-LOC"], "sentence 0 has 2 words and 1 tags: 'Anna sings'"),
        (SENTENCES, [["B-PER", "O"], ["B-ORG"]], "Sentence 1, word 0: there is no tag 'B-ORG'"),
        (SENTENCES, [["O", "I-PER"], ["O"]], "Sentence 0, word 1: 'I-PER' follows 'O'"),
        (SENTENCES, [[1, 2], [3]], "Sentence 0 of `y`: tag 0 is 1"),
        (SENTENCES, "B-PER O", "list of sentences; received 'B-PER O'"),
        ("Anna sings", TAGS, "received 'Anna sings'"),
        ([["Anna", ""], ["Rome"]], TAGS, "Sentence 0 of `x`: word 1 is ''"),
        ([["Anna", None], ["Rome"]], TAGS, "word 1 is None"),
        ([], [], "empty"),
    ],
)
def test_training_data(model, method, x, y, message):
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(x, y)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["B-PER", "B-LOC"], "one tag for each word.*\n*.*Anna sings"),
        (["B-PER O", "B-ORG"], "Every tag must be one of O, B-LOC"),
        (["O I-PER", "O"], "not valid in BIO"),
    ],
)
def test_datasets(model, tags, message):
    pairs = tf.data.Dataset.from_tensor_slices((["Anna sings", "Rome"], tags))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.evaluate(pairs, verbose=0)


def test_datasets_without_tags(model):
    with pytest.raises(ValueError, match=r"expected a dataset of \(sentence, tag row\)"):
        model.fit(tf.data.Dataset.from_tensor_slices(["Anna"]), verbose=0)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [([["Anna", 1]], "word 1 is 1"), ([3], "item 0 is '3' of type int"), (None, "'None'")],
)
def test_tag(model, inputs, message):
    with pytest.raises(ValueError, match=message):
        model.tag(inputs)


def test_spans_need_a_scheme_and_smoothing_a_softmax(model):
    plain = TextTagger.from_texts(["a b"], ["X Y"], units=3, cell="gru")
    with pytest.raises(ValueError, match="`return_spans` is for a tagger with a scheme"):
        plain.tag("a", return_spans=True)
    with pytest.raises(ValueError, match="`label_smoothing` is for a tagger without `crf`"):
        plain.compile(label_smoothing=0.1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"cell": "elman"}, "'elman'.*'lstm', 'gru'"),
        ({"units": 0}, "units.*0"),
        ({"embedding_dim": 0}, "embedding_dim.*0"),
        ({"dropout": 1.0}, "dropout.*1.0"),
        ({"max_length": 0}, "max_length.*0"),
        ({"max_word_length": 0}, "max_word_length.*0"),
        ({"unknown_rate": 1}, "unknown_rate.*1"),
        ({"rare_words": 8}, r"`rare_words` must be an integer in \[0, 7\].*received 8"),
        ({"rare_words": True}, "received True"),
        ({"tokenizer": "word"}, "`tokenizer` must be.*'word'"),
        ({"character_tokenizer": None}, "go together.*None and characters='cnn'"),
        ({"characters": None}, "go together.*characters=None"),
        ({"characters": "rnn"}, "'cnn', 'lstm'; received 'rnn'"),
        ({"tag_names": ["O", "B-X"]}, "there is no 'I-X'"),
        ({"tag_names": []}, "at least one"),
        ({"scheme": "IOB"}, "received 'IOB'"),
        ({"encoder": keras.layers.Dense(3)}, "an `output_size`"),
        (
            {"encoder": RNNStack("gru", 3, return_sequences=True), "num_layers": 2},
            "num_layers would describe the recurrent layers",
        ),
    ],
)
def test_construction(config, message):
    given = {
        **{"tokenizer": tokenizer(), "character_tokenizer": tokenizer(), "tag_names": NAMES},
        **{"scheme": "BIO", "units": 3, **config},
    }
    with pytest.raises(ValueError, match=message):
        TextTagger(**given)


@pytest.mark.parametrize(
    ("sentences", "tags", "config", "message"),
    [
        (SENTENCES, [[], []], {}, "sentence 0 has 2 words and 0 tags"),
        ([[], ""], [[], ""], {}, "no tag in any sentence"),
        ([], [], {}, "no tag in any sentence"),
        (SENTENCES, TAGS[:1], {}, "2 sentences and 1 rows of tags"),
        (SENTENCES, TAGS, {"tag_names": ["O"]}, "no tag 'B-PER'"),
        (SENTENCES, TAGS, {"tag_names": [*NAMES, "X"]}, "none of 'I-LOC', 'I-PER', 'X'"),
        (SENTENCES, TAGS, {"scheme": "IOB1"}, "Sentence 0, word 0: 'B-PER' is first"),
        (np.zeros(2), TAGS, {}, "item 0 is '0.0'"),
    ],
)
def test_from_texts(sentences, tags, config, message):
    with pytest.raises(ValueError, match=message):
        TextTagger.from_texts(sentences, tags, **config)


def test_a_tag_of_the_scheme_without_an_example_has_an_answer(model):
    assert model.tag_names == NAMES  # there was no I-PER
    assert model.evaluate([["Anna", "Li"]], [["B-PER", "I-PER"]], verbose=0)[0] > 0
