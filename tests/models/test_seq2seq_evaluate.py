"""The loss and the metrics are means over target tokens, whatever the batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import tokenizer
from checks import array, log_softmax

from keras_seq.models import Seq2Seq

SOURCES = ["a", "abcabcabca", "bc", "abc", "cabbage", "b", "cc"]
TARGETS = ["abcabcabcabca", "b", "cba", "a", "abc", "", "ccccc"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = Seq2Seq(tokenizer(), tokenizer(), units=4, cell="gru")
    model.set_weights([4 * w for w in model.get_weights()])  # far from equal probabilities
    model.compile("adam")
    return model


@pytest.fixture(scope="module")
def by_hand(model):
    """The metrics, one example at a time and without padding."""
    losses, accuracies, exact = [], [], []
    examples = model.encode_examples(SOURCES, TARGETS)
    columns = examples.inputs["source_ids"], examples.inputs["target_ids"], examples.labels
    for source, fed, labels in zip(*columns, strict=True):
        logits = array(model({"source_ids": source[None], "target_ids": fed[None]}))[0]
        losses += [-log_softmax(logits)[t, label] for t, label in enumerate(labels)]
        right = logits.argmax(-1) == labels
        accuracies += right.tolist()
        exact.append(right.all())
    return {
        "loss": np.mean(losses),
        "perplexity": np.exp(np.mean(losses)),
        "token_accuracy": np.mean(accuracies),
        "exact_match": np.mean(exact),
    }


def _assert_same(metrics, expected):
    assert set(metrics) == set(expected)
    for name, value in metrics.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 32])
def test_evaluate_lists(model, by_hand, batch_size):
    metrics = model.evaluate(SOURCES, TARGETS, batch_size=batch_size, return_dict=True, verbose=0)
    _assert_same(metrics, by_hand)


@pytest.mark.parametrize("batch_size", [2, 7])
def test_evaluate_a_dataset_of_texts(model, by_hand, batch_size):
    texts = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS))
    metrics = model.evaluate(texts, batch_size=batch_size, return_dict=True, verbose=0)
    _assert_same(metrics, by_hand)
    metrics = model.evaluate(texts.batch(batch_size), return_dict=True, verbose=0)
    _assert_same(metrics, by_hand)


def _padded_ids(model):
    examples = model.encode_examples(SOURCES, TARGETS)
    columns = [*examples.inputs.values(), examples.labels]
    source, fed, labels = (
        np.array([np.pad(row, (0, 20 - len(row))) for row in column], "int32") for column in columns
    )
    return {"source_ids": source, "target_ids": fed}, labels


@pytest.mark.parametrize("batch_size", [2, 7])
def test_evaluate_ids(model, by_hand, batch_size):
    inputs, labels = _padded_ids(model)
    metrics = model.evaluate(inputs, labels, batch_size=batch_size, return_dict=True, verbose=0)
    _assert_same(metrics, by_hand)


def test_evaluate_a_dataset_of_ids_without_weights(model, by_hand):
    dataset = tf.data.Dataset.from_tensor_slices(_padded_ids(model)).batch(7)
    _assert_same(model.evaluate(dataset, return_dict=True, verbose=0), by_hand)


def test_test_on_batch(model, by_hand):
    model.reset_metrics()
    metrics = model.test_on_batch(SOURCES, TARGETS, return_dict=True)
    _assert_same(metrics, by_hand)
