"""A pooling and a feed-forward net behind it."""

import keras
from keras import ops

from keras_seq.identifiers import check_positive
from keras_seq.layers.pooling import Pooling
from keras_seq.layers.poolings import get_pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class FeedForwardPooling(Pooling):
    r"""A feed-forward net on the vector that another pooling makes.

        z^0 = pooling(h_1 ... h_T)
        p   = z^L            z^l = f(W^l z^(l-1) + b^l)

    with f the activation. Behind an `IdentityEncoder` and with the mean this is the deep averaging
    network: a net that knows which words a text has, and nothing of their order. Masking, call
    arguments and results are those of `Pooling`; a row without any valid step gives 0.

    Args:
        units: size of every layer of the net; that of the pooled vector where `None`.
        num_layers: number of layers.
        pooling: `"mean"`, or anything else that a `models.TextClassifier` takes as its pooling.
        activation: f, by name or as a function.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for `units` or `num_layers` below 1, an unknown pooling or activation.

    Example:

    >>> import numpy as np
    >>> tuple(FeedForwardPooling(4, num_layers=2)(np.ones((2, 5, 3), "float32")).shape)
    (2, 4)

    References:
        - Iyyer et al., 2015, "Deep unordered composition rivals syntactic methods for text
          classification", ACL 2015.
    """

    def __init__(self, units=None, num_layers=1, pooling="mean", activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.units = units if units is None else check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.pooling = get_pooling(pooling, dtype=self.dtype_policy)
        self.activation = keras.activations.get(activation)
        self.dense_layers = []

    def build(self, inputs_shape):
        shape = self.pooling(keras.KerasTensor(inputs_shape, self.compute_dtype)).shape
        units = self.units or shape[-1]
        self.dense_layers = [
            keras.layers.Dense(units, self.activation, dtype=self.dtype_policy)
            for _ in range(self.num_layers)
        ]
        for dense in self.dense_layers:
            dense.build(shape)
            shape = (*shape[:-1], units)

    def pool(self, inputs, mask):
        pooled = self.pooling(inputs, mask=mask)
        for dense in self.dense_layers:
            pooled = dense(pooled)
        valid = ops.any(mask, axis=1, keepdims=True)
        return ops.where(valid, pooled, ops.zeros_like(pooled))

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "pooling": keras.saving.serialize_keras_object(self.pooling),
            "activation": keras.activations.serialize(self.activation),
        }
