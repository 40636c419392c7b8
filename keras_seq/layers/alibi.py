"""Attention with linear biases."""

import keras
import numpy as np
from keras import ops

from keras_seq.layers.position_encoding import PositionEncoding


@keras.saving.register_keras_serializable(package="keras_seq")
class ALiBi(PositionEncoding):
    r"""Attention with linear biases: the further away, the less it counts.

        e_ts <- e_ts - m_h |t - s|,     m_h = 2^(-8 h / heads),  h = 1, ..., heads

    A head with a steep slope m_h sees its neighbourhood only, one with a gentle slope far. Nothing
    of it is new in a sequence longer than those of the training, which is why it may be tested on
    such. There are no weights, and inputs, queries and keys stay as they are. The paper has causal
    attention, where |t - s| is t - s; without causality both sides count alike. For a number of
    heads that is no power of 2 the formula stays.

    Example:

    >>> import numpy as np
    >>> steps = np.arange(3)[None]
    >>> scores = ALiBi().add_to_scores(ops.zeros((1, 4, 3, 3)), steps, steps)
    >>> keras.ops.convert_to_numpy(scores)[0, 0, 2].tolist()
    [-0.5, -0.25, 0.0]

    References:
        - Press, Smith & Lewis, 2022, "Train short, test long: attention with linear biases enables
          input length extrapolation", arXiv:2108.12409, section 3.
    """

    def add_to_scores(self, scores, query_positions, key_positions):
        heads = scores.shape[1]
        slopes = ops.cast(2.0 ** (-8.0 * np.arange(1, heads + 1) / heads), scores.dtype)
        distances = ops.abs(query_positions[:, :, None] - key_positions[:, None, :])
        distances = ops.cast(distances, scores.dtype)[:, None]  # (B or 1, 1, T, S)
        return scores - slopes[:, None, None] * distances
