"""Recurrent sequence models for Keras 3, on TensorFlow, JAX and PyTorch."""

from keras_seq import (
    analysis,
    callbacks,
    datasets,
    export,
    initializers,
    layers,
    models,
    samplers,
    text,
)
from keras_seq.version import __version__

__all__ = [
    "__version__",
    "analysis",
    "callbacks",
    "datasets",
    "export",
    "initializers",
    "layers",
    "models",
    "samplers",
    "text",
]
