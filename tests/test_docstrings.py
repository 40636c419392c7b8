"""The examples in the docstrings of the whole package."""

import doctest
import importlib
import os
import pkgutil

import keras
import pytest

import keras_seq

OTHER_BACKENDS = tuple(
    f"keras_seq.backend.{name}."
    for name in ("tensorflow", "jax", "torch")
    if name != keras.config.backend()
)
WITH_FILES = (
    *("multi30k", "tatoeba", "tiny_shakespeare", "sst2", "imdb"),
    *("cmudict", "english_ewt", "conll2003"),
)
NEED_FILES = {f"keras_seq.datasets.{name}" for name in WITH_FILES}
MODULES = [
    module.name
    for module in pkgutil.walk_packages(keras_seq.__path__, "keras_seq.")
    if not module.name.startswith(OTHER_BACKENDS) and not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    if name in NEED_FILES and not os.environ.get("KERAS_SEQ_DATA"):
        pytest.skip("needs the files that KERAS_SEQ_DATA leads to")
    module = importlib.import_module(name)
    assert doctest.testmod(module, verbose=False).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    found = [
        example
        for name in MODULES
        for test in finder.find(importlib.import_module(name), name)
        for example in test.examples
    ]
    assert len(found) > 50
