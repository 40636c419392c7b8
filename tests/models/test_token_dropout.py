"""Tokens read as the unknown one in training, and features dropped at all steps of a row."""

import keras
import numpy as np
import pytest
from checks import array, shortened

from keras_seq import layers
from keras_seq.layers.dropout import masks_between, ones_dropped, some_unknown
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger

ALL = 1 - 1e-9  # 1 in float32: every draw is below
TEXTS = ["abc ab", "cab b", "a bc"]
TAGS = ["X Y", "X Y", "Y X"]
SMALL = {"units": 4, "cell": "gru"}


def make(task, **config):
    keras.utils.set_random_seed(0)
    config = {**SMALL, **config}
    if task == "translator":
        return Seq2Seq.from_texts(
            TEXTS, [text[::-1] for text in TEXTS], **{"tokens": "char", **config}
        )
    if task == "language_model":
        return LanguageModel.from_texts(TEXTS, window=None, **config)
    if task == "tagger":
        return TextTagger.from_texts(TEXTS, TAGS, unknown_rate=0.0, **config)
    return TextClassifier.from_texts(TEXTS, ["p", "n", "p"], tokens="char", **config)


def data_of(task):
    targets = {
        "translator": [text[::-1] for text in TEXTS],
        "language_model": None,
        "tagger": TAGS,
        "classifier": ["p", "n", "p"],
    }
    return TEXTS, targets[task]


def batch_of(task, model):
    return model.as_batch(*data_of(task))[0]


def without_tokens(inputs):
    """Inputs of which all tokens but the special ones are unknown; characters stay."""
    names = ("token_ids", "source_ids", "target_ids")
    return {name: np.where((x > 3) & (name in names), 3, x) for name, x in inputs.items()}


TASKS = ("translator", "language_model", "tagger", "classifier")
every_task = pytest.mark.parametrize("task", TASKS)


@every_task
def test_where_all_are_dropped_all_are_unknown(task):
    model = make(task, token_dropout=ALL)
    inputs = batch_of(task, model)
    assert any((x > 3).any() for x in inputs.values())
    expected = array(model(without_tokens(inputs)))
    np.testing.assert_allclose(array(model(inputs, training=True)), expected, atol=1e-6)


@every_task
def test_nothing_is_dropped_at_inference(task):
    model, plain = make(task, token_dropout=0.5), make(task)
    plain.set_weights(model.get_weights())
    inputs = batch_of(task, model)
    np.testing.assert_array_equal(array(model(inputs)), array(plain(inputs)))
    # ... and where it is off not in training either; nor is there a seed for it.
    np.testing.assert_array_equal(array(plain(inputs, training=True)), array(plain(inputs)))
    assert len(plain.variables) == len(make(task).variables) < len(model.variables)


@pytest.mark.parametrize("task", shortened(TASKS, "classifier"))
def test_a_seed_repeats_a_training_with_dropped_tokens(task):
    def trained(**config):
        model = make(task, token_dropout=0.3, **config)
        model.compile(keras.optimizers.Adam(0.05))
        keras.utils.set_random_seed(1)
        model.fit(*data_of(task), epochs=2, batch_size=2, verbose=0)
        return model.get_weights()

    first, second = trained(), trained()
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@every_task
def test_the_config_has_the_rate(task):
    model = make(task, token_dropout=0.25)
    assert model.get_config()["token_dropout"] == 0.25
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    assert again.get_config() == model.get_config()
    with pytest.raises(ValueError, match=r"`token_dropout` must be a number in \[0, 1\); rec"):
        make(task, token_dropout=1)


def test_each_token_is_dropped_at_the_rate():
    ids = np.arange(10, dtype="int32")[None].repeat(2000, axis=0)
    seed = keras.random.SeedGenerator(0)
    found = array(some_unknown(keras.ops.convert_to_tensor(ids), 0.2, 3, seed))
    np.testing.assert_array_equal(found[:, :4], ids[:, :4])
    assert ((found == ids) | (found == 3)).all()
    shares = (found[:, 4:] == 3).mean(axis=0)
    np.testing.assert_allclose(shares, 0.2, atol=0.05)  # five standard deviations
    rows = (found[:, 4:] == 3).sum(axis=1)  # each token by itself: a binomial distribution
    assert rows.var() == pytest.approx(6 * 0.2 * 0.8, rel=0.15)


def test_what_the_decoder_wrote_itself_is_not_dropped():
    config = {"teacher_forcing_ratio": 0.0}
    model, plain = make("translator", token_dropout=ALL, **config), make("translator", **config)
    plain.set_weights(model.get_weights())
    inputs = batch_of("translator", model)
    expected = plain({**inputs, "source_ids": without_tokens(inputs)["source_ids"]}, training=True)
    np.testing.assert_allclose(array(model(inputs, training=True)), array(expected), atol=1e-6)


def test_a_pointer_is_fed_the_unknown_token():
    model = make("translator", token_dropout=ALL, copy=True)
    sources, targets = ["axy", "bz"], ["ya", "zb"]  # x, y and z are in no vocabulary
    inputs = model.as_batch(sources, targets)[0]
    assert inputs["target_ids"].max() >= model.target_tokenizer.vocabulary_size
    expected = array(model(without_tokens(inputs)))
    np.testing.assert_allclose(array(model(inputs, training=True)), expected, atol=1e-6)


WAYS = (
    {"order": "bahdanau"},
    {"order": "luong"},
    {"input_feeding": True},
    {"teacher_forcing_ratio": 0.5},
)


@pytest.mark.parametrize("config", shortened(WAYS, WAYS[1]), ids=str)
def test_a_variational_translator_trains(config):
    model = make("translator", variational=True, dropout=0.3, num_layers=2, **config)
    assert isinstance(model.source_dropout, keras.layers.SpatialDropout1D)
    assert model.encoder.variational and model.get_config()["variational"]
    model.compile(keras.optimizers.Adam(0.01))
    before = model.evaluate(*data_of("translator"), verbose=0, return_dict=True)["loss"]
    model.fit(*data_of("translator"), epochs=8, verbose=0)
    assert model.evaluate(*data_of("translator"), verbose=0, return_dict=True)["loss"] < before


def test_variational_dropout_is_the_same_at_all_steps():
    decoder = layers.Decoder(9, cell="gru", units=50, dropout=0.5, variational=True)
    inputs = keras.ops.ones((3, 7, 50))
    for mask in (
        array(ones_dropped(decoder.dropout_layer, inputs, 50)),
        array(decoder.dropout_layer(inputs, training=True)),
    ):
        assert set(np.unique(mask)) == {0.0, 2.0}
        np.testing.assert_array_equal(mask, mask[:, :1].repeat(7, axis=1))
        assert (mask[0] != mask[1]).any()


@pytest.mark.parametrize("variational", [False, True])
def test_between_cells_there_is_a_mask_per_sequence(variational):
    decoder = layers.Decoder(9, units=8, dropout=0.5, num_layers=3, variational=variational)
    states = [[keras.ops.zeros((40, size)), keras.ops.zeros((40, 8))] for size in (8, 10, 12)]
    masks = [array(mask) for mask in masks_between(decoder.dropout_layer, states)]
    assert [mask.shape for mask in masks] == [(40, 8), (40, 10)]
    for mask in masks:
        assert set(np.unique(mask)) == {0.0, 2.0}
        assert mask.mean() == pytest.approx(1, abs=0.3)
    assert masks_between(layers.Decoder(9, units=8).dropout_layer, states) is None
