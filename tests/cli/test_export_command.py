"""Exports from the command line."""

import pytest

import keras_seq as ks

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a translator and a classifier."""
    folder = tmp_path_factory.mktemp("export")
    translator = ks.models.Seq2Seq.from_texts(
        ["ab", "ba"], ["xy", "yx"], tokens="char", units=4, attention=None
    )
    translator.compile(sampler="beam")
    translator.save(folder / "t.keras")
    ks.models.TextClassifier.from_texts(["a", "b"], ["x", "y"], units=2).save(folder / "c.keras")
    return folder


@pytest.fixture
def asked(monkeypatch):
    """What `export` of a model is called with, in the place of an export."""
    found = {}

    def note(self, filepath, **options):
        found.update(options, filepath=filepath)

    monkeypatch.setattr(ks.models.Task, "export", note)
    return found


def test_options_reach_the_export(files, asked, run):
    search = ("--sampler", "beam", "--width", 3, "--n-best", 2, "--max-length", 9)
    more = ("--example", "ab", "--example", "b", "--version", 4, "--batching")
    modules = ("--custom-module", "json", "--stop-token", "x", "--min-length", 1)
    run("export", files / "t.keras", files / "served", *search, *more, *modules)
    assert asked["stop_tokens"] == ["x"] and asked["sampler"].min_length == 1
    assert asked["filepath"] == files / "served" and asked["format"] == "tf_saved_model"
    assert asked["examples"] == ["ab", "b"] and asked["max_length"] == 9
    assert asked["version"] == 4 and asked["batching"] is True
    assert asked["custom_modules"] == ["json"]
    sampler = asked["sampler"]
    assert isinstance(sampler, ks.samplers.Beam) and (sampler.width, sampler.n_best) == (3, 2)


def test_what_is_not_asked_for_is_left_to_the_model(files, asked, run):
    run("export", files / "c.keras", files / "c.onnx", "--format", "onnx")
    assert asked["format"] == "onnx" and asked["version"] == "next"
    assert not {"sampler", "examples", "max_length", "stop_tokens"} & set(asked)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("c.keras", "served", "--sampler", "greedy"), "--sampler is for a model that writes text"),
        (
            ("t.keras", "served", "--custom-module", "no_such"),
            "The module no_such, which the model needs, cannot be imported",
        ),
        (("t.keras", "served", "--sampler", "exhaustive"), "searches in Python"),
        (("t.keras", "served", "--version", 0), "at least 1"),
        (("t.keras", "t.onnx", "--format", "onnx"), "cannot be exported as ONNX"),
        (("c.keras", "served", "--max-length", 3), "received max_length"),
        (("n.keras", "served"), "There is no file"),
    ],
)
def test_mistakes_are_one_line(files, run, capsys, words, message):
    name, path, *options = words
    run("export", files / name, files / path, *options, status=2)
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("keras-seq:")]
    assert message in line
    assert not (files / path).exists()
