"""Task models outside of Keras: SavedModels for TF Serving, and ONNX."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_seq.export.batching import write_batching
    from keras_seq.export.id_function import IdFunction
    from keras_seq.export.operations import check_operations
    from keras_seq.export.served import Served, ask, load
    from keras_seq.export.server_check import serve_check
    from keras_seq.export.signature import Field, Signature
    from keras_seq.export.step_export import export_step
    from keras_seq.export.step_reader import load_step

# Where each name stands, imported where it is first asked for: `load_step` needs no Keras.
_PLACES = {
    "Field": "signature",
    "IdFunction": "id_function",
    "Served": "served",
    "Signature": "signature",
    "ask": "served",
    "check_operations": "operations",
    "export_step": "step_export",
    "load": "served",
    "load_step": "step_reader",
    "serve_check": "server_check",
    "write_batching": "batching",
}

__all__ = [
    "Field",
    "IdFunction",
    "Served",
    "Signature",
    "ask",
    "check_operations",
    "export_step",
    "load",
    "load_step",
    "serve_check",
    "write_batching",
]


def __getattr__(name):
    """Import a name from where it stands."""
    if name not in _PLACES:
        raise AttributeError(f"module 'keras_seq.export' has no attribute {name!r}")
    return getattr(importlib.import_module(f"keras_seq.export.{_PLACES[name]}"), name)


def __dir__():
    return sorted({*globals(), *__all__})
