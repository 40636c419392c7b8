"""AR and TAR: what large and unsteady outputs of a language model cost in training."""

import keras
import numpy as np
import pytest
from checks import weight_gradients

from keras_seq.models import LanguageModel
from keras_seq.models.language.penalties import activation_penalty

TEXTS = ["abcab", "cb"]


def make(**config):
    keras.utils.set_random_seed(0)
    model = LanguageModel.from_texts(TEXTS, cell="gru", units=5, window=None, **config)
    model.compile(keras.optimizers.SGD(0.1))
    return model


@pytest.mark.every_backend
def test_the_formula():
    rng = np.random.default_rng(0)
    h, dropped = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool)
    squares = [np.mean(dropped[b, t] ** 2) for b, t in zip(*np.nonzero(mask), strict=True)]
    changes = [
        np.mean((h[b, t] - h[b, t - 1]) ** 2)
        for b in range(3)
        for t in range(1, 5)
        if mask[b, t] and mask[b, t - 1]
    ]
    found = activation_penalty(*map(keras.ops.convert_to_tensor, (h, dropped, mask)), 2.0, 3.0)
    assert float(found) == pytest.approx(2 * np.mean(squares) + 3 * np.mean(changes), rel=1e-5)
    nothing = activation_penalty(h, dropped, keras.ops.zeros((3, 5), "bool"), 2.0, 3.0)
    assert float(nothing) == 0


@pytest.mark.every_backend
@pytest.mark.parametrize("window", [None, 3])
def test_training_has_it_in_its_loss_and_evaluation_not(window):
    options = {"activity": 2.0, "temporal": 1.0}
    model, plain = make(), make()
    model = LanguageModel.from_texts(TEXTS, cell="gru", units=5, window=window, **options)
    plain = LanguageModel.from_texts(TEXTS, cell="gru", units=5, window=window)
    plain.set_weights(model.get_weights())
    for one in (model, plain):
        one.compile(keras.optimizers.SGD(0.0))
    losses = [one.fit(TEXTS, batch_size=2, verbose=0).history["loss"][0] for one in (model, plain)]
    evaluated = [one.evaluate(TEXTS, batch_size=2, verbose=0)[0] for one in (model, plain)]
    assert evaluated[0] == pytest.approx(evaluated[1], rel=1e-6)
    assert losses[1] == pytest.approx(evaluated[1], rel=1e-5)
    assert losses[0] > losses[1] + 1e-3
    if window is None:  # one batch: the same number from the outputs of the encoder
        x, y, _ = model.as_batch(TEXTS)
        mask = keras.ops.convert_to_tensor(x["token_ids"] != 0)
        outputs, _ = model.encoder(model.embedding(x["token_ids"]), mask=mask)
        expected = losses[1] + float(activation_penalty(outputs, outputs, mask, 2.0, 1.0))
        assert losses[0] == pytest.approx(expected, rel=1e-5)
        assert int((y != 0).sum()) == 9  # tokens and ends


def test_the_gradient_is_that_of_the_penalty():
    """What a step of SGD moves besides is the gradient of the penalty by the learning rate."""
    x = make().as_batch(TEXTS)[0]["token_ids"]
    moved = []
    for options in ({}, {"activity": 3.0, "temporal": 2.0}):
        model = make(**options)
        model.train_on_batch(TEXTS)
        moved.append(model.get_weights())
    model = make()

    def penalty():
        mask = keras.ops.convert_to_tensor(x != 0)
        outputs, _ = model.encoder(model.embedding(x), mask=mask)
        return activation_penalty(outputs, outputs, mask, 3.0, 2.0)

    gradients = weight_gradients(model.trainable_variables, penalty)
    assert any(np.abs(gradient).max() > 1e-3 for gradient in gradients)
    for plain, other, gradient in zip(*moved, gradients, strict=True):
        np.testing.assert_allclose(plain - other, 0.1 * gradient, atol=2e-6)


def test_off_is_what_was_before():
    def weights(**config):
        model = make(dropout=0.3, **config)
        model.fit(TEXTS, epochs=2, batch_size=2, verbose=0)
        return model.get_weights()

    for one, other in zip(weights(), weights(activity=0, temporal=0.0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_config_has_the_factors():
    model = make(activity=2, temporal=1)
    config = model.get_config()
    assert (config["activity"], config["temporal"]) == (2.0, 1.0)
    assert LanguageModel.from_config(config).get_config() == config
    for name in ("activity", "temporal"):
        with pytest.raises(ValueError, match=f"`{name}` must be a finite number of at least 0; r"):
            make(**{name: -1})
