"""Additive attention."""

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq._typing import Config, Shape, Tensor, Unpack
from keras_seq.backend import product
from keras_seq.layers.attentions.mechanism import (
    AttentionMechanism,
    AttentionOptions,
    additive_score,
)


@keras.saving.register_keras_serializable(package="keras_seq")
class BahdanauAttention(AttentionMechanism):
    r"""Additive attention.

        score(q_t, k_s) = v . tanh(W_q q_t + W_k k_s)

    `keras.layers.AdditiveAttention` has neither W_q nor W_k and is another function. Masking,
    call arguments and results are those of `AttentionMechanism`. W_k k_s is computed once per
    source.

    Args:
        units: size of the space in which query and key meet.
        **kwargs: `kernel_initializer`, and the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: if `units` is not an integer above 0.

    Example:

    >>> import numpy as np
    >>> attention = BahdanauAttention(8)
    >>> query, values = np.ones((2, 4), "float32"), np.ones((2, 5, 6), "float32")
    >>> context, weights = attention(query, values, values_mask=np.ones((2, 5), bool))
    >>> tuple(context.shape), tuple(weights.shape)
    ((2, 6), (2, 5))

    References:
        - Bahdanau, Cho & Bengio, 2015, "Neural machine translation by jointly learning to align
          and translate", arXiv:1409.0473, appendix A.1.2.
    """

    def __init__(self, units: int, **kwargs: Unpack[AttentionOptions]):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)

    def build(self, query_shape: Shape, values_shape: Shape) -> None:
        self.query_kernel = self.add_kernel("query_kernel", query_shape[-1], self.units)
        self.key_kernel = self.add_kernel("key_kernel", values_shape[-1], self.units)
        self.scale = self.add_kernel("scale", self.units, 1)

    def project_keys(self, values: Tensor) -> Tensor:
        return ops.matmul(values, self.key_kernel)

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        query = product(query, self.query_kernel)
        return additive_score(query, keys, self.scale)

    def get_config(self) -> Config:
        return {**super().get_config(), "units": self.units}
