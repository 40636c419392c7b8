"""Losses and metrics of a user's see real rows and tokens: the numbers are those made by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import tokenizer
from checks import array, compiled_call
from keras import ops

from keras_seq.layers import CRFLoss
from keras_seq.models import (
    LanguageModel,
    Perplexity,
    Seq2Seq,
    TextClassifier,
    TextTagger,
    TokenAccuracy,
)
from keras_seq.text import WordTokenizer

TEXTS = ["abcab", "b", "", "ca" * 7, "ab"]  # five in batches of two, of two lengths, one empty
LABELS = ["x", "y", "z", "x", "x"]
MARKS = [["x", "y"], [], ["z"], ["x"], ["y", "z"]]
SENTENCES = ["a b c a b", "b", "c a " * 7, "a b", "c c c"]
TAGS = ["X Y Z X X", "Y", "X X " * 7, "Z Y", "X Z Y"]
WEIGHTS = np.array([0.5, 0.0, 2.0, 1.0, 0.0], "float32")
JAX = keras.backend.backend() == "jax"  # the one whose steps must know their shapes beforehand


def share_right(y_true, y_pred):
    """One number for a batch."""
    return ops.mean(
        ops.cast(ops.equal(ops.argmax(y_pred, -1), ops.cast(y_true, "int32")), "float32")
    )


def is_right(y_true, y_pred):
    """One number for each token."""
    return ops.cast(ops.equal(ops.argmax(y_pred, -1), ops.cast(y_true, "int32")), "float32")


def root_mean_square(y_true, y_pred):
    """One number for a batch, which is no mean."""
    return ops.sqrt(ops.mean(ops.square(y_pred)))


def all_right(y_true, y_pred):
    """One number for each sequence, padding included."""
    return ops.cast(ops.all(is_right(y_true, y_pred) > 0, axis=-1), "float32")


def own_loss(y_true, y_pred):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True))


class WithoutWeights(keras.metrics.Metric):
    """Counts what is right, whatever it weighs."""

    def __init__(self, name="without_weights", **kwargs):
        super().__init__(name=name, **kwargs)
        self.right = self.add_variable((), "zeros", name="right")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred):
        right = is_right(y_true, y_pred)
        self.right.assign_add(ops.sum(right))
        self.count.assign_add(ops.cast(ops.size(right), "float32"))

    def result(self):
        return self.right / self.count


class IgnoresWeights(WithoutWeights):
    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(y_true, y_pred)


class HeedsWeights(WithoutWeights):
    def update_state(self, y_true, y_pred, sample_weight=None):
        right = is_right(y_true, y_pred)
        weight = ops.ones_like(right) if sample_weight is None else sample_weight
        self.right.assign_add(ops.sum(right * ops.cast(weight, "float32")))
        self.count.assign_add(ops.sum(ops.cast(weight, "float32")))


class WholeSequences(WithoutWeights):
    """The share of sequences that are right, as far as they weigh anything."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = is_right(y_true, y_pred) > 0
        weight = ops.ones_like(y_true) if sample_weight is None else sample_weight
        rows = ops.cast(ops.any(weight > 0, axis=-1), "float32")
        right = ops.cast(ops.all(ops.logical_or(right, weight == 0), axis=-1), "float32")
        self.right.assign_add(ops.sum(right * rows))
        self.count.assign_add(ops.sum(rows))


def classifier(**config):
    keras.utils.set_random_seed(1)
    return TextClassifier(tokenizer(), ["x", "y", "z"], units=3, cell="vanilla", **config)


def tagger(**config):
    keras.utils.set_random_seed(1)
    words = WordTokenizer.from_texts(SENTENCES)
    config = {"characters": None, "units": 3, "cell": "vanilla", "crf": False, **config}
    model = TextTagger(words, None, ["X", "Y", "Z"], **config)
    if model.crf:
        model.chain.set_weights([1 + w for w in model.chain.get_weights()])
    return model


def translator(**config):
    keras.utils.set_random_seed(1)
    config = {"units": 3, "cell": "vanilla", "bidirectional": False, "attention": None, **config}
    return Seq2Seq(tokenizer(), tokenizer(), **config)


def language_model(**config):
    keras.utils.set_random_seed(1)
    return LanguageModel(tokenizer(), **{"units": 3, "cell": "vanilla", "window": None, **config})


MODELS = {
    "classifier": (classifier, (TEXTS, LABELS)),
    "tagger": (tagger, (SENTENCES, TAGS)),
    "translator": (translator, (TEXTS, TEXTS[::-1])),
    "language model": (language_model, (TEXTS, None)),
}
# Of what is the same for all, two do where compiling takes its time.
TORCH = keras.backend.backend() == "torch"
SOME = [*MODELS] if TORCH else [*MODELS][::3]


def logits_of(model):
    """A function of a batch, of one program for each shape."""
    return compiled_call(lambda inputs: model(inputs, training=False), model.variables)


def by_hand(model, x, y, weights=WEIGHTS, run=None):
    """Labels, predictions and weights of all that is real, text by text, nothing padded."""
    run, labels, logits, each = run or logits_of(model), [], [], []
    for i, text in enumerate(x):
        inputs, right, _ = model.as_batch([text], None if y is None else [y[i]])
        right, found = np.asarray(right), array(run(inputs))
        if model.label_per_token:
            real = right[0] != 0
            right, found = right[0][real], found[0][real]
        labels.append(right - isinstance(model, TextTagger))
        logits.append(found)
        each.append(np.full(len(right), weights[i], "float32"))
    return map(np.concatenate, (labels, logits, each))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def number(metric, y_true, y_pred, weights=None):
    metric.update_state(y_true, y_pred, sample_weight=weights)
    return array(metric.result())


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("kind", SOME)
def test_metrics_of_keras(kind):
    make, (x, y) = MODELS[kind]
    model = make()
    labels, logits, weights = by_hand(model, x, y)
    right = (logits.argmax(-1) == labels).astype("float32")
    probabilities, marks = softmax(logits), np.eye(logits.shape[-1], dtype="float32")[labels]
    model.compile(
        "sgd",
        loss="sparse_categorical_crossentropy",
        metrics=[
            "accuracy",
            ["acc", keras.metrics.F1Score(average="macro")],
            keras.metrics.AUC(name="area"),
            keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="nats"),
            keras.metrics.categorical_accuracy,
        ],
        weighted_metrics=["accuracy", keras.metrics.MeanSquaredError(name="brier")],
    )
    found = model.evaluate(x, y, sample_weight=WEIGHTS, batch_size=2, verbose=0, return_dict=True)
    nats = -np.log(probabilities[np.arange(len(labels)), labels])
    close(found["loss"], (nats * weights).sum() / len(nats))
    close(found["accuracy"], right.mean())
    close(found["acc"], right.mean())
    close(found["weighted_accuracy"], (right * weights).sum() / weights.sum())
    close(found["nats"], nats.mean())
    close(found["categorical_accuracy"], right.mean())
    errors = ((probabilities - marks) ** 2).mean(-1)
    close(found["brier"], (errors * weights).sum() / weights.sum())
    close(found["area"], number(keras.metrics.AUC(), marks, probabilities))
    close(found["f1_score"], number(keras.metrics.F1Score("macro"), marks, probabilities))


def sequences_right(model, x, y):
    right, run = [], logits_of(model)
    for i in range(len(x)):
        text, target = x[i : i + 1], None if y is None else y[i : i + 1]
        labels, logits, _ = by_hand(model, text, target, run=run)
        right.append((logits.argmax(-1) == labels).all())
    return np.mean(right)


@pytest.mark.parametrize("kind", SOME)
def test_what_a_user_wrote(kind):
    """With functions and metrics that know nothing of padding, batch by batch."""
    make, (x, y) = MODELS[kind]
    model = make()
    labels, logits, weights = by_hand(model, x, y)
    right = (logits.argmax(-1) == labels).astype("float32")
    metrics = [share_right, is_right, WithoutWeights(), IgnoresWeights("ignores"), "accuracy"]
    weighted = [HeedsWeights("heeds"), is_right]
    more = {"jit_compile": False} if JAX else {}  # below: with a compiler
    if kind != "classifier":
        weighted.append(WholeSequences("whole"))
    model.compile("sgd", loss=own_loss, metrics=metrics, weighted_metrics=weighted, **more)
    found = model.evaluate(x, y, sample_weight=None, batch_size=2, verbose=0, return_dict=True)
    nats = -np.log(softmax(logits)[np.arange(len(labels)), labels])
    close(found["loss"], nats.mean())
    names = ("share_right", "is_right", "without_weights", "ignores", "accuracy", "heeds")
    for name in (*names, "weighted_is_right"):
        close(found[name], right.mean())
    if kind != "classifier":
        close(found["whole"], sequences_right(model, x, y))
    found = model.evaluate(x, y, sample_weight=WEIGHTS, batch_size=5, verbose=0, return_dict=True)
    for name in ("share_right", "is_right", "without_weights", "ignores", "accuracy"):
        close(found[name], right.mean())
    for name in ("heeds", "weighted_is_right"):
        close(found[name], (right * weights).sum() / weights.sum())


@pytest.mark.parametrize("kind", ["classifier", "translator"])
def test_what_a_user_wrote_in_a_compiled_step(kind):
    make, (x, y) = MODELS[kind]
    model = make()
    labels, logits, _ = by_hand(model, x, y)
    right = (logits.argmax(-1) == labels).mean()
    metrics = [share_right, is_right, HeedsWeights("heeds")]
    model.compile("sgd", loss=own_loss, metrics=metrics, jit_compile=not TORCH)
    found = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
    nats = -np.log(softmax(logits)[np.arange(len(labels)), labels])
    close(found["loss"], nats.mean())
    for name in ("share_right", "is_right", "heeds"):
        close(found[name], right)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (all_right, "'all_right' is computed of whole sequences, and padding would count"),
        (WithoutWeights(), r"'without_weights' is computed of tokens.*jit_compile=False"),
        (IgnoresWeights("ignores"), r"'ignores' is computed of tokens.*jit_compile=False"),
        (root_mean_square, "'root_mean_square' gives one number for a batch, which is no mean"),
    ],
)
def test_what_cannot_be_kept_from_padding_is_refused(metric, message):
    model = tagger()
    model.compile("sgd")
    before = model.get_compile_config()
    if metric is not all_right and not JAX:
        pytest.skip("here steps may have shapes that nobody knows beforehand")
    with pytest.raises(ValueError, match=message):
        model.compile("sgd", metrics=[metric])
    assert model.get_compile_config() == before


def test_a_crf():
    """Metrics are of the emissions, as the model's own; a loss of whole sequences is as it was."""
    model = tagger(crf=True)
    labels, emissions, _ = by_hand(model, SENTENCES, TAGS)
    marks = np.eye(3, dtype="float32")[labels]
    model.compile("sgd", metrics=["accuracy", keras.metrics.AUC(name="area"), is_right])
    found = model.evaluate(SENTENCES, TAGS, batch_size=2, verbose=0, return_dict=True)
    for name in ("accuracy", "is_right", "token_accuracy"):
        close(found[name], (emissions.argmax(-1) == labels).mean())
    close(found["area"], number(keras.metrics.AUC(), marks, softmax(emissions)))
    scores = []
    for sentence, tags in zip(SENTENCES, TAGS, strict=True):
        inputs, right, _ = model.as_batch([sentence], [tags])
        real = np.asarray(right) > 0
        found = model.chain.log_likelihood(model(inputs), right - 1, ops.convert_to_tensor(real))
        scores.append(-array(found)[0])
    loss = model.evaluate(SENTENCES, TAGS, batch_size=2, verbose=0, return_dict=True)["loss"]
    close(loss, sum(scores) / len(labels))
    model.compile("sgd", loss=CRFLoss(model.chain))  # a mean over sentences
    close(model.evaluate(SENTENCES, TAGS, batch_size=2, verbose=0)[0], np.mean(scores))


def test_any_number_of_labels():
    model = classifier(multi_label=True, threshold=0.4)
    marks = np.array([[name in row for name in "xyz"] for row in MARKS], "float32")
    probabilities = model.predict(TEXTS, verbose=0)
    kinds = keras.metrics
    model.compile(
        "sgd",
        loss="binary_crossentropy",
        metrics=[
            "accuracy",
            kinds.AUC(multi_label=True, name="area"),
            kinds.F1Score("macro", 0.45),
            kinds.Precision(thresholds=0.45),
            kinds.Accuracy(name="decisions"),
        ],
    )
    found = model.evaluate(TEXTS, MARKS, batch_size=2, verbose=0, return_dict=True)
    right = ((probabilities > 0.4) == marks).mean()
    close(found["accuracy"], right)
    close(found["decisions"], right)
    close(found["weighted_accuracy"], right)  # the model's own
    close(found["area"], number(kinds.AUC(multi_label=True), marks, probabilities))
    close(found["f1_score"], number(kinds.F1Score("macro", 0.45), marks, probabilities))
    close(found["precision"], number(kinds.Precision(thresholds=0.45), marks, probabilities))
    nats = -np.where(marks > 0, np.log(probabilities), np.log(1 - probabilities))
    close(found["loss"], nats.mean())


def test_every_way_in():
    """Texts, batches, datasets and ids, in training, validation and by batch."""
    model = classifier()
    labels, logits, weights = by_hand(model, TEXTS, LABELS)
    right = (logits.argmax(-1) == labels).astype("float32")
    share, weighted = right.mean(), (right * weights).sum() / weights.sum()
    frozen = keras.optimizers.SGD(0.0)
    model.compile(frozen, metrics=["accuracy"], weighted_metrics=["accuracy"])
    arguments = {"batch_size": 2, "verbose": 0}

    def check(logs, prefix="", expected=weighted):
        close(logs[f"{prefix}accuracy"], share)
        close(logs[f"{prefix}weighted_accuracy"], expected)

    validation = (TEXTS, LABELS, WEIGHTS)
    history = model.fit(
        TEXTS, LABELS, sample_weight=WEIGHTS, validation_data=validation, epochs=2, **arguments
    ).history
    for epoch in range(2):
        logs = {name: values[epoch] for name, values in history.items()}
        check(logs)
        check(logs, "val_")
    for method in (model.train_on_batch, model.test_on_batch):
        check(method(TEXTS, LABELS, sample_weight=WEIGHTS, return_dict=True))
    classes = {"x": 2.0, "y": 0.5}
    each = np.array([classes.get(label, 1.0) for label in LABELS])
    logs = model.fit(TEXTS, LABELS, class_weight=classes, **arguments).history
    check({name: values[0] for name, values in logs.items()}, "", (right * each).sum() / each.sum())

    texts = tf.data.Dataset.from_tensor_slices(validation)
    for dataset in (texts, texts.batch(3)):
        size = 2 if dataset is texts else None
        check(model.evaluate(dataset, batch_size=size, verbose=0, return_dict=True))
    ids, numbers, _ = model.as_batch(TEXTS, LABELS)
    check(model.evaluate(ids, numbers, sample_weight=WEIGHTS, return_dict=True, **arguments))
    prepared = tf.data.Dataset.from_tensor_slices((ids, numbers, WEIGHTS)).batch(3)
    check(model.evaluate(prepared, verbose=0, return_dict=True))


def test_ids_of_tokens_and_weights_of_rows():
    model = translator()
    labels, logits, weights = by_hand(model, TEXTS, TEXTS)
    right = (logits.argmax(-1) == labels).astype("float32")
    nats = -np.log(softmax(logits)[np.arange(len(labels)), labels])
    model.compile("sgd", metrics=["accuracy"], weighted_metrics=["accuracy"])
    ids, numbers, tokens = model.as_batch(TEXTS, TEXTS, WEIGHTS)
    square = {name: column[:, :5] for name, column in ids.items()}  # as many steps as rows
    assert numbers[:, :5].shape == (5, 5)
    for weight in (WEIGHTS, tokens):  # of texts, and of tokens
        logs = model.evaluate(ids, numbers, sample_weight=weight, verbose=0, return_dict=True)
        close(logs["accuracy"], right.mean())
        close(logs["weighted_accuracy"], (right * weights).sum() / weights.sum())
        close(logs["loss"], (nats * weights).sum() / weights.sum())
    one, other = (
        model.test_on_batch(square, numbers[:, :5], sample_weight=weight, return_dict=True)
        for weight in (WEIGHTS, tokens[:, :5])
    )
    assert one == other

    class Batches(keras.utils.PyDataset):  # knows of no weights
        def __len__(self):
            return 2

        def __getitem__(self, i):
            part = slice(3 * i, 3 * i + 3)
            return {name: column[part] for name, column in ids.items()}, numbers[part]

    logs = model.evaluate(Batches(), verbose=0, return_dict=True)
    close([logs["accuracy"], logs["loss"]], [right.mean(), nats.mean()])


def test_windows():
    """Of a language model whose state goes on: all that it is to predict, once each."""
    model = language_model(window=4)
    model.compile("sgd", metrics=["accuracy", share_right])
    found = model.evaluate(TEXTS, batch_size=3, verbose=0, return_dict=True)
    close(found["accuracy"], found["token_accuracy"])
    close(found["share_right"], found["token_accuracy"])
    close(np.exp(found["loss"]), found["perplexity"])
    whole = language_model()
    for one, other in zip(whole.weights, model.trainable_weights, strict=False):
        one.assign(other)
    labels, logits, _ = by_hand(whole, ["".join(TEXTS)], None, np.ones(1))
    model.compile("sgd", metrics=["accuracy"])
    found = model.evaluate("".join(TEXTS), batch_size=1, verbose=0, return_dict=True)
    close(found["accuracy"], (logits.argmax(-1) == labels).mean())


def test_it_is_saved_with_the_model(tmp_path):
    model = tagger()
    metrics = {"tags": ["accuracy", keras.metrics.AUC(name="area")]}
    model.compile("sgd", loss="crossentropy", metrics=metrics, weighted_metrics=[TokenAccuracy()])
    expected = model.evaluate(SENTENCES, TAGS, verbose=0, return_dict=True)
    config = model.get_compile_config()
    assert config["loss"] == "crossentropy" and config["metrics"]["tags"][0] == "accuracy"
    model.save(tmp_path / "tagger.keras")
    again = keras.saving.load_model(tmp_path / "tagger.keras")
    assert again.get_compile_config() == config
    assert again.evaluate(SENTENCES, TAGS, verbose=0, return_dict=True) == expected
    again.compile_from_config(config)
    assert again.get_compile_config() == config


def test_names():
    model = classifier()
    model.compile("sgd", metrics=["accuracy", is_right, is_right, Perplexity("accuracy")])
    names = ["loss", "accuracy", "is_right", "is_right_1", "accuracy_1", "weighted_accuracy"]
    assert [*model.evaluate(TEXTS, LABELS, verbose=0, return_dict=True)] == sorted(names)
    assert model.loss.name == "cross_entropy"  # what was given, or stands for "auto"


@pytest.mark.parametrize(
    "options",
    [
        {"run_eagerly": True},
        {"steps_per_execution": 2},
        {"jit_compile": True},
        {"dtype": "mixed_float16"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_ways_to_run(options):
    if bool({"jit_compile", "steps_per_execution"} & {*options}) == TORCH:
        pytest.skip("not on this backend, or not in the time of a test")
    model = translator(dtype=options.pop("dtype", None))
    labels, logits, _ = by_hand(model, TEXTS, TEXTS)
    right = (logits.argmax(-1) == labels).mean()
    model.compile(keras.optimizers.SGD(0.0), metrics=["accuracy", is_right], **options)
    logs = model.fit(TEXTS, TEXTS, batch_size=2, verbose=0).history
    half = model.dtype_policy.name == "mixed_float16"
    np.testing.assert_allclose(logs["accuracy"][0], right, atol=0.05 if half else 1e-5)
    assert logs["accuracy"][0] == logs["is_right"][0] == logs["token_accuracy"][0]
