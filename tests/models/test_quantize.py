"""Task models in fewer bits: they answer as their layers do, and are saved as what they are."""

import keras
import numpy as np
import pytest
from checks import array, shortened
from keras import ops

from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger, load_model

TEXTS = ["abc de", "bcd a", "cab e", "eab d"]


def translator(**config):
    return Seq2Seq.from_texts(
        TEXTS, TEXTS[::-1], units=4, bidirectional=False, **{"tokens": "char", **config}
    )


def logits_at_once_and_by_steps(model):
    """Those of one text, `(steps, vocabulary)`: from `call`, and from `start` and `step`."""
    if isinstance(model, LanguageModel):
        fed = np.array([[1, 5, 6, 7, 4]], "int32")
        whole = model({"token_ids": fed})
        state, memory = model.start(ops.convert_to_tensor(fed[:, :0]))
    else:
        columns = model.encode_examples(["abc de"], ["cab e"]).inputs
        columns = {name: np.array(rows, "int32") for name, rows in columns.items()}
        whole, fed = model(columns), columns.pop("target_ids")
        columns = {name: ops.convert_to_tensor(x) for name, x in columns.items()}
        state, memory = model.start(**columns)
    steps = []
    for token_ids in fed.T:
        logits, state = model.step(ops.convert_to_tensor(token_ids), state, memory)
        steps.append(array(logits)[0])
    return array(whole)[0], np.stack(steps)


STEPPING = {
    "translator": translator,
    "tied translator": lambda: translator(
        tie_embeddings=True, readout="maxout", input_feeding=True
    ),
    "copying translator": lambda: translator(copy=True),
    "tied language model": lambda: LanguageModel.from_texts(
        TEXTS, units=4, tie_embeddings=True, embedding_dim=3
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", shortened(STEPPING, "tied translator"))
def test_a_step_of_a_search_is_a_step_of_the_whole(name):
    """Both read the same 8 bits with the same scale."""
    keras.utils.set_random_seed(0)
    model = STEPPING[name]()
    before, _ = logits_at_once_and_by_steps(model)
    model.quantize("int8")
    whole, steps = logits_at_once_and_by_steps(model)
    possible = steps > -1e8
    np.testing.assert_allclose(steps[possible], whole[possible], atol=1e-4)
    assert 0 < np.abs(whole - before).max() < 0.2


def answers(model):
    if isinstance(model, TextClassifier):
        return model.predict(TEXTS, verbose=0).tolist()
    if isinstance(model, TextTagger):
        return model.tag(TEXTS)
    return model.generate(TEXTS, "greedy", max_length=5, return_scores=True)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: TextClassifier.from_texts(TEXTS, ["x", "y"] * 2, units=4),
        lambda: TextTagger.from_texts(TEXTS, ["A B"] * 4, units=4),
        lambda: translator(tie_embeddings=True),
        lambda: LanguageModel.from_texts(TEXTS, units=4),
    ],
    ids=["classifier", "tagger", "translator", "language model"],
)
def test_it_is_saved_and_cloned_as_it_is(make, mode, tmp_path):
    model = make()
    model.compile("adam")
    model.quantize(mode)
    expected = answers(model)
    assert "quantized_layers" in model.get_config()
    model.save(tmp_path / "m.keras")
    assert answers(load_model(tmp_path / "m.keras")) == expected
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert answers(clone) == expected


@pytest.mark.once
def test_only_what_is_asked_for(tmp_path):
    model = TextClassifier.from_texts(TEXTS, ["x", "y"] * 2, units=4)
    assert "quantized_layers" not in model.get_config()
    model.quantize("int8", filters="projection")
    assert model.projection.quantization_mode == "int8"
    assert model.embedding.quantization_mode is None
    model.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert loaded.projection.quantization_mode == "int8"
    assert loaded.embedding.quantization_mode is None
    assert answers(loaded) == answers(model)
    with pytest.raises(ValueError, match="filters"):
        model.quantize("int8", filters=5)
