"""What holds for every file of the folder: its imports, and that its examples run."""

import ast
import doctest
import importlib
import os
import sys
from pathlib import Path

import pytest

import keras_seq.datasets

FILES = sorted(Path(keras_seq.datasets.__file__).parent.glob("*.py"))
REAL_DATA = {
    *("cmudict", "conll2003", "english_ewt", "imdb"),
    *("multi30k", "sst2", "tatoeba", "tiny_shakespeare"),
}


BELOW = ["_checks", "_files", "_registry", "_typing"]  # the files that those of the folder stand on
PACKAGE = Path(keras_seq.datasets.__file__).parents[1]


@pytest.mark.parametrize(
    "path", [*FILES, *(PACKAGE / f"{name}.py" for name in BELOW)], ids=lambda path: path.stem
)
def test_imports_are_light_and_point_down(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            package, _, module = name.partition(".")
            if package == "keras_seq":
                assert module in BELOW or module.split(".")[0] == "datasets", name
            else:
                assert package in {*sys.stdlib_module_names, "numpy"}, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_run(path):
    if path.stem in REAL_DATA and not os.environ.get("KERAS_SEQ_DATA"):
        pytest.skip("needs KERAS_SEQ_DATA")
    name = "keras_seq.datasets" + ("" if path.stem == "__init__" else f".{path.stem}")
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_every_public_function_has_an_example():
    for name in keras_seq.datasets.__all__:
        public = getattr(keras_seq.datasets, name)
        if callable(public):
            assert ">>>" in public.__doc__ and "Raises:" in public.__doc__, name
