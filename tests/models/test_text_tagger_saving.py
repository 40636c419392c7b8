"""One file, tokenizers and tags inside, read on any backend."""

import keras
import numpy as np
import pytest
from cases import SENTENCES, TAGS
from checks import array

import keras_seq as ks
from keras_seq.models import TextTagger
from keras_seq.testing.comparing import json_copy

pytestmark = pytest.mark.usefixtures("eagerly")
NEW = [*SENTENCES, "Zoe saw Anna in York"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = TextTagger.from_texts(SENTENCES, TAGS, "BIO", cell="vanilla", units=6)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(SENTENCES, TAGS, epochs=2, verbose=0)
    return model


def probabilities(model):
    return np.concatenate(model.predict(NEW, verbose=0))


def test_a_loaded_model_is_the_same_and_goes_on(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = ks.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(probabilities(loaded), probabilities(model), atol=1e-6)
    assert loaded.tag(NEW) == model.tag(NEW) and loaded.tag_names == model.tag_names
    for one, other in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(array(one), array(other), atol=1e-7)
    before = loaded.evaluate(SENTENCES, TAGS, verbose=0)[0]
    assert before == pytest.approx(model.evaluate(SENTENCES, TAGS, verbose=0)[0], rel=1e-4)
    chain = array(loaded.chain.transitions).copy()
    loaded.fit(SENTENCES, TAGS, epochs=2, verbose=0)
    assert loaded.evaluate(SENTENCES, TAGS, verbose=0)[0] < before
    assert (array(loaded.chain.transitions) != chain).any()  # the loss has the CRF of its model
    np.testing.assert_allclose(array(model.chain.transitions), chain, atol=1e-7)


@pytest.mark.once
@pytest.mark.parametrize(
    "config",
    [
        {"characters": "lstm", "character_units": 3, "max_word_length": 4, "scheme": "IOB1"},
        {"characters": None, "num_layers": 2, "residual": True, "max_length": 2},
        {"crf": False, "zero_digits": True, "lowercase": True, "scheme": None},
        {
            "cell": "lstm",
            "encoder": ks.layers.RNNStack("min_gru", 3, return_sequences=True),
            "unknown_rate": 0.1,
        },
    ],
    ids=lambda config: next(iter(config)),
)
def test_a_config_alone_rebuilds_the_model(config):
    config = {"cell": "vanilla", "units": 3, "embedding_dim": 3, "scheme": "BIO", **config}
    tags = TAGS
    if config["scheme"] == "IOB1":
        tags = [ks.text.convert_tags(row.split(), "BIO", "IOB1") for row in TAGS]
    model = TextTagger.from_texts(SENTENCES, tags, **config)
    copy = json_copy(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(probabilities(copy), probabilities(model), atol=1e-6)
    assert copy.tag(NEW) == model.tag(NEW)
    assert [copy.tags.read_scheme, copy.rare_words] == [model.tags.read_scheme, model.rare_words]


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "scheme"),
    [("IOB2", "BIO"), ("bioes", "IOBES"), ("BILOU", "BILOU"), ("biluo", "BILOU"), ("BMES", "BMES")],
)
def test_each_name_of_a_scheme(tmp_path, name, scheme):
    tags = [ks.text.convert_tags(row.split(), "BIO", scheme) for row in TAGS]
    model = TextTagger.from_texts(SENTENCES, tags, name, cell="vanilla", units=6)
    assert model.scheme == model.get_config()["scheme"] == scheme
    same = TextTagger.from_texts(SENTENCES, tags, scheme, cell="vanilla", units=6)
    assert model.tag_names == same.tag_names
    model.compile("adam")
    model.fit(SENTENCES, tags, epochs=1, verbose=0)
    found = model.tag(NEW, return_spans=True)
    for one in found:
        assert one["spans"] == ks.text.spans(one["tags"], name)  # so they are valid
    true = [ks.text.convert_tags(row, scheme, scheme) for row in tags]
    assert ks.analysis.tag_scores(true, true, name)["f1"] == 1.0
    model.save(tmp_path / "model.keras")
    assert ks.models.load_model(tmp_path / "model.keras").tag(NEW) == model.tag(NEW)
