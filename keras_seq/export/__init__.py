"""Task models outside of Keras: SavedModels for TF Serving, and ONNX."""

from keras_seq.export.batching import write_batching
from keras_seq.export.id_function import IdFunction
from keras_seq.export.operations import check_operations
from keras_seq.export.serve_check import serve_check
from keras_seq.export.served import Served, ask, load
from keras_seq.export.signature import Field, Signature

__all__ = [
    "Field",
    "IdFunction",
    "Served",
    "Signature",
    "ask",
    "check_operations",
    "load",
    "serve_check",
    "write_batching",
]
