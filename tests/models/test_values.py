"""Tasks of a user's own whose labels are values: the numbers are those made by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import array
from keras import ops

import keras_seq as ks
from keras_seq.models.base.id_checks import IdColumn
from keras_seq.testing import check_task

registered = keras.saving.register_keras_serializable(package="values")
TEXTS = ["abcab", "b", "", "ca" * 7, "ab"]  # five in batches of two, of two lengths, one empty
STARS = [4.5, -1.25, 0.0, 3.75, 2.0]
WEIGHTS = np.array([0.5, 0.0, 2.0, 1.0, 0.0], "float32")
ROWS = {"values": np.float32([[y, y - 1, 0.5 * y] for y in STARS])}


class StarsPreprocessor(ks.models.Preprocessor):
    def __init__(self, tokenizer, columns=None):
        self.tokenizer = tokenizer
        self.columns = columns

    def check_targets(self, y):
        return np.asarray(y, "float32")

    def encode_tensors(self, x, y=None):
        return {"token_ids": self.tokenizer.tokenize(x)}, y

    def id_columns(self):
        return self.columns


@registered
class Stars(ks.models.Task):
    """How many stars a review gives: one number, or several."""

    needs_targets, needs_labels, label_per_token = False, True, False
    words = ("review", "stars")

    def __init__(self, tokenizer, outputs=1, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = ks.text.get_tokenizer(tokenizer)
        self.outputs = outputs
        self.embedding = keras.layers.Embedding(self.tokenizer.vocabulary_size, 4)
        self.reader = ks.layers.GRU(4, return_sequences=self.label_per_token)
        self.head = keras.layers.Dense(max(outputs, 1))
        self(self.made_up())

    def made_up(self):
        return {"token_ids": np.ones((1, 2), "int32")}

    def make_preprocessor(self):
        return StarsPreprocessor(self.tokenizer)

    def default_loss(self, label_smoothing=0.0):
        return keras.losses.MeanSquaredError()

    def call(self, inputs, training=False):
        token_ids = inputs["token_ids"]
        states = self.reader(self.embedding(token_ids), mask=ops.not_equal(token_ids, 0))
        return self.head(states) if self.outputs else self.head(states)[..., 0]

    def get_config(self):
        tokenizer = keras.saving.serialize_keras_object(self.tokenizer)
        return {**super().get_config(), "tokenizer": tokenizer, "outputs": self.outputs}


class ReadingPreprocessor(StarsPreprocessor):
    def check_targets(self, y):
        return [np.asarray(row, "float32") for row in y]

    def encode_tensors(self, x, y=None):
        numbers = None if y is None else tf.strings.to_number(tf.strings.split(y))
        return super().encode_tensors(x, numbers)


@registered
class ReadingTime(Stars):
    """How long each token is looked at."""

    label_per_token = True

    def make_preprocessor(self):
        return ReadingPreprocessor(self.tokenizer)


def made(kind=Stars, **config):
    keras.utils.set_random_seed(1)
    return kind(ks.text.CharacterTokenizer.from_texts(["abc"]), **config)


def predicted(model, texts=TEXTS):
    """What `call` returns for each text by itself."""
    return [array(model(model.as_batch([text], [0.0])[0]))[0] for text in texts]


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=1e-6)


def evaluated(model, y, x=TEXTS, **options):
    return model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True, **options)


@pytest.mark.parametrize("outputs", [0, 1])
def test_a_squared_error_of_one_number(outputs):
    model = made(outputs=outputs)
    metrics = ["mae", keras.metrics.RootMeanSquaredError("root"), keras.metrics.R2Score(name="r2")]
    weighted = [keras.metrics.MeanSquaredError(name="heeds")]
    model.compile(keras.optimizers.Adam(0.05), metrics=metrics, weighted_metrics=weighted)
    y, guess = np.array(STARS), np.ravel(predicted(model))
    errors = (guess - y) ** 2
    measured = evaluated(model, STARS, sample_weight=WEIGHTS)
    close(measured["loss"], (errors * WEIGHTS).sum() / 5)
    close(measured["mae"], abs(guess - y).mean())
    close(measured["root"], errors.mean() ** 0.5)
    close(measured["r2"], 1 - errors.sum() / ((y - y.mean()) ** 2).sum())
    close(measured["heeds"], (errors * WEIGHTS).sum() / WEIGHTS.sum())
    close(evaluated(model, np.array(STARS)[:, None])["loss"], errors.mean())
    losses = model.fit(TEXTS, STARS, batch_size=2, epochs=40, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]
    close(np.ravel(model.predict(TEXTS, verbose=0)), np.ravel(predicted(model)))


@pytest.mark.parametrize("loss", ["mse", "mean_absolute_error", keras.losses.huber, "log_cosh"])
def test_losses_of_keras_by_name_and_as_functions(loss):
    model = made()
    model.compile("sgd", loss=loss)
    guess = np.float32(predicted(model))
    expected = keras.losses.get(loss)(np.float32(STARS)[:, None], guess)
    close(evaluated(model, STARS)["loss"], array(ops.mean(expected)))


@pytest.mark.parametrize("batched", [False, True])
def test_every_way_in(batched):
    model = made(outputs=3)
    model.compile("sgd")
    rows = ROWS["values"]
    expected = ((np.float32(predicted(model)) - rows) ** 2).mean()
    dataset = tf.data.Dataset.from_tensor_slices((TEXTS, rows))
    found = model.evaluate(dataset.batch(2) if batched else dataset, verbose=0)
    close(found, expected)
    close(evaluated(model, rows.tolist())["loss"], expected)
    close(model.evaluate(iter(zip(TEXTS, rows.tolist(), strict=True)), verbose=0), expected)
    close(model.test_on_batch(TEXTS, rows), expected)
    single = made()
    single.compile("sgd")
    expected = evaluated(single, STARS)["loss"]
    close(single.evaluate({"review": TEXTS, "stars": STARS}, verbose=0), expected)


def mean_of_squares(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def one_number(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def without_the_axis(y_true, y_pred):
    return ops.square(y_true - y_pred[:, 0])


class OwnLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.square(y_true - y_pred)


OWN = [mean_of_squares, one_number, without_the_axis, OwnLoss()]


@pytest.mark.parametrize("loss", OWN, ids=lambda loss: getattr(loss, "__name__", "OwnLoss"))
def test_a_loss_of_the_user_is_not_spread(loss):
    """Labels `(rows,)` and predictions `(rows, 1)` would make `(rows, rows)`."""
    model = made()
    metrics = [] if isinstance(loss, OwnLoss) else [loss]
    model.compile("sgd", loss=loss, metrics=metrics)
    expected = ((np.ravel(predicted(model)) - STARS) ** 2).mean()
    for value in evaluated(model, STARS).values():
        close(value, expected)


def test_one_logit_for_two_classes():
    marks = [1, 0, 0, 1, 1]
    model = made()
    model.compile(
        "sgd",
        loss="binary_crossentropy",
        metrics=[keras.metrics.BinaryAccuracy(name="right"), keras.metrics.AUC(name="area")],
    )
    logits = np.ravel(predicted(model))
    p = 1 / (1 + np.exp(-logits))
    nats = -np.log(np.where(np.array(marks) == 1, p, 1 - p)).mean()
    measured = evaluated(model, marks)
    close(measured["loss"], nats)
    close(measured["right"], ((p > 0.5) == marks).mean())
    area = keras.metrics.AUC()
    area.update_state(np.float32(marks), np.float32(p))
    close(measured["area"], array(area.result()))
    model.compile("sgd", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    close(evaluated(model, marks)["loss"], nats)


def test_ordered_and_soft_labels_of_several_numbers():
    """Marks "above the first step, above the second, ...", and probabilities of classes."""
    above = np.float32([[1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0]])
    model = made(outputs=3)
    model.compile("sgd", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    logits = np.float32(predicted(model))
    nats = np.logaddexp(0, np.where(above == 1, -logits, logits)).mean()
    close(evaluated(model, above)["loss"], nats)
    soft = np.float32([[0.7, 0.2, 0.1]] * 4 + [[0.0, 0.0, 1.0]])
    model.compile("sgd", loss="categorical_crossentropy")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    close(evaluated(model, soft)["loss"], -(soft * log_p).sum(-1).mean())


TIMES = [[0.0, 2.5, -1.0, 0.0, 3.0], [0.0], [], [0.25] * 14, [1.0, 0.0]]  # 0 is a value


@pytest.mark.parametrize("loss", ["auto", mean_of_squares])
@pytest.mark.parametrize("outputs", [0, 1])
def test_values_of_tokens(outputs, loss):
    model = made(ReadingTime, outputs=outputs)
    model.compile("sgd", loss=loss, metrics=["mae"])
    y = np.concatenate(TIMES)
    guess = np.concatenate([np.ravel(row) for row in model.predict(TEXTS, verbose=0)])
    assert guess.shape == y.shape
    measured = evaluated(model, TIMES)
    close(measured["mae"], abs(guess - y).mean())
    close(measured["loss"], ((guess - y) ** 2).mean())
    strings = [" ".join(map(str, row)) for row in TIMES]
    dataset = tf.data.Dataset.from_tensor_slices((TEXTS, strings))
    for data in (dataset, dataset.batch(2)):
        close(model.evaluate(data, verbose=0, return_dict=True)["mae"], measured["mae"])
    ids, labels, _ = model.as_batch(TEXTS, TIMES)
    assert np.isnan(labels).sum() == labels.size - y.size
    close(model.evaluate(ids, labels, verbose=0, return_dict=True)["mae"], measured["mae"])
    history = model.fit(TEXTS, TIMES, batch_size=2, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


class Checked(Stars):
    """One that says what its ids are."""

    def make_preprocessor(self):
        return StarsPreprocessor(self.tokenizer, {"token_ids": IdColumn(7)})


def test_ids_by_hand():
    model = made(Checked)
    model.compile("sgd")
    ids = {"token_ids": np.int32([[4, 5], [6, 0]])}
    y = np.float32([-1.5, 0.25])
    expected = ((np.ravel(array(model(ids))) - y) ** 2).mean()
    dataset = tf.data.Dataset.from_tensor_slices((ids, y)).batch(2)
    for data in ((ids, y), (ids, y[:, None]), (dataset,)):
        close(model.evaluate(*data, verbose=0), expected)
    with pytest.raises(ValueError, match=r"`y` must be finite; received inf at \[1\]"):
        model.evaluate(ids, np.float32([0, np.inf]), verbose=0)
    with pytest.raises(ValueError, match="one stars for each review; received 2 reviews and 3"):
        model.evaluate(ids, np.zeros(3), verbose=0)
    with pytest.raises(ValueError, match="`y` must hold numbers; received <U1"):
        model.evaluate(ids, np.array(["a", "b"]), verbose=0)


def test_the_rules_of_tasks():
    check_task(made, TEXTS[:2] + TEXTS[3:], STARS[:2] + STARS[3:])


def test_a_tokenizer_or_its_config():
    tokenizer = ks.text.CharacterTokenizer.from_texts(["abc"])
    config = keras.saving.serialize_keras_object(tokenizer)
    assert ks.text.get_tokenizer(tokenizer) is tokenizer
    assert ks.text.get_tokenizer(config).vocabulary == tokenizer.vocabulary
    message = r"`letters` must be a keras_seq\.text\.Tokenizer, such as .* received 'char'"
    with pytest.raises(ValueError, match=message):
        ks.text.get_tokenizer("char", "letters")
    with pytest.raises(ValueError, match=r"`tokenizer` must be .* received None"):
        Stars(None)


@pytest.mark.parametrize(("kind", "outputs"), [(Stars, 0), (Stars, 1), (Stars, 3)])
def test_r_drop_is_refused(kind, outputs):
    model = made(kind, outputs=outputs)
    model.compile("sgd", r_drop=1.0)
    y = ROWS["values"] if outputs == 3 else STARS
    with pytest.raises(ValueError, match="`r_drop` must be 0 where labels are values"):
        model.fit(TEXTS, y, batch_size=2, verbose=0)
