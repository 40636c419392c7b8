"""Recurrent sequence models for Keras 3, on TensorFlow, JAX and PyTorch."""

import importlib
from typing import TYPE_CHECKING

from keras_seq._memory import keep_memory
from keras_seq._presets import presets
from keras_seq._registration import register_with_keras
from keras_seq.version import __version__

if TYPE_CHECKING:
    from keras_seq import (
        analysis,
        callbacks,
        datasets,
        distributed,
        experiments,
        export,
        initializers,
        layers,
        models,
        samplers,
        testing,
        text,
    )

__all__ = [
    "__version__",
    "analysis",
    "callbacks",
    "datasets",
    "distributed",
    "experiments",
    "export",
    "initializers",
    "keep_memory",
    "layers",
    "models",
    "presets",
    "samplers",
    "testing",
    "text",
]


def __getattr__(name):
    """Import a part of the package where it is first asked for."""
    if name in __all__:
        return importlib.import_module(f"keras_seq.{name}")
    raise AttributeError(f"module 'keras_seq' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})


register_with_keras()
