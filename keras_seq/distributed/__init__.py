"""Beyond one machine: bulk inference on engines that exist."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_seq.distributed.inference import generate

# Where each name stands, imported where it is first asked for: an engine is large.
_PLACES = {"generate": "inference"}

__all__ = ["generate"]


def __getattr__(name):
    """Import a name from where it stands."""
    if name not in _PLACES:
        raise AttributeError(f"module 'keras_seq.distributed' has no attribute {name!r}")
    return getattr(importlib.import_module(f"keras_seq.distributed.{_PLACES[name]}"), name)


def __dir__():
    return sorted({*globals(), *__all__})
