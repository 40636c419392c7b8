"""Text in, class names and probabilities out."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import array, shortened

import keras_seq as ks
from keras_seq.models import TextClassifier
from keras_seq.models.base.data import Texts

FIT = {"verbose": 0, "batch_size": 32}
TEXTS = ["a fine film", "dull and long", "fine", "", "a film so dull", "long but fine film"] * 2
LABELS = ["good", "bad", "good", "bad", "bad", "good"] * 2
GROUPS = [["good", "short"], ["bad"], ["good"], [], ["bad"], ["good"]] * 2


@pytest.fixture(scope="module")
def senses():
    """A classifier that has learnt what 'bank' means, and texts that it has not seen."""
    seen, unseen = ks.datasets.word_senses(800, seed=1).split(700)
    keras.utils.set_random_seed(0)
    model = TextClassifier.from_texts(
        seen.texts, seen.labels, cell="gru", units=16, pooling="attention"
    )
    model.compile(keras.optimizers.Adam(2e-2))
    history = model.fit(seen.texts, seen.labels, epochs=8, validation_split=0.1, **FIT)
    return types.SimpleNamespace(model=model, unseen=unseen, history=history.history)


@pytest.fixture(scope="module")
def tiny():
    """An untrained classifier that no test trains."""
    keras.utils.set_random_seed(1)
    model = TextClassifier.from_texts(TEXTS, LABELS, cell="gru", units=4)
    model.compile("adam")
    return model


def losses_by_hand(model, texts=TEXTS, labels=LABELS):
    """The cross-entropy of each text, in NumPy."""
    probabilities = np.stack([model.predict([text], verbose=0)[0] for text in texts])
    chosen = [model.class_names.index(label) for label in labels]
    return -np.log(probabilities[np.arange(len(texts)), chosen])


@pytest.mark.slow
def test_learns_a_word_sense_whichever_side_it_hangs_on(senses):
    found = senses.model.classify(senses.unseen.texts)
    right = np.mean([a == b for a, b in zip(found, senses.unseen.labels, strict=True)])
    assert right > 0.95
    assert right == pytest.approx(
        senses.model.evaluate(
            senses.unseen.texts, senses.unseen.labels, verbose=0, return_dict=True
        )["accuracy"]
    )
    assert {"accuracy", "val_accuracy", "loss", "val_loss"} <= {*senses.history}


def test_one_text_in_one_answer_out(senses):
    text = "the angler watched the bank with many shadows"
    assert senses.model.classify(text) == "river"
    answer = senses.model.classify(text, return_probabilities=True, return_attention=True)
    assert answer["label"] == "river" and answer["tokens"] == text.split()
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert list(answer["probabilities"]) == senses.model.class_names == ["money", "river", "row"]
    assert answer["attention"].shape == (8,)
    assert answer["attention"].sum() == pytest.approx(1, abs=1e-5)


def test_answers_come_in_the_order_of_the_texts(senses):
    texts = [" ".join(["bank", *["coins"] * n]) for n in (30, 1, 9, 0, 17, 2)] + [""]
    found = senses.model.predict(texts, batch_size=2, verbose=0)
    single = np.concatenate([senses.model.predict([text], verbose=0) for text in texts])
    np.testing.assert_allclose(found, single, atol=1e-5)
    dataset = tf.data.Dataset.from_tensor_slices(texts)
    np.testing.assert_allclose(senses.model.predict(dataset, verbose=0), single, atol=1e-5)
    on_batch = senses.model.predict_on_batch(texts)
    np.testing.assert_allclose(on_batch, single, atol=1e-5)
    inputs = senses.model.as_batch(texts)[0]
    np.testing.assert_allclose(senses.model.predict(inputs, verbose=0), single, atol=1e-5)
    assert senses.model.predict([]).shape == (0, 3) and senses.model.classify([]) == []


def test_an_empty_text_is_answered_by_the_bias_alone(senses):
    bias = array(senses.model.projection.bias)
    expected = np.exp(bias) / np.exp(bias).sum()
    np.testing.assert_allclose(senses.model.predict([""], verbose=0)[0], expected, atol=1e-5)
    answer = senses.model.classify("", return_attention=True)
    assert answer["tokens"] == [] and answer["attention"].shape == (0,)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_more_padding_changes_nothing(pooling):
    model = TextClassifier.from_texts(TEXTS, LABELS, units=4, cell="vanilla", pooling=pooling)
    ids = model.as_batch(TEXTS)[0]["token_ids"]
    wider = np.pad(ids, ((0, 0), (0, 5)))
    np.testing.assert_allclose(
        array(model({"token_ids": wider})), array(model({"token_ids": ids})), atol=1e-5
    )


FORMS = {
    "names": lambda: (TEXTS, LABELS),
    "arrays": lambda: (np.array(TEXTS), np.array(LABELS)),
    "numbers": lambda: (TEXTS, [["bad", "good"].index(label) for label in LABELS]),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)), None),
    "batches": lambda: (tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(5), None),
    "numbers in a dataset": lambda: (
        tf.data.Dataset.from_tensor_slices((TEXTS, [int(label == "good") for label in LABELS])),
        None,
    ),
}


@pytest.mark.parametrize("form", shortened(FORMS, "names", "batches"))
def test_every_form_gives_the_same_loss(tiny, form):
    found = tiny.evaluate(*FORMS[form](), verbose=0, return_dict=True)
    losses = losses_by_hand(tiny)
    assert found["loss"] == pytest.approx(losses.mean(), rel=1e-4)
    assert found["accuracy"] == pytest.approx((losses < np.log(2) + 1e-6).mean())


def test_weights_of_examples_and_prepared_ids(tiny):
    weights = np.arange(12.0)
    losses = losses_by_hand(tiny)
    expected = (losses * weights).sum() / weights.sum()
    found = tiny.evaluate(TEXTS, LABELS, sample_weight=weights, verbose=0)[0]
    assert found == pytest.approx(expected, rel=1e-4)
    x, y, sample_weight = tiny.as_batch(TEXTS, LABELS, weights)
    assert y.tolist() == [int(label == "good") for label in LABELS]
    np.testing.assert_allclose(sample_weight, weights)
    assert tiny.evaluate(x, y, verbose=0)[0] == pytest.approx(losses.mean(), rel=1e-4)
    tiny.reset_metrics()
    assert tiny.test_on_batch(TEXTS, LABELS)[0] == pytest.approx(losses.mean(), rel=1e-4)


def test_one_batch_of_very_different_lengths_keeps_its_order(tiny):
    texts = ["fine", " ".join(["film"] * 300), "dull"]
    ids = tiny.as_batch(texts)[0]["token_ids"]
    assert (ids != 0).sum(axis=1).tolist() == [1, 300, 1]


def test_class_weights_are_weights_of_examples(tiny):
    labels = ["good", *["bad"] * 3]
    examples = Texts(tiny, TEXTS[:4], labels, [1, 1, 2, 1]).examples
    found = tiny.weigh_classes(examples, "balanced").weights
    np.testing.assert_allclose(found, [2, 2 / 3, 4 / 3, 2 / 3])
    found = tiny.weigh_classes(examples, {"good": 5, 0: 0.5}).weights
    np.testing.assert_allclose(found, [5, 0.5, 1, 0.5])


def test_class_weights_change_training_and_no_validation():
    model = TextClassifier.from_texts(TEXTS, LABELS, units=3, cell="gru", pooling="mean")
    model.compile(keras.optimizers.SGD(0.0))
    losses = losses_by_hand(model)
    weights = np.where(np.array(LABELS) == "good", 9.0, 1.0)
    fit = {"validation_data": (TEXTS, LABELS), "verbose": 0}
    history = model.fit(TEXTS, LABELS, class_weight={"good": 9.0}, **fit).history
    expected = (losses * weights).sum() / weights.sum()
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)
    assert history["val_loss"][0] == pytest.approx(losses.mean(), rel=1e-4)


def test_any_number_of_labels():
    keras.utils.set_random_seed(0)
    model = TextClassifier.from_texts(TEXTS, GROUPS, units=8, cell="min_gru", pooling="mean")
    assert model.multi_label and model.class_names == ["bad", "good", "short"]
    model.compile(keras.optimizers.Adam(5e-2))
    model.fit(TEXTS, GROUPS, epochs=25, verbose=0, validation_data=(TEXTS, GROUPS))
    assert model.classify(TEXTS) == [sorted(group) for group in GROUPS]
    probabilities = model.predict(TEXTS, verbose=0)
    marks = model.check_targets(GROUPS)
    found = model.evaluate(TEXTS, marks, verbose=0, return_dict=True)
    entropy = -np.log(np.where(marks == 1, probabilities, 1 - probabilities)).mean()
    assert found["loss"] == pytest.approx(entropy, rel=1e-3)
    assert found["accuracy"] == found["f1"] == pytest.approx(1)
    answer = model.classify("a fine film", return_probabilities=True)
    assert answer["labels"] == ["good", "short"]
    least, middle, most = sorted(answer["probabilities"].values())
    assert len(model.classify("a fine film", threshold=(middle + most) / 2)) == 1
    assert len(model.classify("a fine film", threshold=(least + middle) / 2)) == 2


def test_f1_counts_texts_and_labels_together():
    metric = ks.models.LabelF1()
    right = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0]])
    said = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0]])
    weight = np.array([1.0, 1.0, 0.0])
    metric.update_state(right, 4.0 * said - 2, weight)
    assert float(metric.result()) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    accuracy = ks.models.LabelAccuracy()
    accuracy.update_state(right, 4.0 * said - 2, weight)
    assert float(accuracy.result()) == pytest.approx(4 / 6)


def test_analyses_take_raw_text(tiny):
    text = "a fine film"
    flow = ks.analysis.gradient_flow(tiny, TEXTS[:3], LABELS[:3])
    assert set(flow) == {"encoder/forward", "encoder/backward"}
    assert all(np.isfinite(norms[:3]).all() for norms in flow.values())
    gates = ks.analysis.gate_activations(tiny, text)
    assert gates["encoder/backward"].tokens == ("a", "fine", "film")
    assert gates["encoder/forward"].values["update"].shape == (3, 4)
    units = ks.analysis.unit_activations(tiny, text)
    assert units["encoder/forward"].tokens == ("a", "fine", "film")
    (found,) = ks.analysis.connectivity(tiny, text).values()
    assert found.tokens == ("a", "fine", "film") and (found.values > 0).all()
