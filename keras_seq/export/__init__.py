"""Task models outside of Keras: SavedModels for TF Serving, and ONNX."""

from keras_seq.export.signature import Field, Signature

__all__ = ["Field", "Signature"]
