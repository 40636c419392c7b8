"""`public.py` has every public name; `make lint` reads it, and `mistakes.py`, by a type checker."""

import ast
import importlib
import inspect
import pathlib

import keras
import pytest

import keras_seq
from keras_seq._typing import Options
from keras_seq.layers.gru import GRUOptions
from keras_seq.layers.lstm import LSTMOptions

pytestmark = pytest.mark.once
SOURCE = pathlib.Path(__file__).with_name("public.py").read_text(encoding="utf-8")


def used():
    """From each part of the package, `"layers"`, to the names that the file takes from it."""
    names = {}
    for node in ast.walk(ast.parse(SOURCE)):
        match node:
            case ast.Attribute(ast.Attribute(ast.Name("ks"), part), name):
                names.setdefault(part, set()).add(name)
    return names


@pytest.mark.parametrize(
    "part", [name for name in keras_seq.__all__ if inspect.ismodule(getattr(keras_seq, name))]
)
def test_every_public_name_is_used(part):
    assert set(importlib.import_module(f"keras_seq.{part}").__all__) <= used()[part]


@pytest.mark.parametrize(
    "known, layer", [(LSTMOptions, keras.layers.LSTM), (GRUOptions, keras.layers.GRU)]
)
def test_a_type_checker_knows_the_options_of_keras(known, layer):
    theirs = {*inspect.signature(layer).parameters} - {"units", "kwargs"}
    every = {*Options.__annotations__, "zero_output_for_mask"}
    assert known.__annotations__.keys() == theirs | every | {
        "weight_dropout",
        "truncate",
        "recompute",
    }


def test_the_functions_of_the_package_itself_are_used():
    assert "ks.presets()" in SOURCE


def test_the_package_says_that_it_has_types():
    assert pathlib.Path(keras_seq.__file__).with_name("py.typed").exists()
