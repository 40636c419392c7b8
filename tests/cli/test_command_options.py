"""An option stands in one place: the signature and the docstring of what it configures."""

import inspect

import pytest

import keras_seq as ks
from keras_seq._registry import listed
from keras_seq.cli import options, sources
from keras_seq.cli.app import app
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger

pytestmark = pytest.mark.once
READ = {
    f"models.{kind.__name__}{name and '.'}{name}": getattr(kind, name or "__init__")
    for kind in (Seq2Seq, LanguageModel, TextClassifier, TextTagger)
    for name in ("", "from_texts", "compile")
} | {f"samplers.{kind.__name__}": kind.__init__ for kind in ks.samplers.SAMPLERS.values()}


@pytest.mark.parametrize("path", READ)
def test_the_source_says_what_the_class_has(path):
    found = sources.arguments(path)
    parameters = inspect.signature(READ[path]).parameters.values()
    expected = {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}
    assert expected == {
        name: one.default for name, one in found.items() if name not in ("self", "cls")
    } or expected == {name: one.default for name, one in found.items()}
    for name in expected.keys() - {"self"}:
        assert found[name].text, f"{path} does not say what {name} is"


SOURCE = '''
class Kind(Base):
    """A kind.

    Args:
        size, width: how large the `Kind`
            is. And more.
        form: `"round"`, `"flat"`, a config, an instance of `layers.Form`, or `None` for no form.
        limit: the limit, all where `None`; see `models.Kind`.
        parts: any object.
        cell: `"a"`, `"b"` or another name in `ks.layers.CELLS`, the config of a cell, or an
            instance.
        many: how many; `None` for all.
    """

    def __init__(self, size, width=3, form="flat", limit: float | None = None, parts=None,
                 many: "int | None" = None, fast=True, cell="a"):
        pass
'''
BASE = '''
class Base:
    def run(self, bidirectional=True, times=1e3):
        """Run.

        Args:
            bidirectional: whether it comes back.
            times: how often.
        """
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with one class, whose base is in another file."""
    (tmp_path / "keras_seq" / "models").mkdir(parents=True)
    folder = tmp_path / "keras_seq" / "models"
    (folder / "__init__.py").write_text("from keras_seq.models.kind import Kind\n")
    (folder / "kind.py").write_text("from keras_seq.models.base import Base\n" + SOURCE)
    (folder / "base.py").write_text(BASE)
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "keras_seq")


def test_a_sentence_in_the_docstring_makes_an_option(package):
    found = {one.name: one for one in options.of("models.Kind", "Model", width=4)}
    assert list(found) == ["width", "form", "limit", "many", "fast", "cell"]
    assert (found["width"].default, found["width"].kind) == (4, int)
    assert found["width"].help == "How large the Kind is."
    assert found["form"].help == "round, flat, or none for no form."
    assert (found["limit"].kind, found["limit"].default) == (float, None)
    assert found["limit"].help == "The limit, all if not set."
    assert (found["many"].kind, found["many"].help) == (int, "How many.")
    assert found["cell"].help == f"{listed(ks.layers.CELLS)}."
    (back, times) = options.of("models.Kind.run", "Model")
    assert (back.name, back.default, back.value(True)) == ("unidirectional", False, False)
    assert times.value(2.0) == 2.0 and found["form"].value("none") is None


def test_every_option_of_a_model_is_one_of_its_command():
    commands = {one.callback.__name__: one.callback for group in groups() for one in group}
    for name in ("train_seq2seq", "train_classifier", "train_language_model", "train_tagger"):
        assert {one.name for one in commands[name].options} >= {"cell", "dropout", "vocabulary"}
    assert all(isinstance(one, options.Option) for one in commands["generate"].options)


def groups():
    yield app.registered_commands
    for group in app.registered_groups:
        yield group.typer_instance.registered_commands
