"""What `fit`, `evaluate`, `predict` and the `*_on_batch` methods take."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import shortened

pytestmark = pytest.mark.usefixtures("eagerly")

SOURCES = ["abc", "de", "a", "", "ccc", "bd", "e", "aa"]
TARGETS = ["xy", "z", "", "xx", "zz", "y", "x", "yx"]


def prepared(model, sources=SOURCES, targets=TARGETS):
    """The arrays of one batch, by hand."""
    source, target = model.source_tokenizer, model.target_tokenizer

    def rows(lists):
        longest = max(map(len, lists))
        return np.array([[*row, *[0] * (longest - len(row))] for row in lists], "int32")

    inputs = {
        "source_ids": rows([[*ids, 2] for ids in source.tokenize(sources)]),
        "target_ids": rows([[1, *ids] for ids in target.tokenize(targets)]),
    }
    return inputs, rows([[*ids, 2] for ids in target.tokenize(targets)])


def token_losses(model, sources=SOURCES, targets=TARGETS):
    """The cross-entropy of every target token in NumPy, and the mask."""
    inputs, labels = prepared(model, sources, targets)
    logits = keras.ops.convert_to_numpy(model(inputs)).astype("float64")
    logits -= logits.max(-1, keepdims=True)
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    losses = -np.take_along_axis(log_probabilities, labels[..., None], -1)[..., 0]
    return losses, labels != 0


FORMS = {
    "lists": lambda: (SOURCES, TARGETS),
    "tuples": lambda: (tuple(SOURCES), tuple(TARGETS)),
    "arrays": lambda: (np.array(SOURCES), np.array(TARGETS)),
    "object arrays": lambda: (np.array(SOURCES, object), np.array(TARGETS, object)),
    "dataset of texts": lambda: (tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)), None),
    "dataset of batches": lambda: (
        tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS)).batch(3),
        None,
    ),
}


@pytest.mark.parametrize("form", shortened(FORMS, "lists", "dataset of batches"))
def test_every_form_gives_the_same_loss(tiny, form):
    model = tiny()
    losses, mask = token_losses(model)
    expected = np.exp(losses[mask].mean())
    found = model.evaluate(*FORMS[form](), verbose=0, return_dict=True)
    assert found["perplexity"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "form",
    shortened(["lists", "dataset of texts", "dataset of batches"], "dataset of batches"),
)
def test_every_form_trains(tiny, form):
    model = tiny()
    x, y = FORMS[form]()
    history = model.fit(x, y, epochs=3, verbose=0, validation_data=(SOURCES, TARGETS)).history
    assert history["val_loss"][-1] < history["val_loss"][0]


def test_prepared_ids_train_and_evaluate(tiny):
    model = tiny()
    inputs, labels = prepared(model)
    losses, mask = token_losses(model)
    found = model.evaluate(inputs, labels, batch_size=8, verbose=0, return_dict=True)
    assert found["perplexity"] == pytest.approx(np.exp(losses[mask].mean()), rel=1e-4)
    history = model.fit(inputs, labels, epochs=4, verbose=0, validation_data=(inputs, labels))
    assert history.history["val_loss"][-1] < history.history["val_loss"][0]
    assert model.predict(inputs, verbose=0).shape == (*labels.shape, 7)


def test_batch_size_changes_no_metric(tiny):
    model = tiny()
    results = [
        model.evaluate(SOURCES, TARGETS, batch_size=n, verbose=0, return_dict=True)
        for n in (1, 3, 8)
    ]
    for name in ("perplexity", "token_accuracy", "exact_match"):
        assert results[0][name] == pytest.approx(results[1][name], rel=1e-5)
        assert results[0][name] == pytest.approx(results[2][name], rel=1e-5)


def test_on_batch_methods(tiny):
    model = tiny()
    losses, mask = token_losses(model)
    before = model.test_on_batch(SOURCES, TARGETS, return_dict=True)
    assert before["loss"] == pytest.approx(losses[mask].mean(), rel=1e-4)
    for _ in range(5):
        model.train_on_batch(SOURCES, TARGETS)
    model.reset_metrics()
    assert model.test_on_batch(SOURCES, TARGETS, return_dict=True)["loss"] < before["loss"]


def test_predict_translates_text(tiny):
    model = tiny()
    answers = model.generate(SOURCES)
    assert model.predict(SOURCES).tolist() == answers
    assert model.predict_on_batch(np.array(SOURCES)).tolist() == answers
    dataset = tf.data.Dataset.from_tensor_slices(SOURCES)
    assert model.predict(dataset).tolist() == answers
    assert model.predict(dataset.batch(3)).tolist() == answers


def test_weights_of_examples(tiny):
    model = tiny()
    losses, mask = token_losses(model)
    weights = np.array([1, 0, 2, 0, 1, 0.5, 0, 3])
    expected = (losses * mask * weights[:, None]).sum() / (mask * weights[:, None]).sum()
    for form in ("lists", "dataset of texts"):
        model.reset_metrics()
        if form == "lists":
            found = model.evaluate(SOURCES, TARGETS, sample_weight=weights, verbose=0)
        else:
            data = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS, weights))
            found = model.evaluate(data, verbose=0)
        assert found[0] == pytest.approx(expected, rel=1e-4)


def test_an_example_of_weight_zero_teaches_nothing(tiny):
    weights = [1, 1, 1, 1, 0, 0, 0, 0]
    changed = [*TARGETS[:4], "zzzz", "xyz", "yy", "z"]
    one, other = tiny(TARGETS), tiny(TARGETS)
    one.fit(SOURCES, TARGETS, sample_weight=weights, epochs=2, verbose=0, shuffle=False)
    other.fit(SOURCES, changed, sample_weight=weights, epochs=2, verbose=0, shuffle=False)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_seed_repeats_training(tiny):
    weights = []
    for _ in range(2):
        model = tiny(dropout=0.1)
        keras.utils.set_random_seed(5)
        model.fit(SOURCES, TARGETS, epochs=2, batch_size=2, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_long_texts_are_cut(tiny):
    model = tiny(max_source_length=4, max_target_length=3)
    examples = model.encode_examples(["abcabc", "a"], ["xyzx", "x"])
    assert [len(ids) for ids in examples.inputs["source_ids"]] == [4, 2]
    assert [len(ids) for ids in examples.inputs["target_ids"]] == [3, 2]
    assert [len(ids) for ids in examples.labels] == [3, 2]
    assert examples.labels[1][-1] == 2 and 2 not in examples.labels[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((["a", "b", "c"], ["x"]), "3 sources and 1 targets"),
        (([], []), "The corpus is empty"),
        (("abc", ["x"]), "received one string, 'abc'"),
        (([[4, 5], [6]], ["x", "y"]), "item 0 is \\[4, 5\\] of type list"),
        ((["a", None], ["x", "y"]), "item 1 is None"),
        ((np.array(["a"]), np.array([4])), "received ndarray of int64"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch"])
def test_mistakes_say_what_came(tiny, method, arguments, expected):
    with pytest.raises(ValueError, match=expected):
        getattr(tiny(), method)(*arguments)


def test_split_must_leave_something(tiny):
    with pytest.raises(ValueError, match="leaves none to train on"):
        tiny().fit(["a"], ["x"], validation_split=0.5, verbose=0)
    with pytest.raises(ValueError, match="one number for each of 2 examples"):
        tiny().fit(["a", "b"], ["x", "y"], sample_weight=[1.0], verbose=0)
    data = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS))
    with pytest.raises(ValueError, match="needs lists"):
        tiny().fit(data, validation_split=0.5)
    with pytest.raises(ValueError, match="batched already"):
        tiny().fit(data.batch(2), batch_size=2)
