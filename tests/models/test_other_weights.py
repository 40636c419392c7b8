"""A model that answered before it got other weights: low-rank adapters, or fewer bits."""

import keras
import numpy as np
import pytest

from keras_seq.models import LanguageModel, Seq2Seq, TextTagger, load_model

TEXTS = ["abc de", "bcd a", "cab e", "eab d"]  # two words each


def tagger():
    return TextTagger.from_texts(TEXTS, ["A B", "B A"] * 2, units=4, characters=None)


def translator():
    return Seq2Seq.from_texts(TEXTS, TEXTS[::-1], tokens="char", units=4, bidirectional=False)


def writer():
    return LanguageModel.from_texts(TEXTS, units=4)


def answers(model):
    """Numbers of all that is compiled for texts."""
    if isinstance(model, TextTagger):
        found = model.tag(TEXTS, return_probabilities=True)
        return [float(x) for one in found for x in np.ravel(one["probabilities"])]
    if isinstance(model, LanguageModel):
        drawn = model.generate(TEXTS, "greedy", max_length=4, return_scores=True)
        scores = [one["log_probability"] for one in model.score(TEXTS)]
        return scores + [one["score"] for one in drawn]
    found = model.generate(TEXTS, max_length=4, return_scores=True)
    weights = model.attention(TEXTS, TEXTS)
    return [one["score"] for one in found] + [float(one["attention"].std()) for one in weights]


@pytest.mark.parametrize("make", [tagger, translator, writer])
def test_adapters_are_in_the_answers(make, tmp_path):
    """A file has them merged into the matrices."""
    keras.utils.set_random_seed(0)
    model = make()
    model.compile("adam")
    before = answers(model)
    embedding = model.source_embedding if make is translator else model.embedding
    embedding.enable_lora(2)
    np.testing.assert_allclose(answers(model), before, atol=1e-5)  # one factor is 0 yet
    embedding.lora_embeddings_a.assign(np.ones(embedding.lora_embeddings_a.shape))
    embedding.lora_embeddings_b.assign(np.ones(embedding.lora_embeddings_b.shape))
    after = answers(model)
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(after, answers(loaded), atol=1e-5)
    assert np.abs(np.array(after) - before).max() > 1e-3
    frozen = [weight for weight in loaded.weights if not weight.trainable]
    own = loaded.source_embedding if make is translator else loaded.embedding
    assert [weight is own.embeddings for weight in frozen] == [True]


@pytest.mark.slow
def test_fewer_bits_are_in_the_answers(tmp_path):
    keras.utils.set_random_seed(0)
    model = writer()
    model.compile("adam")
    before = answers(model)
    model.quantize("int4")
    after = answers(model)
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(after, answers(load_model(tmp_path / "m.keras")), atol=1e-5)
    assert np.abs(np.array(after) - before).max() > 1e-4
