"""The command `keras-seq`: train, evaluate and use models without writing a script."""

from keras_seq.cli.app import main

__all__ = ["main"]
