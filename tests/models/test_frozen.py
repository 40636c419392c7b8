"""What a user freezes in a task model stays frozen in its copy and in its file."""

import warnings

import keras
import numpy as np
import pytest
from checks import array

from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger

pytestmark = pytest.mark.once

MODELS = {
    "translator": (
        lambda: Seq2Seq.from_texts(["ab", "b"], ["x", "y"], tokens="char", units=4),
        "encoder",
    ),
    "language model": (
        lambda: LanguageModel.from_texts(["abab", "ba"], units=4, window=2),
        "embedding",
    ),
    "classifier": (
        lambda: TextClassifier.from_texts(["a b", "c"], ["x", "y"], units=4),
        "embedding",
    ),
    "tagger": (
        lambda: TextTagger.from_texts(["a b"], ["B-X O"], scheme="BIO", units=4),
        "encoder",
    ),
}
DATA = {
    "translator": (["ab", "b"], ["x", "y"]),
    "language model": (["abab", "ba"],),
    "classifier": (["a b", "c"], ["x", "y"]),
    "tagger": (["a b"], ["B-X O"]),
}


@pytest.mark.parametrize("name", MODELS)
def test_frozen_weights_stay_frozen(name, tmp_path):
    make, part = MODELS[name]
    model = make()
    assert "frozen_weights" not in model.get_config()
    getattr(model, part).trainable = False
    count = len(model.trainable_variables)
    model.compile(keras.optimizers.Adam(0.1))
    model.fit(*DATA[name], batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Skipping variable loading for optimizer"
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(loaded.trainable_variables) == count
    assert len(keras.models.clone_model(model).trainable_variables) == count
    before = [array(v).copy() for v in getattr(loaded, part).weights]
    loaded.fit(*DATA[name], batch_size=2, verbose=0)
    for one, other in zip(before, getattr(loaded, part).weights, strict=True):
        np.testing.assert_array_equal(one, array(other))
    getattr(loaded, part).trainable = True  # and thaws as ever
    assert len(loaded.trainable_variables) == len(make().trainable_variables)


def test_one_weight_of_a_layer(tmp_path):
    model = MODELS["classifier"][0]()
    model.projection.bias.trainable = False
    copy = type(model).from_config(model.get_config())
    assert [v.trainable for v in copy.projection.weights] == [True, False]


def test_a_whole_model():
    model = MODELS["classifier"][0]()
    model.trainable = False
    assert not type(model).from_config(model.get_config()).trainable_variables
