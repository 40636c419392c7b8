"""A user's mistake is a `ValueError` that says what came."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import tokenizer

from keras_seq.layers import RNNStack
from keras_seq.models import TextClassifier

pytestmark = pytest.mark.once
TEXTS, LABELS = ["ab", "ba", "cab", "b"], ["x", "y", "x", "y"]


@pytest.fixture(scope="module")
def model():
    model = TextClassifier(tokenizer(), ["x", "y"], units=3, cell="gru")
    model.compile("adam")
    return model


@pytest.fixture(scope="module")
def tagged():
    model = TextClassifier(tokenizer(), ["x", "y"], multi_label=True, units=3, cell="gru")
    model.compile("adam")
    return model


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (TEXTS, LABELS[:3], "one label for each text; received 4 texts and 3 labels"),
        (TEXTS, None, "one label for each text; received no labels"),
        (TEXTS, ["x", "y", "z", "x"], r"no class 'z' \(label 2\); there are 'x', 'y'"),
        (TEXTS, [0, 1, 2, 0], r"no class number 2 \(label 2\); they go from 0 to 1"),
        (TEXTS, ["x", 0.5, "x", "y"], "received 0.5 of type float"),
        (TEXTS, [True, False, True, True], "received True of type bool"),
        (TEXTS, [["x"], ["y"], ["x"], []], r"received \['x'\] of type list"),
        (TEXTS, "xyxy", "'xyxy' of type str"),
        ([], [], "empty"),
        ("ab", ["x"], "received one string, 'ab'"),
        ([["ab"]], ["x"], r"item 0 is \['ab'\]"),
    ],
)
def test_training_data(model, method, x, y, message):
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(x, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (LABELS, "label 0 is 'x'"),
        ([["x"], ["z"], [], []], r"no class 'z' \(label 1\)"),
        ([["x"], [], []], "4 texts and 3 labels"),
        (np.zeros((4, 3)), r"one column for each of 2 classes; received the shape \(4, 3\)"),
        (np.full((4, 2), 0.5), "values from 0.5 to 0.5"),
    ],
)
def test_any_number_of_labels(tagged, y, message):
    with pytest.raises(ValueError, match=message):
        tagged.fit(TEXTS, y, verbose=0)


def test_datasets(model, tagged):
    with pytest.raises(ValueError, match=r"expected a dataset of \(text, label\)"):
        model.fit(tf.data.Dataset.from_tensor_slices(TEXTS), verbose=0)
    pairs = tf.data.Dataset.from_tensor_slices((TEXTS, LABELS))
    with pytest.raises(ValueError, match="with multi_label=True give lists"):
        tagged.fit(pairs, verbose=0)
    with pytest.raises(ValueError, match="`class_weight` needs lists"):
        model.fit(pairs, class_weight="balanced", verbose=0)
    unknown = tf.data.Dataset.from_tensor_slices((TEXTS, ["x", "y", "z", "x"]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="one of the classes x, y"):
        model.evaluate(unknown, verbose=0)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"z": 1}, "no class 'z'"),
        ({"x": 0}, "above 0; received 0 for 'x'"),
        ("equal", "\"balanced\"; received 'equal'"),
    ],
)
def test_class_weights(model, class_weight, message):
    with pytest.raises(ValueError, match=message):
        model.fit(TEXTS, LABELS, class_weight=class_weight, verbose=0)


def test_class_weights_need_one_class_a_text(tagged):
    with pytest.raises(ValueError, match="no meaning with multi_label=True"):
        tagged.fit(TEXTS, [["x"]] * 4, class_weight="balanced", verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": [1]}, "item 0 is 1"),
        ({"inputs": "a", "threshold": 0.5}, "`threshold` is for `multi_label`"),
        ({"inputs": "a", "return_attention": True}, "the pooling of the model is LastPooling"),
    ],
)
def test_classify(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.classify(**arguments)


def test_predict(model, tagged):
    with pytest.raises(ValueError, match="'abc'"):
        model.predict("abc")
    with pytest.raises(ValueError, match=r"threshold.*\(0, 1\); received 1"):
        tagged.classify("a", threshold=1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"cell": "elman"}, "'elman'.*'lstm', 'gru', 'vanilla', 'irnn'"),
        ({"pooling": "median"}, "'median'.*'last', 'mean', 'max', 'attention'"),
        ({"units": 0}, "units.*0"),
        ({"embedding_dim": 0}, "embedding_dim.*0"),
        ({"dropout": 1.0}, "dropout.*1.0"),
        ({"max_length": 0}, "max_length.*0"),
        ({"threshold": 0}, "threshold.*0"),
        ({"tokenizer": "word"}, "Tokenizer.*'word'"),
        ({"class_names": ["x"]}, r"at least two classes.*\['x'\]"),
        ({"class_names": [], "multi_label": True}, r"at least two classes.*\[\]"),
        ({"class_names": ["x", "x"]}, "distinct; received 'x' more than once"),
        ({"class_names": ["x", 1]}, r"list of str.*\['x', 1\]"),
        ({"class_names": "xy"}, "list of str.*'xy'"),
        ({"encoder": 5}, "`output_size`.*received 5"),
        ({"encoder": keras.layers.Dense(3)}, "an `output_size`"),
        ({"encoder": RNNStack("gru", 3)}, "return_sequences=True"),
        (
            {"encoder": RNNStack("gru", 3, return_sequences=True), "num_layers": 2},
            "num_layers would describe the recurrent layers",
        ),
    ],
)
def test_construction(config, message):
    given = {"tokenizer": tokenizer(), "class_names": ["x", "y"], "units": 3, **config}
    with pytest.raises(ValueError, match=message):
        TextClassifier(**given)


@pytest.mark.parametrize(
    ("labels", "config", "message"),
    [
        (LABELS, {"tokens": "syllable"}, "syllable"),
        (["x"] * 4, {}, r"at least two classes.*\['x'\]"),
        ([0, 0.5, 0, 1], {}, "a whole number, True or False.*received 0.5 of type float"),
        (["x", None, "y", "x"], {}, "received None of type NoneType, a missing value"),
        ([["x"], [float("nan")], ["y"], []], {}, "received nan of type float, a missing value"),
        (LABELS, {"class_names": ["x", "y", "z"]}, "received none of 'z'"),
        ([0, 1, 1, 1], {"class_names": ["x", "y", "z"]}, "received none of 'z'"),
        (LABELS, {"class_names": ["x", "z"]}, r"no class 'y' \(label 1\)"),
        (LABELS, {"multi_label": True}, "a list of class names; received 'x'"),
        ([3, 4, 3, 4], {"multi_label": True}, "a list of class names; received 3"),
        ([[], [], [], []], {}, "no class name in any label"),
        ([], {}, "empty"),
        ("xy", {}, "'xy' of type str"),
    ],
)
def test_from_texts(labels, config, message):
    with pytest.raises(ValueError, match=message):
        TextClassifier.from_texts(TEXTS, labels, **config)


def test_numbers_of_classes_that_have_names():
    model = TextClassifier.from_texts(TEXTS, [0, 1, 0, 1], class_names=["y", "x"], units=3)
    assert model.class_names == ["y", "x"]
    assert model.check_targets(["x", 0]).tolist() == [1, 0]
