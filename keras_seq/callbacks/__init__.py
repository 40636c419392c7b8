"""Callbacks for `fit`."""

from keras_seq.callbacks.time_limit import TimeLimit

__all__ = ["TimeLimit"]
