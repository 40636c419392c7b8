"""Beyond one machine, on engines that exist: training on several devices, bulk inference."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_seq.distributed import torch
    from keras_seq.distributed.inference import generate

# Where each name stands, imported where it is first asked for: an engine is large.
_PLACES = {"generate": "inference"}

__all__ = ["generate", "torch"]


def __getattr__(name):
    """Import a name from where it stands, or a part of the package."""
    if name not in __all__:
        raise AttributeError(f"module 'keras_seq.distributed' has no attribute {name!r}")
    module = importlib.import_module(f"keras_seq.distributed.{_PLACES.get(name, name)}")
    return getattr(module, name) if name in _PLACES else module


def __dir__():
    return sorted({*globals(), *__all__})
