"""Ids prepared by hand are looked at before a model sees them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import tokenizer

from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger
from keras_seq.text import WordTokenizer

pytestmark = pytest.mark.once
TEXTS = ["ab", "ba", "cab", "b"]
OPTIONS = {"units": 3, "cell": "vanilla"}
TRAINING = ["fit", "evaluate", "train_on_batch", "test_on_batch"]
ALL = [*TRAINING, "validation", "predict", "predict_on_batch"]


def make(kind):
    if kind == "classifier":
        model, y = TextClassifier(tokenizer(), ["x", "y"], **OPTIONS), ["x", "y", "x", "y"]
    elif kind == "translator":
        model, y = Seq2Seq(tokenizer(), tokenizer(), **OPTIONS), TEXTS
    elif kind == "pointer":
        model, y = Seq2Seq(tokenizer(), tokenizer(), copy=True, **OPTIONS), TEXTS
    elif kind == "language model":
        model, y = LanguageModel(tokenizer(), window=None, **OPTIONS), None
    else:
        words = WordTokenizer.from_texts(TEXTS)
        model, y = TextTagger(words, tokenizer(), ["X", "Y"], **OPTIONS), ["X", "Y", "X", "Y"]
    model.compile("adam")
    x, y, _ = model.as_batch(TEXTS, y)
    return model, {name: np.array(column) for name, column in x.items()}, np.array(y)


@pytest.fixture(scope="module")
def kinds():
    return {
        kind: make(kind)
        for kind in ("classifier", "translator", "pointer", "language model", "tagger")
    }


def run(model, method, x, y=None, **more):
    if method == "validation":
        return model.fit(TEXTS, ["x", "y", "x", "y"], validation_data=(x, y), verbose=0)
    if method in ("predict", "predict_on_batch"):
        return getattr(model, method)(x)
    return getattr(model, method)(x, y, **more)


KINDS = ["classifier", "translator", "pointer", "language model", "tagger"]


@pytest.mark.parametrize("kind", KINDS)
def test_right_ids(kinds, kind):
    model, x, y = kinds[kind]
    expected = model.evaluate(x, y, verbose=0)
    for one in (y[..., None], y.astype("float32"), y.astype("uint8"), y.tolist()):
        assert model.evaluate(x, one, verbose=0) == expected
    lists = {name: column.tolist() for name, column in x.items()}
    tensors = {name: keras.ops.convert_to_tensor(column) for name, column in x.items()}
    for one in (lists, tensors):
        assert model.evaluate(one, keras.ops.convert_to_tensor(y), verbose=0) == expected
    for label in (y, y[..., None], y.astype("float32")):
        dataset = tf.data.Dataset.from_tensor_slices((x, label)).batch(4)
        np.testing.assert_allclose(model.evaluate(dataset, verbose=0), expected, rtol=1e-6)
    assert len(model.predict(tf.data.Dataset.from_tensor_slices(x).batch(4))) == 4
    weights = np.ones(4)
    for one in (weights, weights[:, None], weights.tolist()):
        found = model.evaluate(x, y, sample_weight=one, verbose=0)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_inputs(kinds, kind, method):
    model, x, y = kinds[kind]
    if method == "validation" and kind != "classifier":
        pytest.skip("the same for all")
    name = next(iter(x))
    ids = x[name]
    vocabulary = int(ids.max()) + 1000
    cases = [
        (ids, r"be the dict of ids that `call` takes, \{'.*_ids': \.\.\..*received an array of"),
        (keras.ops.convert_to_tensor(ids), "dict of ids that `call` takes.*received an array of"),
        ({}, "lacks '.*_ids'"),
        ({**x, "more": ids}, "does not know 'more'"),
        ({**x, name: ids.astype("float32")}, "must hold integers; received float32"),
        ({**x, name: ids > 0}, "must hold integers; received bool"),
        ({**x, name: ids[0]}, r"must have 2 axes; received the shape \(\d+,\)"),
        ({**x, name: ids[..., None]}, r"must have 2 axes; received the shape \(4, \d+, 1\)"),
        ({**x, name: ids[:0]}, r"is empty: received the shape \(0, \d+\)"),
        ({**x, name: [[1, 2], [3]]}, "must be an array"),
        ({**x, name: np.where(ids == ids[2, 1], -1, ids)}, r"\[\d, \d\]"),
        ({**x, name: np.where(ids == ids[2, 1], vocabulary, ids)}, rf"received {vocabulary} at"),
    ]
    if len(x) > 1:
        cases.append(({**x, name: ids[:3]}, "same number of rows"))
    before = model.get_weights()
    for wrong, message in cases:
        with pytest.raises(ValueError, match=message):
            run(model, method, wrong, y)
    assert all((one == other).all() for one, other in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("method", TRAINING)
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_labels_and_weights(kinds, kind, method):
    model, x, y = kinds[kind]
    limit = model.label_limit + 1000
    some = y.reshape(-1).copy()
    some[1] = limit
    cases = [
        (None, "need the labels that belong to them, as `y`; received none"),
        (y[:3], "received 4 .* and 3 "),
        (np.zeros((4, 3, 2)), r"`y` must have the shape"),
        (y + 0.5, "`y` must hold integers; received float64"),
        (y - 7, r"`y` must be in \[0, \d+\); received -\d at"),
        (some.reshape(y.shape), rf"`y` must be in \[0, \d+\); received {limit} at \["),
    ]
    for wrong, message in cases:
        with pytest.raises(ValueError, match=message):
            run(model, method, x, wrong)
    bad = np.array([1, np.nan, 1, 1])
    for weights, message in [
        (bad, r"`sample_weight` must be finite; received nan at \[1\]"),
        (1 / np.zeros(4), "must be finite; received inf"),
        (np.ones(3), r"`sample_weight` must have the shape \(4,\).*; received \(3,\)"),
        (["a"] * 4, "`sample_weight` must hold numbers"),
    ]:
        with pytest.raises(ValueError, match=message), np.errstate(divide="ignore"):
            run(model, method, x, y, sample_weight=weights)


def test_weights_of_texts(kinds):
    model, _, _ = kinds["classifier"]
    labels = ["x", "y", "x", "y"]
    with pytest.raises(ValueError, match="finite numbers; item 1 is nan"):
        model.fit(TEXTS, labels, sample_weight=[1, np.nan, 1, 1], verbose=0)
    texts = tf.data.Dataset.from_tensor_slices((TEXTS, labels, [1.0, np.nan, 1.0, 1.0]))
    for dataset in (texts, texts.batch(2)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite"):
            model.evaluate(dataset, verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_datasets_of_ids(kinds, method):
    model, x, y = kinds["classifier"]
    ids = x["token_ids"]

    def dataset(*parts):
        return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0])

    for wrong, message in [
        (dataset(ids, y).batch(2), "must give texts, or the dict of ids"),
        (dataset({"ids": ids}, y).batch(2), "lacks 'token_ids'"),
        (dataset({"token_ids": ids * 1.0}, y).batch(2), "must hold integers; received float64"),
        (dataset({"token_ids": ids}, y), "must have 2 axes, the first one of the rows"),
        (dataset({"token_ids": ids}, np.stack([y, y], 1)).batch(2), "`y` must have 1 axes"),
    ]:
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(wrong, verbose=0)
    for wrong, message in [
        (({"token_ids": ids - 1}, y), "must hold integers from 0 on and below"),
        (({"token_ids": ids + 100}, y), "must hold integers from 0 on and below"),
        (({"token_ids": ids}, y + 2), "`y` must hold integers from 0 on and below"),
        (({"token_ids": ids}, y + 0.5), "`y` must hold integers"),
        (({"token_ids": ids}, y, np.array([1, 1, np.nan, 1], "float32")), "must be finite"),
    ]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            getattr(model, method)(dataset(*wrong).batch(2), verbose=0)


def test_class_weights_of_tokens(kinds):
    for kind in KINDS[1:]:
        model, x, y = kinds[kind]
        with pytest.raises(ValueError, match="`class_weight` has no meaning for a"):
            model.fit(x, y, class_weight={1: 2.0}, verbose=0)


@pytest.mark.parametrize("method", [name for name in TRAINING if name != "fit"])
def test_a_model_that_is_not_compiled(method):
    model = TextClassifier(tokenizer(), ["x", "y"], **OPTIONS)
    with pytest.raises(ValueError, match=rf"`{method}` needs .*: call `model\.compile\(\)` before"):
        getattr(model, method)(TEXTS, ["x", "y", "x", "y"])
