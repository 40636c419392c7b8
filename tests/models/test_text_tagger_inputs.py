"""How words, characters and tags become ids, losses and weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import array, shortened

from keras_seq.layers import SelfAttentionEncoder
from keras_seq.models import TextTagger
from keras_seq.models.base.data import Texts

pytestmark = pytest.mark.usefixtures("eagerly")
SENTENCES = ["the cat sat in 1999", "THE dog", "", "a very-very-long-word sat", "a \u00e9t\u00e9"]
TAGS = ["D N V P X", "D N", "", "D N V", "D N"]
CONFIG = {"cell": "vanilla", "units": 4, "max_word_length": 6}
WORDS = [text.split() for text in SENTENCES]


def made(crf=True, **config):
    keras.utils.set_random_seed(1)
    model = TextTagger.from_texts(SENTENCES, TAGS, **{**CONFIG, "crf": crf, **config})
    model.compile("adam")
    if crf:
        rng = np.random.default_rng(0)
        model.chain.set_weights([rng.normal(size=w.shape) for w in model.chain.weights])
    return model


@pytest.fixture(scope="module")
def model():
    """A tagger that no test trains."""
    return made()


def likelihoods(model):
    """-log p of the tags of each sentence: out of the emissions, by the CRF alone."""
    inputs, labels, _ = model.as_batch(SENTENCES, TAGS)
    mask = labels != 0
    emissions = array(model(inputs))
    return -array(model.chain.log_likelihood(emissions, np.maximum(labels - 1, 0), mask))


def test_words_and_characters():
    model = made(lowercase=True, zero_digits=True)
    known = model.tokenizer.vocabulary
    assert {"the", "0000", "a"} <= {*known} and not {"THE", "1999"} & {*known}
    inputs = model.encode_examples([["The", "2024", "zebra", "</s>"], []]).inputs
    the, year, *strange = inputs["token_ids"][0].tolist()
    assert (known[the], known[year]) == ("the", "0000")
    assert strange == [model.tokenizer.unknown_token_id] * 2
    assert [one.tolist() for one in inputs["char_ends"]] == [[3, 7, 12, 16], []]
    letters = "".join(map(model.character_tokenizer.id_to_token, inputs["char_ids"][0][:3]))
    assert letters == "The"  # the case stays
    assert len(inputs["char_ids"][0]) == 16 and len(inputs["char_ids"][1]) == 0


def test_of_long_words_both_ends_are_read(model):
    inputs = model.encode_examples([["very-long"]]).inputs
    letters = map(model.character_tokenizer.id_to_token, inputs["char_ids"][0].tolist())
    assert "".join(letters) == "ver" + "ong" and inputs["char_ends"][0].tolist() == [6]


def test_words_with_white_space_inside():
    model = TextTagger.from_texts([["vingt et\u00a0un", "ans"]], [["A", "N"]], units=3)
    assert "vingt_et_un" in model.tokenizer
    assert len(model.tag([["vingt et un", "\u00a0", "ans"]])[0]) == 3


def test_a_graph_encodes_as_python_does(model):
    encode = tf.function(
        model.encode_tensors, input_signature=[tf.TensorSpec([None], tf.string)] * 2
    )
    strange = [*SENTENCES, "\t un\u00a0 known \x0b w\u00f6rds \U0001f600", "e\u0301t\u00e9 \ufb01n"]
    words = [text.split(" ") for text in strange[:-2]]
    tags = [*TAGS, "D N V V", "X N"]
    inputs, labels = encode(tf.constant(strange), tf.constant(tags))
    x = model.check_inputs(strange)
    assert x[:2] == words[:2] and len(x[-2]) == 4
    examples = model.encode_examples(x, model.check_targets(tags))
    for name, column in examples.inputs.items():
        assert inputs[name].to_list() == [row.tolist() for row in column]
    assert labels.to_list() == [row.tolist() for row in examples.labels]


FORMS = {
    "strings": lambda: (SENTENCES, TAGS),
    "lists": lambda: (WORDS, [tags.split() for tags in TAGS]),
    "arrays": lambda: (np.array(SENTENCES), np.array(TAGS)),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices((SENTENCES, TAGS)), None),
    "batch": lambda: (tf.data.Dataset.from_tensors((SENTENCES, TAGS)), None),
}


@pytest.mark.parametrize("form", shortened(FORMS, "strings", "batch"))
def test_every_form_gives_the_loss_per_word(model, form):
    found = model.evaluate(*FORMS[form](), verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(likelihoods(model).sum() / 12, rel=1e-4)


def test_weights_of_sentences_and_prepared_ids(model):
    weights = np.array([1, 2, 7, 0, 3], "float32")
    losses, words = likelihoods(model), np.array([len(row) for row in WORDS])
    expected = (losses * weights).sum() / (words * weights).sum()
    found = model.evaluate(SENTENCES, TAGS, sample_weight=weights, verbose=0)[0]
    assert found == pytest.approx(expected, rel=1e-4)
    x, y, own = model.as_batch(SENTENCES, TAGS, weights)
    assert y[1, :3].tolist() == [*(model.tag_names.index(tag) + 1 for tag in "DN"), 0]
    np.testing.assert_allclose(own.sum(axis=1), words * weights)
    for sample_weight in (own, weights):
        found = model.evaluate(x, y, sample_weight=sample_weight, verbose=0)[0]
        assert found == pytest.approx(expected, rel=1e-4)
    found = model.evaluate(x, y, verbose=0)[0]
    assert found == pytest.approx(losses.sum() / 12, rel=1e-4)


def test_without_a_crf_it_is_the_cross_entropy():
    model = made(crf=False)
    probabilities = model.predict(SENTENCES, verbose=0)
    chosen = [
        row[np.arange(len(row)), [model.tag_names.index(tag) for tag in tags.split()]]
        for row, tags in zip(probabilities, TAGS, strict=True)
    ]
    found = model.evaluate(SENTENCES, TAGS, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(-np.log(np.concatenate(chosen)).mean(), rel=1e-4)
    right = sum(
        a == b
        for one, two in zip(model.tag(WORDS), TAGS, strict=True)
        for a, b in zip(one, two.split(), strict=True)
    )
    assert found["token_accuracy"] == pytest.approx(right / 12)


def test_words_and_tags_are_padded_alike():
    model = made(characters=None)
    sentences = [["a"] * n for n in (3, 9, 15, 30, 70)] * 2
    tags = [["D"] * len(words) for words in sentences]
    examples = Texts(model, sentences, tags).examples
    for x, y, weight in model.make_batches(examples, 2).dataset.as_numpy_iterator():
        assert x["token_ids"].shape == y.shape == weight.shape


def test_rare_words_are_sometimes_unknown_in_training_alone():
    model = made(unknown_rate=0.5)
    seen_once = 12 - 2 * len({"sat", "a"})
    assert model.rare_words == seen_once
    ids = np.arange(model.tokenizer.vocabulary_size, dtype="int32")[None].repeat(400, axis=0)
    rare = ids >= model.tokenizer.vocabulary_size - seen_once
    found = array(model._some_unknown(keras.ops.array(ids), True))
    unknown = model.tokenizer.unknown_token_id
    assert ((found == ids) | ((found == unknown) & rare)).all()
    assert 0.4 < (found != ids)[rare].mean() < 0.6
    assert (array(model._some_unknown(keras.ops.array(ids), False)) == ids).all()


def test_unknown_words_are_learnt():
    model = made(unknown_rate=0.9)
    before = array(model.embedding.embeddings)[model.tokenizer.unknown_token_id].copy()
    model.fit(SENTENCES, TAGS, verbose=0)
    after = array(model.embedding.embeddings)[model.tokenizer.unknown_token_id]
    assert (before != after).any()


def test_another_encoder():
    encoder = SelfAttentionEncoder(4, num_layers=1, num_heads=2, return_sequences=True)
    keras.utils.set_random_seed(0)
    model = TextTagger.from_texts(
        SENTENCES, TAGS, encoder=encoder, embedding_dim=3, units=4, max_word_length=6
    )
    assert [len(row) for row in model.tag(WORDS)] == [5, 2, 0, 3, 2]
    assert model.encoder is encoder
