"""The readout of a decoder, and dense layers that run in a loop over steps."""

import keras
from keras import ops

from keras_seq.backend import product

READOUTS = ("tanh", "maxout", None)


def readout_layer(kind, size, dtype):
    """Return the dense layer of a readout of `size` numbers; `None` for the kind `None`."""
    if kind is None:
        return None
    return keras.layers.Dense(2 * size if kind == "maxout" else size, dtype=dtype)


def read(kind, layer, features):
    """Return the readout of `features`, of one step or of all.

        tanh:    r = tanh(W_r features + b_r)
        maxout:  r_i = max of each two of W_r features + b_r
        None:    r = features

    Args:
        kind: one of `READOUTS`.
        layer: the `readout_layer` of that kind.
        features: `(batch[, steps], size)`.
    """
    if kind is None:
        return features
    readout = dense(layer, features)
    if kind == "tanh":
        return ops.tanh(readout)
    first, second = ops.split(readout, 2, axis=-1)
    return ops.maximum(first, second)


def dense(layer, x):
    """`layer(x)`; where x is one step, with a product whose gradient can wait for all steps."""
    plain = layer.quantization_mode is None  # a quantised kernel has a scale besides
    plain = plain and layer.compute_dtype == keras.backend.standardize_dtype(x.dtype)
    if len(x.shape) > 2 or not plain:
        return layer(x)
    # A search steps outside of the scope in which Keras casts the weights of mixed precision.
    return product(x, layer.kernel) + ops.convert_to_tensor(layer.bias, dtype=x.dtype)
