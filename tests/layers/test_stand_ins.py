"""Our layers in the place of Keras's: arguments, attributes, configs and files of weights."""

import inspect

import keras
import pytest
from cases import D, U, floats
from checks import array, arrays, assert_close

from keras_seq.layers import GRU, LSTM, Bidirectional, RNNStack, VanillaRNN

pytestmark = pytest.mark.once

PAIRS = {
    "SimpleRNN": (VanillaRNN, keras.layers.SimpleRNN),
    "LSTM": (LSTM, keras.layers.LSTM),
    "GRU": (GRU, keras.layers.GRU),
}
every_pair = pytest.mark.parametrize("name", PAIRS)
X = floats(2, 3, D)


def model_of(layer):
    return keras.Sequential([keras.Input((3, D)), layer])


@every_pair
def test_every_attribute_and_every_entry_of_the_config(name):
    ours, theirs = (kind(U, name="layer") for kind in PAIRS[name])
    wanted = {one for one in dir(type(theirs)) if not one.startswith("_")}
    assert wanted - {*dir(type(ours))} == set()
    config = theirs.get_config()
    assert {key: ours.get_config()[key] for key in config} == config


@every_pair
def test_attributes_are_those_that_were_given(name):
    options = {
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": "ones",
        "recurrent_initializer": "zeros",
        "bias_initializer": "ones",
        "kernel_regularizer": "l2",
        "recurrent_regularizer": "l1",
        "bias_regularizer": "l2",
        "kernel_constraint": "max_norm",
        "recurrent_constraint": "non_neg",
        "bias_constraint": "max_norm",
        "dropout": 0.25,
        "recurrent_dropout": 0.5,
        "return_sequences": True,
        "return_state": True,
        "go_backwards": True,
        "unroll": True,
    }
    ours, theirs = (kind(U, **options) for kind in PAIRS[name])
    for one in ("units", *options):
        found, expected = getattr(ours, one), getattr(theirs, one)
        if hasattr(expected, "get_config"):
            assert type(found) is type(expected), one
            found, expected = found.get_config(), expected.get_config()
        assert found == expected, one


def test_arguments_by_position():
    """All of SimpleRNN's, in its order."""
    theirs = list(inspect.signature(keras.layers.SimpleRNN).parameters.values())[:-1]
    ours = list(inspect.signature(VanillaRNN).parameters.values())[: len(theirs)]
    assert [(one.name, one.default) for one in ours] == [(one.name, one.default) for one in theirs]
    values = [U, "relu", False, "ones", "zeros", "zeros", None, None, None, None]
    values += [None, None, None, 0.25, 0.5, True, True, False, False, True, 3]
    layers = VanillaRNN(*values, name="layer"), keras.layers.SimpleRNN(*values, name="layer")
    ours, theirs = (layer.get_config() for layer in layers)
    assert {key: ours[key] for key in theirs} == theirs


@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("swapped", [False, True], ids=["to theirs", "to ours"])
@every_pair
def test_files_of_weights(name, swapped, both, tmp_path):
    """A file of one is a file of the other, but for SimpleRNN's by itself: there by a model."""
    kinds = PAIRS[name][:: -1 if swapped else 1]
    wrappers = (Bidirectional, keras.layers.Bidirectional)[:: -1 if swapped else 1]
    layers = [kind(U) for kind in kinds]
    if both:
        layers = [wrapper(layer) for wrapper, layer in zip(wrappers, layers, strict=True)]
    one, other = (model_of(layer) for layer in layers)
    path = tmp_path / "model.weights.h5"
    one.save_weights(path)
    if name == "SimpleRNN" and not both:
        if swapped:
            with pytest.raises(ValueError, match="SimpleRNN into a model with"):
                other.load_weights(path)
        between = model_of(kinds[0](U))
        between.load_weights(path)
        other.set_weights(between.get_weights())
    else:
        other.load_weights(path)
    assert_close(arrays(other.get_weights()), arrays(one.get_weights()))
    assert_close(array(other(X)), array(one(X)))


def test_a_cell_that_is_a_pattern_has_no_weights_to_load(tmp_path):
    """A stack keeps one, from which those of its layers are made."""
    model = model_of(RNNStack("vanilla", U))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(arrays(loaded.get_weights()), arrays(model.get_weights()))
