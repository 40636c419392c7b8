"""Multiplicative attention and its kin."""

import keras
from keras import ops

from keras_seq._checks import check_choice, check_positive
from keras_seq._typing import Config, Shape, Tensor, Unpack
from keras_seq.backend import product
from keras_seq.layers.attentions.mechanism import (
    AttentionMechanism,
    AttentionOptions,
    additive_score,
)

SCORES = ("dot", "general", "concat")


@keras.saving.register_keras_serializable(package="keras_seq")
class LuongAttention(AttentionMechanism):
    r"""The three scores of Luong et al.

        dot:      q_t . k_s
        general:  q_t . W k_s
        concat:   v . tanh(W [q_t; k_s])

    Masking, call arguments and results are those of `AttentionMechanism`. W k_s, and the key half
    of concat's W, are computed once per source.

    Args:
        method: `"dot"`, `"general"` (default) or `"concat"`.
        units: size of the space in which concat's query and key meet; it is needed there, and
            not used elsewhere.
        **kwargs: `kernel_initializer`, and the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for an unknown `method`, concat without `units`, or dot where query and values
            differ in size.

    Example:

    >>> import numpy as np
    >>> context, weights = LuongAttention("dot")(np.ones((2, 6), "f4"), np.ones((2, 5, 6), "f4"))
    >>> tuple(context.shape), tuple(weights.shape)
    ((2, 6), (2, 5))

    References:
        - Luong, Pham & Manning, 2015, "Effective approaches to attention-based neural machine
          translation", arXiv:1508.04025, section 3.1.
    """

    def __init__(
        self, method: str = "general", units: int | None = None, **kwargs: Unpack[AttentionOptions]
    ):
        super().__init__(**kwargs)
        if method == "concat":
            units = check_positive("units", units)
        self.method = check_choice("method", method, SCORES)
        self.units = units

    def build(self, query_shape: Shape, values_shape: Shape) -> None:
        query_size, value_size = query_shape[-1], values_shape[-1]
        if self.method == "dot":
            if query_size != value_size:
                raise ValueError(
                    "The score 'dot' needs query and values of one size; received a query of "
                    f"size {query_size} and values of size {value_size}. Use 'general'."
                )
            return
        columns = query_size if self.method == "general" else self.units
        self.key_kernel = self.add_kernel("key_kernel", value_size, columns)
        if self.method == "concat":
            self.query_kernel = self.add_kernel("query_kernel", query_size, self.units)
            self.scale = self.add_kernel("scale", self.units, 1)

    def project_keys(self, values: Tensor) -> Tensor:
        return values if self.method == "dot" else ops.matmul(values, self.key_kernel)

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        if self.method == "concat":
            query = product(query, self.query_kernel)
            return additive_score(query, keys, self.scale)
        return ops.matmul(query, ops.swapaxes(keys, 1, 2))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "method": self.method,
            "units": self.units,
        }
