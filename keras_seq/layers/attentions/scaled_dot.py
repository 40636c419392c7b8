"""Scaled dot-product attention."""

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq._typing import Config, Shape, Tensor, Unpack
from keras_seq.backend import product
from keras_seq.layers.attentions.mechanism import AttentionMechanism, AttentionOptions


@keras.saving.register_keras_serializable(package="keras_seq")
class ScaledDotAttention(AttentionMechanism):
    r"""Scaled dot-product attention of one head.

        score(q_t, k_s) = (W_q q_t) . (W_k k_s) / sqrt(units)

    Without `units` there are no projections: q_t . k_s / sqrt(size of q). Masking, call arguments
    and results are those of `AttentionMechanism`. W_k k_s is computed once per source.

    Args:
        units: size of the projections, or `None` for none.
        **kwargs: `kernel_initializer`, and the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: if `units` is neither `None` nor an integer above 0, or without `units` where
            query and values differ in size.

    Example:

    >>> import numpy as np
    >>> context, weights = ScaledDotAttention(8)(np.ones((2, 4), "f4"), np.ones((2, 5, 6), "f4"))
    >>> tuple(context.shape), tuple(weights.shape)
    ((2, 6), (2, 5))

    References:
        - Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762, section 3.2.1.
    """

    def __init__(self, units: int | None = None, **kwargs: Unpack[AttentionOptions]):
        super().__init__(**kwargs)
        self.units = None if units is None else check_positive("units", units)

    def build(self, query_shape: Shape, values_shape: Shape) -> None:
        query_size, value_size = query_shape[-1], values_shape[-1]
        if self.units is None and query_size != value_size:
            raise ValueError(
                "ScaledDotAttention without `units` needs query and values of one size; received "
                f"a query of size {query_size} and values of size {value_size}."
            )
        self.factor = (self.units or query_size) ** -0.5
        if self.units is not None:
            self.query_kernel = self.add_kernel("query_kernel", query_size, self.units)
            self.key_kernel = self.add_kernel("key_kernel", value_size, self.units)

    def project_keys(self, values: Tensor) -> Tensor:
        return values if self.units is None else ops.matmul(values, self.key_kernel)

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        if self.units is not None:
            query = product(query, self.query_kernel)
        return ops.matmul(query * self.factor, ops.swapaxes(keys, 1, 2))

    def get_config(self) -> Config:
        return {**super().get_config(), "units": self.units}
