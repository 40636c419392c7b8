"""Poolings by name."""

import functools

from keras_seq.identifiers import resolve_layer
from keras_seq.layers.attention_pooling import AttentionPooling
from keras_seq.layers.last_pooling import LastPooling
from keras_seq.layers.max_pooling import MaxPooling
from keras_seq.layers.mean_pooling import MeanPooling
from keras_seq.layers.pooling import Pooling

POOLINGS = {
    "last": LastPooling,
    "mean": MeanPooling,
    "max": MaxPooling,
    "attention": AttentionPooling,
}


def get_pooling(identifier, bidirectional=False, dtype=None):
    """Return a `Pooling` for a name, a config or an instance.

    Args:
        identifier: `"last"`, `"mean"`, `"max"`, `"attention"`, the config of a pooling, or an
            instance.
        bidirectional: for `"last"`: whether half of the features was read from the right.
        dtype: dtype or policy where a name is given; an instance keeps its own.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something that is no
            `Pooling`.
    """
    choices = {**POOLINGS, "last": functools.partial(LastPooling, bidirectional)}
    return resolve_layer(identifier, choices, "pooling", Pooling, dtype=dtype)
