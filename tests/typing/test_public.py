"""`public.py` has every public name; `make lint` reads it as a type checker does."""

import ast
import importlib
import pathlib

import pytest

import keras_seq

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


@pytest.mark.parametrize("part", [name for name in keras_seq.__all__ if name != "__version__"])
def test_every_public_name_is_used(part):
    assert set(importlib.import_module(f"keras_seq.{part}").__all__) <= used()[part]


def test_the_package_says_that_it_has_types():
    assert pathlib.Path(keras_seq.__file__).with_name("py.typed").exists()
