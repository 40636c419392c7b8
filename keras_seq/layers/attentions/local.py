"""Attention to a window of the source."""

import keras
from keras import ops

from keras_seq._checks import check_choice, check_positive
from keras_seq._typing import Config, Shape, Tensor, Tensors, Unpack
from keras_seq.layers.attentions.luong import LuongAttention
from keras_seq.layers.attentions.mechanism import AttentionOptions

CENTERS = ("predictive", "monotonic")


@keras.saving.register_keras_serializable(package="keras_seq")
class LocalAttention(LuongAttention):
    r"""Attention to the values within `window` of a centre p_t, one for each step.

        predictive:  p_t = (n - 1) sigmoid(v . tanh(W q_t)),     n the number of valid values
                     alpha_ts = softmax_s(score(q_t, k_s)) exp(-(s - p_t)^2 / (2 sigma^2))
        monotonic:   p_t = min(t, n - 1)
                     alpha_ts = softmax_s(score(q_t, k_s))

    over |s - p_t| <= window, with sigma = window / 2. The predictive weights are not normalised
    again, as in the paper, so they sum to less than 1. (The paper counts positions from 1 and has
    p_t = n sigmoid(...); here they go from 0 to n - 1.)

    Masking, call arguments and results are those of `AttentionMechanism`. The monotonic centre is
    the number of the step, which `attend` counts.

    Args:
        method: the score: `"dot"`, `"general"` or `"concat"`; see `LuongAttention`.
        units: size of the space of concat's score, and of the prediction of p_t (there the size
            of the query where `None`).
        window: how many values on each side of the centre are attended to.
        center: `"predictive"` or `"monotonic"`.
        **kwargs: `kernel_initializer`, and the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for an unknown `method` or `center`, or a `window` below 1.

    Example:

    >>> import numpy as np
    >>> attention = LocalAttention("dot", window=1, center="monotonic")
    >>> _, weights = attention(np.ones((1, 3, 4), "float32"), np.ones((1, 5, 4), "float32"))
    >>> keras.ops.convert_to_numpy(weights)[0, 2].round(2).tolist()
    [0.0, 0.33000001311302185, 0.33000001311302185, 0.33000001311302185, 0.0]

    References:
        - Luong, Pham & Manning, 2015, "Effective approaches to attention-based neural machine
          translation", arXiv:1508.04025, section 3.2.
    """

    def __init__(
        self,
        method: str = "general",
        units: int | None = None,
        window: int = 10,
        center: str = "predictive",
        **kwargs: Unpack[AttentionOptions],
    ):
        super().__init__(method, units, **kwargs)
        self.window = check_positive("window", window)
        self.center = check_choice("center", center, CENTERS)

    def build(self, query_shape: Shape, values_shape: Shape) -> None:
        super().build(query_shape, values_shape)
        if self.center == "predictive":
            units = self.units or query_shape[-1]
            self.center_kernel = self.add_kernel("center_kernel", query_shape[-1], units)
            self.center_scale = self.add_kernel("center_scale", units, 1)

    def weigh(self, query, keys, values_mask, training=False):
        return self._weigh(
            query, keys, values_mask, ops.arange(ops.shape(query)[1], dtype="float32")
        )

    def initial_state(self, values_mask: Tensor) -> Tensors:
        if self.center == "predictive":
            return []
        return [ops.zeros_like(ops.cast(values_mask[:, :1], "float32"))]  # the step, (B, 1)

    def attend(self, query, memory, state, noise=None, training=False):
        step = state[0] if state else None
        weights = self._weigh(query[:, None], memory["keys"], memory["mask"], step)[:, 0]
        context = ops.matmul(weights[:, None], memory["values"])[:, 0]
        return context, weights, [step + 1] if state else []

    def _weigh(self, query, keys, values_mask, step):
        """Weights `(B, T, S)`; `step` is `(T,)` or `(B, 1)`."""
        position = ops.arange(ops.shape(keys)[1], dtype="float32")
        if values_mask is None:
            values_mask = ops.ones(ops.shape(keys)[:2], dtype="bool")
        valid = ops.sum(ops.cast(values_mask, "float32"), axis=1)[:, None]  # (B, 1)
        end = ops.maximum(valid - 1.0, 0.0)
        center = self._predict(query) * end if self.center == "predictive" else step
        center = ops.minimum(center, end)  # (B, T)
        distance = position - center[:, :, None]  # (B, T, S)
        near = ops.logical_and(ops.abs(distance) <= self.window, values_mask[:, None])
        scores = ops.cast(self.score(query, keys), "float32")
        weights = self.normalize(scores, near)
        if self.center == "predictive":
            sigma = self.window / 2
            weights = weights * ops.exp(-ops.square(distance) / (2 * sigma**2))
        return ops.cast(weights, query.dtype)

    def _predict(self, query):
        """Where the centre lies, `(B, T)`, from 0 to 1 of the source."""
        hidden = ops.tanh(ops.matmul(query, self.center_kernel))
        return ops.cast(ops.sigmoid(ops.matmul(hidden, self.center_scale))[..., 0], "float32")

    def get_config(self) -> Config:
        return {**super().get_config(), "window": self.window, "center": self.center}
