"""What position encodings share: the three places in which attention can learn about order."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_seq")
class PositionEncoding(keras.layers.Layer):
    r"""No position encoding, and the base class of all others.

        x_t   <- add_to_inputs(x_t, t)
        q_t   <- turn(q_t, t),     k_s <- turn(k_s, s)
        e_ts  <- add_to_scores(q_t . k_s / sqrt(size of a head), t, s)

    Here each method returns what it was given: without causality, self-attention then takes a
    sequence for a set. With it, the steps that a query can see tell its position, and Kazemnejad et
    al. found that small decoders of this kind read longer sequences than those that they were
    trained on better than with most encodings.

    A subclass overrides what it needs; weights are made in `build(inputs_shape)`. Methods must give
    every step what its position says and nothing else, then streaming equals the whole at once.

    Call arguments:
        inputs: `(batch, time, size)`.
        mask: boolean `(batch, time)`, `False` where padding: the position of a step is the number
            of valid steps before it, so that padding on either side changes nothing.

    Returns:
        `add_to_inputs` of the inputs, in their shape and in the compute dtype.

    Example:

    >>> import numpy as np
    >>> class Recency(PositionEncoding):
    ...     "Steps further back than `reach` count for less."
    ...     def __init__(self, reach=4, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.reach = reach
    ...     def add_to_scores(self, scores, query_positions, key_positions):
    ...         distance = query_positions[:, None, :, None] - key_positions[:, None, None, :]
    ...         return ops.where(distance > self.reach, scores - 1.0, scores)
    >>> from keras_seq.layers import SelfAttention
    >>> attention = SelfAttention(4, num_heads=2, causal=True, positions=Recency())
    >>> tuple(attention(np.ones((1, 9, 3), "float32")).shape)
    (1, 9, 4)

    References:
        - Kazemnejad et al., 2023, "The impact of positional encoding on length generalization in
          transformers", arXiv:2305.19466.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape):
        """Make the weights; the shape is that of what `add_to_inputs` gets. Here there are none."""

    def check_head_size(self, size):
        """Raise a `ValueError` where heads of an attention cannot have so many numbers."""

    def add_to_inputs(self, inputs, positions):
        """Return the inputs of the attention, or of the first layer of a stack.

        Args:
            inputs: `(batch, time, size)`.
            positions: int32 `(batch or 1, time)`.
        """
        return inputs

    def turn(self, x, positions):
        """Return the queries or keys as they are compared.

        Args:
            x: `(batch, heads, time, size of a head)`, of float32 at least.
            positions: int32 `(batch or 1, time)`.
        """
        return x

    def add_to_scores(self, scores, query_positions, key_positions):
        """Return the scores that the softmax gets.

        Args:
            scores: `(batch, heads, queries, keys)`, of float32 at least.
            query_positions: int32 `(batch or 1, queries)`.
            key_positions: int32 `(batch or 1, keys)`.
        """
        return scores

    def call(self, inputs, mask=None):
        return self.add_to_inputs(inputs, positions_of(inputs, mask))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        # Without it, Keras makes a config of what `__init__` was called with, which must be plain.
        return super().get_config()


def positions_of(inputs, mask=None):
    """Return the positions of the steps of `inputs`, int32 `(batch or 1, time)`.

    Args:
        inputs: `(batch, time, ...)`.
        mask: boolean `(batch, time)`; the position is the number of valid steps before.
    """
    if mask is None:
        return ops.arange(ops.shape(inputs)[1], dtype="int32")[None]
    valid = ops.cast(mask, "int32")
    return ops.cumsum(valid, axis=1) - valid
