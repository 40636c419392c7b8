"""Models written as presets and read by their names, whole or with other arguments."""

import os
import pathlib
import zipfile

import keras
import numpy as np
import pytest
from checks import array

import keras_seq as ks
from keras_seq.models import LanguageModel, Seq2Seq, Task, TextClassifier, TextTagger
from keras_seq.models.base import preset_model

TEXTS, LABELS = ["a fine film", "so dull"] * 4, ["good", "bad"] * 4

# What each shipped model answers, right or wrong; its card has the scores.
ANSWERS = {
    "dates": {
        "le 27 septembre 2016": "2016-09-27",
        "3.10.98": "1998-10-03",
        "": "",
    },
    "g2p_en": {
        "Recurrent": "R IY K ER AH N T",
        "COLONEL": "K ER N AH L",
        "gnocchi": "N OW K IY",
        "": "",
    },
    "tatoeba_en_de": {
        "Where is the station?": "Wo ist der Bahnhof?",
        "She lost a book.": "Sie hat ein Buch verloren.",
        "Go that way.": "Mach so.",
        "": "",
    },
    "tatoeba_en_fr": {
        "Where is the station?": "Où est la gare ?",
        "Tom is teaching us French.": "Tom nous enseigne le français.",
        "Let's drop it.": "Allons-le !",
        "": "",
    },
    "tatoeba_de_en": {
        "Wo ist der Bahnhof?": "Where is the station?",
        "Tom kam 2013 nach Boston.": "Tom came to Boston in 2013.",
        "Tom hupte.": "Tom smelled.",
        "": "",
    },
    "shakespeare": {
        "ROMEO:": "ROMEO:\nAnd then I say, the state of the state ",
        "To be, or": "To be, or the man of the state,\nThat thou art not",
        "": "ANGELO:\nI will not be the strength of th",
    },
    "pos_en": {
        "They fish for fish .": ["PRON", "VERB", "ADP", "NOUN", "PUNCT"],
        "The dog barks .": ["DET", "NOUN", "NOUN", "PUNCT"],
        "i will let you know later .": ["PRON", "AUX", "VERB", "PRON", "VERB", "ADV", "PUNCT"],
        "": [],
    },
}

MAKERS = {
    "Seq2Seq": lambda: Seq2Seq.from_texts(TEXTS, LABELS, tokens="char", cell="gru", units=4),
    "LanguageModel": lambda: LanguageModel.from_texts(TEXTS, units=4),
    "TextClassifier": lambda: TextClassifier.from_texts(TEXTS, LABELS, units=4),
    "TextTagger": lambda: TextTagger.from_texts(["a b", "b a"], ["A B", "B A"], units=4),
}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder whose presets have a name."""
    monkeypatch.setenv("KERAS_SEQ_PRESETS", str(tmp_path))
    return tmp_path


def values(model):
    return [array(weight) for weight in model.weights]


def assert_equal(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.every_backend
@pytest.mark.parametrize("name", ANSWERS)
def test_shipped_models_answer(name):
    model = Task.from_preset(name)
    if isinstance(model, TextTagger):
        answers = [answer["tags"] for answer in model.tag([*ANSWERS[name]])]
    elif isinstance(model, LanguageModel):
        answers = model.generate([*ANSWERS[name]], sampler="greedy", max_length=40)
    else:
        answers = model.predict([*ANSWERS[name]]).tolist()
    assert answers == [*ANSWERS[name].values()]


@pytest.mark.once
def test_every_shipped_model_has_its_answers_and_a_whole_card():
    folder = pathlib.Path(ks.__file__).parent.parent / "saved_models"
    assert {path.parent.name for path in folder.glob("*/model.keras")} == {*ANSWERS}
    for name in ANSWERS:
        card = (folder / name / "README.md").read_text("utf-8")
        assert "TO FILL IN" not in card
        titles = [line for line in card.splitlines() if line.startswith("## ")]
        template = preset_model.model_card(MAKERS["Seq2Seq"](), name, 1)
        assert [line for line in template.splitlines() if line.startswith("## ")] == titles[:7]


@pytest.mark.once
@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_written_is_read_again(shelf, kind):
    model = MAKERS[kind]()
    model.compile(keras.optimizers.Nadam(0.5))
    model.save_to_preset(shelf / "mine")
    assert sorted(os.listdir(shelf / "mine")) == ["README.md", "model.keras"]
    assert ks.presets()["mine"]["kind"] == kind
    for again in (
        Task.from_preset("mine"),
        type(model).from_preset(shelf / "mine"),
        ks.models.load_model(str(shelf / "mine" / "model.keras")),
        keras.saving.load_model(shelf / "mine" / "model.keras"),
    ):
        assert type(again) is type(model) and again.name == model.name
        assert again.get_compile_config() == model.get_compile_config()
        assert_equal(values(again), values(model))
    assert not Task.from_preset("mine", compile=False).compiled


@pytest.mark.once
def test_step_graphs_of_the_model_before_are_removed(shelf):
    for name in ("step", "mine"):
        (shelf / "mine" / name).mkdir(parents=True)
    (shelf / "mine" / "step" / "manifest.json").write_text("{}")
    MAKERS["TextClassifier"]().save_to_preset(shelf / "mine")
    assert sorted(os.listdir(shelf / "mine")) == ["README.md", "mine", "model.keras"]


@pytest.mark.once
@pytest.mark.parametrize("kind", ["Nadam", "Adagrad", "Adam"])
def test_the_optimiser_begins_anew(shelf, kind, recwarn):
    model = MAKERS["TextClassifier"]()
    model.compile(getattr(keras.optimizers, kind)(0.5))
    first = [array(variable) for variable in model.optimizer.variables]
    model.fit(TEXTS, LABELS, epochs=2, verbose=0)
    trained = [array(variable) for variable in model.optimizer.variables]
    model.save_to_preset(shelf / "mine", dtype="float16")
    fresh = MAKERS["TextClassifier"]()
    fresh.compile(getattr(keras.optimizers, kind)(0.5))
    fresh.optimizer.build(fresh.trainable_variables)
    expected = [array(variable) for variable in fresh.optimizer.variables]
    again = Task.from_preset("mine")
    assert_equal([array(variable) for variable in again.optimizer.variables], expected)
    assert_equal([array(variable) for variable in model.optimizer.variables], trained)
    assert len(first) <= len(expected) == len(trained)
    again.fit(TEXTS, LABELS, verbose=0)
    assert not [one for one in recwarn if "optimizer" in str(one.message)]


@pytest.mark.every_backend
def test_half_precision_is_rounded_and_read_as_before(shelf):
    model = MAKERS["Seq2Seq"]()
    model.compile("adam")
    model.save_to_preset(shelf / "whole")
    model.save_to_preset(shelf / "half", dtype="float16")
    rounded = [
        value.astype("float16").astype(value.dtype) if value.dtype == "float32" else value
        for value in values(model)
    ]
    again = Seq2Seq.from_preset("half")
    assert_equal(values(again), rounded)
    assert [weight.dtype for weight in again.weights] == [w.dtype for w in model.weights]
    assert float(again.optimizer.learning_rate) == float(model.optimizer.learning_rate)
    assert_equal(values(Seq2Seq.from_preset("whole")), values(model))
    again.fit(TEXTS, LABELS, verbose=0)


@pytest.mark.once
def test_half_precision_halves_the_file(shelf):
    model = TextClassifier.from_texts(TEXTS, LABELS, units=128)
    model.compile("adam")
    model.fit(TEXTS, LABELS, verbose=0)
    model.save(shelf / "plain.keras")
    model.save_to_preset(shelf / "whole")
    model.save_to_preset(shelf / "half", dtype="float16")
    plain = (shelf / "plain.keras").stat().st_size
    whole, half = (ks.presets()[name]["size"] for name in ("whole", "half"))
    assert whole < 0.4 * plain and half < 0.55 * whole  # Adam has two numbers for each weight
    with zipfile.ZipFile(shelf / "half" / "model.keras") as archive:
        assert archive.testzip() is None


@pytest.mark.once
@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (7e4, "float16", "`dtype` must be None for a model with a weight of 70000; received 'floa"),
        (1.0, "int8", "`dtype` must be one of None, 'float16'; received 'int8'"),
        (1.0, "float32", "`dtype` must be one of None, 'float16'"),
    ],
)
def test_other_types_of_weights(shelf, value, dtype, message):
    model = MAKERS["Seq2Seq"]()
    model.weights[0].assign(np.full(model.weights[0].shape, value))
    with pytest.raises(ValueError, match=message):
        model.save_to_preset(shelf / "a" / "b", dtype=dtype)
    assert os.listdir(shelf) == []


@pytest.mark.once
def test_frozen_and_quantised_models(shelf):
    model = MAKERS["TextClassifier"]()
    model.embedding.trainable = False
    model.compile("adam")
    model.save_to_preset(shelf / "frozen")
    for again in Task.from_preset("frozen"), Task.from_preset("frozen", load_weights=False):
        assert [w.trainable for w in again.weights] == [w.trainable for w in model.weights]
        again.fit(TEXTS, LABELS, verbose=0)
    model.quantize("int8")
    model.save_to_preset(shelf / "small", dtype="float16")
    again = Task.from_preset("small")
    assert [weight.dtype for weight in again.weights] == [w.dtype for w in model.weights]
    assert "int8" in [weight.dtype for weight in again.weights]
    np.testing.assert_allclose(again.predict(TEXTS), model.predict(TEXTS), atol=2e-3)


@pytest.mark.once
def test_first_weights_in_the_place_of_those_saved(shelf):
    model = MAKERS["Seq2Seq"]()
    model.compile("adam", sampler="greedy")
    model.save_to_preset(shelf / "mine")
    keras.utils.set_random_seed(1)
    other = Seq2Seq.from_preset("mine", load_weights=False)
    assert other.get_config() == model.get_config()
    assert other.get_compile_config() == model.get_compile_config()
    assert isinstance(other.sampler, ks.samplers.Greedy)
    assert any(np.any(a != b) for a, b in zip(values(other), values(model), strict=True))
    other.fit(TEXTS, LABELS, verbose=0)
    assert not Seq2Seq.from_preset("mine", load_weights=False, compile=False).compiled


@pytest.mark.once
def test_arguments_in_the_place_of_those_saved(shelf):
    model = MAKERS["Seq2Seq"]()
    model.compile("adam")
    model.save_to_preset(shelf / "mine")
    again = Seq2Seq.from_preset("mine", dropout=0.25, max_source_length=99, name="other")
    assert (again.dropout, again.max_source_length, again.name) == (0.25, 99, "other")
    assert_equal(values(again), values(model))
    assert again.compiled and again.generate(TEXTS) == model.generate(TEXTS)
    half = Seq2Seq.from_preset("mine", dtype="mixed_float16")
    assert half.compute_dtype == "float16" and half.decoder.compute_dtype == "float16"
    wide = Seq2Seq.from_preset("mine", load_weights=False, units=5, cell="lstm")
    assert wide.get_config()["units"] == 5 and wide.count_params() > model.count_params()
    for changes in ({"units": 5}, {"num_layers": 2}, {"attention": None}, {"cell": "lstm"}):
        with pytest.raises(ValueError, match=r"the model has weights of other shapes .*load_weigh"):
            Seq2Seq.from_preset("mine", **changes)
    with pytest.raises(ValueError, match=r"A Seq2Seq takes attention, .*; received num_classes\."):
        Seq2Seq.from_preset("mine", num_classes=2)
    with pytest.raises(ValueError, match="units"):
        Seq2Seq.from_preset("mine", load_weights=False, units=0)


@pytest.mark.once
def test_a_preset_of_another_kind(shelf):
    MAKERS["TextTagger"]().save_to_preset(shelf / "tags")
    with pytest.raises(ValueError, match=r"a TextTagger, which is no Seq2Seq: TextTagger\.fro"):
        Seq2Seq.from_preset("tags")
    assert isinstance(TextTagger.from_preset("tags"), TextTagger)
    keras.Sequential([keras.layers.Dense(1)]).save(shelf / "other.keras")
    with pytest.raises(ValueError, match="holds a Sequential, which is not a keras_seq task model"):
        Task.from_preset(shelf / "other.keras")


@pytest.mark.once
def test_a_damaged_preset(shelf):
    MAKERS["TextTagger"]().save_to_preset(shelf / "tags")
    path = shelf / "tags" / "model.keras"
    data = path.read_bytes()
    path.write_bytes(data[:1000])
    with pytest.raises(ValueError, match=r"model\.keras is not a \.keras file, or it is damaged"):
        Task.from_preset("tags")
    middle = len(data) // 2
    path.write_bytes(data[:middle] + b"\0" * 500 + data[middle + 500 :])
    with pytest.raises(ValueError, match="cannot be loaded as a Keras model"):
        Task.from_preset("tags")


@pytest.mark.once
def test_a_card_is_written_once(shelf):
    model = MAKERS["TextClassifier"]()
    model.save_to_preset(shelf / "critic", dtype="float16")
    card = (shelf / "critic" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlibrary_name: keras_seq\npipeline_tag: text-classification\n")
    assert 'ks.models.TextClassifier.from_preset("critic")\nmodel.classify("...")' in card
    assert f"`TextClassifier`, {model.count_params():,} weights, stored in float16" in card
    (shelf / "critic" / "README.md").write_text("Mine.", "utf-8")
    model.weights[0].assign(np.ones(model.weights[0].shape))
    model.save_to_preset(shelf / "critic")
    assert (shelf / "critic" / "README.md").read_text("utf-8") == "Mine."
    assert ks.presets()["critic"]["description"] == "Mine."
    assert np.all(values(Task.from_preset("critic"))[0] == 1)


@pytest.mark.once
@pytest.mark.parametrize("part", ["compact", "model_card"])
def test_a_broken_off_save_leaves_what_was_there(shelf, monkeypatch, part):
    model = MAKERS["TextClassifier"]()
    model.save_to_preset(shelf / "old")
    (shelf / "old" / "README.md").unlink()
    before = (shelf / "old" / "model.keras").read_bytes()
    monkeypatch.setattr(preset_model, part, lambda *words: 1 / 0)
    for name in ("old", "new"):
        with pytest.raises(ZeroDivisionError):
            model.save_to_preset(shelf / name)
    assert os.listdir(shelf) == ["old"] and os.listdir(shelf / "old") == ["model.keras"]
    assert (shelf / "old" / "model.keras").read_bytes() == before


@pytest.mark.once
def test_places_that_are_no_folder(shelf):
    (shelf / "file").write_text("x")
    with pytest.raises(OSError, match="is no folder"):
        MAKERS["TextClassifier"]().save_to_preset(shelf / "file")
    with pytest.raises(ValueError, match="`preset_dir` must be a folder; received 'hf://anna/date"):
        MAKERS["TextClassifier"]().save_to_preset("hf://anna/dates")
    assert os.listdir(shelf) == ["file"]


@keras.saving.register_keras_serializable(package="test_presets")
class Own(TextClassifier):
    """A task of a user's."""


@pytest.mark.once
def test_a_task_of_ones_own(shelf):
    own = Own.from_texts(TEXTS, LABELS, units=3)
    own.save_to_preset(shelf / "own")
    assert ks.presets()["own"]["kind"] == "Own"
    assert type(TextClassifier.from_preset("own")) is Own
    card = (shelf / "own" / "README.md").read_text("utf-8")
    assert "ks.models.TextClassifier.from_preset" in card
    MAKERS["TextClassifier"]().save_to_preset(shelf / "plain")
    with pytest.raises(ValueError, match="holds a TextClassifier, which is no Own"):
        Own.from_preset("plain")
