"""Sentences in, a tag for each word out."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import array, softmax
from tagged import tagged

import keras_seq as ks
from keras_seq.models import TextTagger
from keras_seq.text import check_tags

SMALL = {"cell": "vanilla", "units": 16, "embedding_dim": 4, "max_word_length": 4}
NAMED = ["Anna Li met Bo", "Rome", "", "Bo saw New York City", "he ran"]
SPANS = ["B-PER I-PER O B-PER", "B-LOC", "", "B-PER O B-LOC I-LOC I-LOC", "O O"]


BACKEND = keras.config.backend()
# Compiling is most of the time: where it takes long, one of both. Their features are the same
# numbers on each backend.
CHARACTERS = {"tensorflow": ["cnn"], "jax": ["lstm"], "torch": ["cnn", "lstm"]}


@pytest.fixture(scope="module", params=CHARACTERS[BACKEND])
def learnt(request):
    """A tagger that has learnt a little language, and sentences that it has not seen."""
    seen, unseen = tagged(160, 0), tagged(32, 1)
    keras.utils.set_random_seed(0)
    model = TextTagger.from_texts(
        *seen, characters=request.param, character_units=12, character_dim=8, **SMALL
    )
    model.compile(keras.optimizers.Adam(2e-2))
    score = ks.callbacks.TagScore(*unseen)
    more = {"validation_data": unseen} if request.param == CHARACTERS[BACKEND][0] else {}
    history = model.fit(*seen, epochs=8, callbacks=[score], verbose=0, **more)
    return types.SimpleNamespace(model=model, unseen=unseen, history=history.history)


@pytest.fixture(scope="module")
def named():
    """An untrained tagger of spans that no test trains, with a CRF that is not all 0."""
    keras.utils.set_random_seed(1)
    model = TextTagger.from_texts(NAMED, SPANS, "BIO", **{**SMALL, "units": 5})
    model.compile("adam")
    rng = np.random.default_rng(0)
    model.chain.set_weights([rng.normal(size=w.shape) for w in model.chain.weights])
    return model


@pytest.mark.slow
def test_learns_endings_and_neighbours(learnt):
    sentences, tags = learnt.unseen
    assert learnt.model.tag(sentences) == tags
    assert learnt.history["val_accuracy"][-1] == 1.0
    assert {"loss", "token_accuracy", "val_accuracy"} <= {*learnt.history}
    if "val_loss" in learnt.history:
        assert learnt.history["val_loss"][-1] < 0.2 and learnt.history["val_token_accuracy"]


def test_one_sentence_in_one_answer_out(learnt):
    answer = learnt.model.tag("abco  dcbe\tdado")
    assert answer == {"tokens": ["abco", "dcbe", "dado"], "tags": ["A", "v", "A"]}
    assert learnt.model.tag(["abco dcbe", ["abco", "dcbe"], ""]) == [
        {"tokens": ["abco", "dcbe"], "tags": ["A", "v"]},
        ["A", "v"],
        {"tokens": [], "tags": []},
    ]
    more = learnt.model.tag("abco dcbe", return_probabilities=True)
    assert more["probabilities"].argmax(axis=1).tolist() == [
        learnt.model.tag_names.index(tag) for tag in more["tags"]
    ]


def test_answers_come_in_the_order_of_the_sentences(named):
    sentences = [[*"a" * n] for n in (9, 1, 8, 3)] + [[]]
    found = named.predict(sentences, batch_size=2, verbose=0)
    assert [one.shape for one in found] == [(n, 5) for n in (9, 1, 8, 3, 0)]
    assert all(one.dtype == "float32" for one in found)
    single = [named.predict([words], verbose=0)[0] for words in sentences]
    texts = tf.data.Dataset.from_tensor_slices([" ".join(words) for words in sentences])
    for other in (single, named.predict(texts, verbose=0), named.predict_on_batch(sentences)):
        for a, b in zip(found, other, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    tags = named.tag(sentences, batch_size=2)
    assert tags == [named.tag([words])[0] for words in sentences]
    assert named.predict([]) == [] == named.tag([]) and named.tag([[], ""])[0] == []


@pytest.mark.parametrize("form", ["dict", "dataset"])
def test_ids_prepared_by_hand(named, form):
    inputs = named.as_batch(NAMED)[0]
    wider = {name: np.pad(x, ((0, 0), (0, 5))) for name, x in inputs.items()}
    given = wider if form == "dict" else tf.data.Dataset.from_tensors(wider)
    expected = named.predict(NAMED, verbose=0)
    for a, b in zip(named.predict(given, verbose=0), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("scheme", ["BIO", "IOBES"])
def test_what_comes_out_is_valid_and_marginals_sum_to_1(crf, scheme):
    tags = [ks.text.convert_tags(row.split(), "BIO", scheme) for row in SPANS]
    config = {**SMALL, "units": 4, "crf": crf, "characters": None}
    model = TextTagger.from_texts(NAMED, tags, scheme, **config)
    model.projection.set_weights([5 * w for w in model.projection.get_weights()])
    rng = np.random.default_rng(0)
    words = [*["he", "saw", "Rome", "Bo"]]
    sentences = [list(rng.choice(words, n)) for n in [1, 2, 5, 8] * 5]
    for tags in model.tag(sentences):
        check_tags(tags, scheme)
    for probabilities in model.predict(sentences, verbose=0):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert probabilities[0, [name[0] in "IE" for name in model.tag_names]].max() < 1e-6


def test_without_crf_and_scheme_it_is_a_softmax():
    config = {**SMALL, "units": 4, "crf": False}
    model = TextTagger.from_texts(["a b", "b"], ["X Y", "Z"], **config)
    logits = array(model(model.as_batch(["a b"])[0]))[0, :2]
    found = model.predict(["a b"], verbose=0)[0]
    np.testing.assert_allclose(found, softmax(logits), atol=1e-5)
    names = np.array(model.tag_names)
    assert model.tag([["a", "b"]]) == [names[logits.argmax(axis=1)].tolist()]
    assert not any("chain" in variable.path for variable in model.trainable_variables)


def test_spans_and_probabilities(named):
    (answer,) = named.tag([["Bo", "saw", "Rome"]], return_spans=True, return_probabilities=True)
    assert answer["tokens"] == ["Bo", "saw", "Rome"]
    assert answer["spans"] == ks.text.spans(answer["tags"], "BIO")
    assert answer["probabilities"].shape == (3, 5)
    assert named.tag("", return_spans=True)["spans"] == []


def test_a_long_sentence_is_answered_in_pieces(named):
    longer = ["Anna", "Li", "met", "Bo", "he", "saw", "Rome"]
    config = {**named.get_config(), "max_length": 3}
    short = TextTagger.from_config(config)
    short.set_weights(named.get_weights())
    pieces = named.predict([longer[:3], longer[3:6], longer[6:]], verbose=0)
    found = short.predict([longer, ["b"]], verbose=0)
    np.testing.assert_allclose(found[0], np.concatenate(pieces), atol=1e-5)
    assert len(found[1]) == 1 and len(short.tag([longer])[0]) == 7
    check_tags(short.tag([longer])[0], "BIO")
    assert short.as_batch([longer], [["O"] * 7])[1].astype(bool).sum() == 3


def test_iob1_is_read_and_bio_is_written():
    tags = [ks.text.convert_tags(row.split(), "BIO", "IOB1") for row in SPANS]
    assert tags[0][0] == "I-PER"
    models = []
    for given, scheme in ((tags, "IOB1"), (SPANS, "BIO")):
        keras.utils.set_random_seed(0)
        models.append(TextTagger.from_texts(NAMED, given, scheme, **{**SMALL, "units": 3}))
        models[-1].compile("adam")
    one, other = models
    assert one.tag_names == other.tag_names and one.scheme == other.scheme == "BIO"
    found = one.evaluate(NAMED, tags, verbose=0)
    np.testing.assert_allclose(found, other.evaluate(NAMED, SPANS, verbose=0), rtol=1e-5)
    assert one.get_config()["scheme"] == "IOB1"


def test_analyses_take_raw_text(named):
    flow = ks.analysis.gradient_flow(named, NAMED[:1], SPANS[:1])
    assert {"encoder/forward", "encoder/backward"} <= {*flow}
    units = ks.analysis.unit_activations(named, "Anna Li")
    assert units["encoder/forward"].tokens == ("Anna", "Li")
