"""Classifiers and taggers of ids as ONNX files."""

import json
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_seq.export import Field, IdFunction
from keras_seq.export.onnx_model import write_onnx
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger

on_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow",
    reason="files are written by TensorFlow; other backends start a process for it",
)
TEXTS = ["a fine film", "dull", "a long film, not fine"]
SENTENCES = [["Anna", "sings", "in", "Rome"], ["Bob"]]
TAGS = ["B-PER O O B-LOC", "B-PER"]
IDS = {"token_ids": Field("int32", "ids of tokens", (None,))}


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    return TextClassifier.from_texts(
        TEXTS, ["good", "bad", "bad"], cell="gru", units=4, bidirectional=False, max_length=40
    )


@pytest.fixture(scope="module")
def tagger():
    keras.utils.set_random_seed(0)
    options = {"cell": "vanilla", "units": 4, "bidirectional": False, "max_word_length": 5}
    model = TextTagger.from_texts(
        SENTENCES, TAGS, "BIO", character_units=3, character_dim=2, **options
    )
    draw = np.random.default_rng(0).normal
    for weight in model.chain.weights:
        weight.assign(draw(size=weight.shape))
    return model


def _padded(columns):
    """The columns of examples as one batch, with more padding than is needed."""
    sizes = {name: max(map(len, rows)) + 2 for name, rows in columns.items()}
    return {
        name: np.stack([np.pad(row, (0, sizes[name] - len(row))) for row in rows]).astype("int32")
        for name, rows in columns.items()
    }


def _run(path, inputs):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True)), session


def _check_tags(model, found):
    expected = model.tag(SENTENCES, return_probabilities=True)
    for row, answer in enumerate(expected):
        count = len(SENTENCES[row])
        assert [model.tag_names[i] for i in found["tags"][row][:count]] == answer["tags"]
        probabilities = found["probabilities"][row][:count]
        np.testing.assert_allclose(probabilities, answer["probabilities"], atol=1e-4)


def test_the_function_of_a_classifier_gives_what_predict_gives(classifier):
    asked = classifier.make_id_function()
    ids = _padded(classifier.encode_examples(TEXTS).inputs)
    assert set(ids) == set(asked.inputs) and set(asked.outputs) == {"probabilities"}
    found = ops.convert_to_numpy(asked.function(**ids)["probabilities"])
    np.testing.assert_allclose(found, classifier.predict(TEXTS, verbose=0), atol=1e-5)


def test_the_function_of_a_tagger_gives_what_tag_gives(tagger):
    asked = tagger.make_id_function()
    ids = _padded(tagger.encode_examples(SENTENCES).inputs)
    assert set(ids) == set(asked.inputs)
    found = asked.function(**{name: ops.convert_to_tensor(rows) for name, rows in ids.items()})
    _check_tags(tagger, {name: ops.convert_to_numpy(x) for name, x in found.items()})


def test_examples_are_of_several_shapes_and_of_ids_that_there_are(tagger):
    examples = tagger.make_id_function().examples
    assert len({example["token_ids"].shape for example in examples}) == 4
    for example in examples:
        words, ends = example["token_ids"], example["char_ends"]
        assert words.shape == ends.shape
        assert words.max() < tagger.tokenizer.vocabulary_size
        lengths = np.diff(ends, axis=1, prepend=0)
        assert ((lengths > 0) == (words > 0)).all()
        assert ((example["char_ids"] > 0).sum(axis=1) == ends[:, -1]).all()


def test_models_that_write_are_refused_with_the_way_out(tmp_path):
    models = [
        LanguageModel.from_texts(TEXTS, units=4),
        Seq2Seq.from_texts(TEXTS, TEXTS, tokens="char", units=4),
    ]
    for model in models:
        with pytest.raises(ValueError, match=f"{type(model).__name__}.*until an end.*tf_saved"):
            model.export(tmp_path / "a.onnx", format="onnx")


def test_half_precision_is_refused(tmp_path):
    model = TextClassifier.from_texts(TEXTS, ["a", "b", "a"], units=4, dtype="mixed_bfloat16")
    with pytest.raises(ValueError, match="mixed_bfloat16"):
        model.export(tmp_path / "a.onnx", format="onnx")


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ValueError, match=r"keras_seq\[onnx\]"):
        write_onnx(tmp_path / "a.onnx", IdFunction(dict, IDS, IDS, [], {}))


@on_tensorflow
def test_a_classifier_becomes_a_file_that_says_what_it_is(classifier, tmp_path):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "reviews.onnx"
    report = write_onnx(path, classifier.make_id_function(), classifier.weights)
    assert any("token_ids" in line for line in report)
    assert [file.name for file in tmp_path.iterdir()] == ["reviews.onnx"]
    assert [one.domain for one in onnx.load(path).opset_import] == [""]
    found, session = _run(path, _padded(classifier.encode_examples([*TEXTS, ""]).inputs))
    expected = classifier.predict([*TEXTS, ""], verbose=0)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-4)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["class_names"]) == classifier.class_names
    assert about["padding_id"] == "0" and about["max_length"] == "40"
    (ids,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert ids.shape[0] == "batch" and probabilities.shape == ["batch", 2]


@pytest.mark.slow
@pytest.mark.once
def test_a_tagger_with_characters_and_a_crf_becomes_a_file(tagger, tmp_path, capsys):
    """From another backend, in a process of TensorFlow."""
    pytest.importorskip("tf2onnx")
    path = tagger.export(tmp_path / "names.onnx", format="onnx")
    assert f"Exported to {path}." in capsys.readouterr().out
    assert [file.name for file in tmp_path.iterdir()] == ["names.onnx"]
    found, session = _run(path, _padded(tagger.encode_examples(SENTENCES).inputs))
    _check_tags(tagger, found)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["tag_names"]) == tagger.tag_names
    assert json.loads(about["scheme"]) == "BIO"


def _function(name):
    import tensorflow as tf

    functions = {
        # tf2onnx takes floor(x / y) of integers for what C makes of it.
        "floor": lambda x: -tf.cast(x, "int32") // 2,
        "Igamma": lambda x: tf.math.igamma(tf.cast(x, "float32"), 1.0),
        "GELU": lambda x: ops.gelu(ops.cast(x, "float32") - 2, approximate=False),
        "long": lambda x: tf.cast(x, "int64"),
    }
    return lambda token_ids: {"found": functions[name](token_ids)}


def _ids(name, outputs):
    return IdFunction(_function(name), IDS, outputs, EXAMPLES, {})


EXAMPLES = [{"token_ids": np.arange(6, dtype="int32").reshape(2, 3)}]


@on_tensorflow
@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("floor", "int32", "`found` differs between onnxruntime and TensorFlow at 3 of 6"),
        ("Igamma", "float32", "no operator for .*Igamma"),
        ("long", "int32", "should give .*int32.*int64"),
    ],
)
def test_what_cannot_be_converted_is_said_and_nothing_written(name, dtype, message, tmp_path):
    pytest.importorskip("tf2onnx")
    outputs = {"found": Field(dtype, "what is found", (None,))}
    with pytest.raises(ValueError, match=message):
        write_onnx(tmp_path / "a.onnx", _ids(name, outputs))
    assert not list(tmp_path.iterdir())


@on_tensorflow
def test_an_exact_gelu_becomes_standard_operators(tmp_path):
    pytest.importorskip("tf2onnx")
    outputs = {"found": Field("float32", "what is found", (None,))}
    write_onnx(tmp_path / "a.onnx", _ids("GELU", outputs))
    found, _ = _run(tmp_path / "a.onnx", EXAMPLES[0])
    assert found["found"][0, 2] == 0 and found["found"][1, 2] > 2.99
