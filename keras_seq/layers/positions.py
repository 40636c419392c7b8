"""Position encodings: what attention learns of the order of steps."""

import keras
import numpy as np
from keras import ops

from keras_seq._checks import as_number, check_positive, fresh, resolve_layer
from keras_seq._registry import POSITION_ENCODINGS
from keras_seq._typing import Config, Function, Mask, Options, Shape, Tensor, Unpack


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

    def __init__(self, **kwargs: Unpack[Options]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape: Shape) -> None:
        """Make the weights; the shape is that of what `add_to_inputs` gets. Here there are none."""

    def check_head_size(self, size: int) -> None:
        """Raise a `ValueError` where heads of an attention cannot have so many numbers."""

    def add_to_inputs(self, inputs: Tensor, positions: Tensor) -> Tensor:
        """Return the inputs of the attention, or of the first layer of a stack.

        Args:
            inputs: `(batch, time, size)`.
            positions: int32 `(batch or 1, time)`.
        """
        return inputs

    def turn(self, x: Tensor, positions: Tensor) -> Tensor:
        """Return the queries or keys as they are compared.

        Args:
            x: `(batch, heads, time, size of a head)`, of float32 at least.
            positions: int32 `(batch or 1, time)`.
        """
        return x

    def add_to_scores(
        self, scores: Tensor, query_positions: Tensor, key_positions: Tensor
    ) -> Tensor:
        """Return the scores that the softmax gets.

        Args:
            scores: `(batch, heads, queries, keys)`, of float32 at least.
            query_positions: int32 `(batch or 1, queries)`.
            key_positions: int32 `(batch or 1, keys)`.
        """
        return scores

    def call(self, inputs: Tensor, mask: Mask = None) -> Tensor:
        return self.add_to_inputs(inputs, positions_of(inputs, mask))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self) -> Config:
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


@keras.saving.register_keras_serializable(package="keras_seq")
class SinusoidalPositions(PositionEncoding):
    r"""Sines and cosines of the position, added to the inputs.

        p_(t, 2i)     = sin(t / 10000^(2i / size))
        p_(t, 2i + 1) = cos(t / 10000^(2i / size))
        x_t          <- x_t + p_t

    There are no weights. Every position has a code, but those beyond the longest sequence of the
    training are new to the layers above. Call arguments, mask and result are those of
    `PositionEncoding`.

    Example:

    >>> import numpy as np
    >>> x = SinusoidalPositions()(np.zeros((1, 3, 4), "float32"))
    >>> bool(np.allclose(keras.ops.convert_to_numpy(x)[0, :, 0], np.sin([0, 1, 2])))
    True

    References:
        - Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762, section 3.5.
    """

    def add_to_inputs(self, inputs: Tensor, positions: Tensor) -> Tensor:
        channels = np.arange(inputs.shape[-1])
        rates = 10000.0 ** (-(channels // 2 * 2) / len(channels))
        # A cosine is a sine that is a quarter of a wave ahead.
        ahead = np.where(channels % 2, np.pi / 2, 0.0)
        rates, ahead = (ops.convert_to_tensor(x, dtype="float32") for x in (rates, ahead))
        angles = ops.cast(positions, "float32")[..., None] * rates + ahead
        return inputs + ops.cast(ops.sin(angles), inputs.dtype)


@keras.saving.register_keras_serializable(package="keras_seq")
class LearntPositions(PositionEncoding):
    r"""A vector of weights for each position, added to the inputs.

        x_t <- x_t + P_min(t, max_length - 1)

    Positions from `max_length` on share the last vector, on every backend, whether or not the
    length is known beforehand. A vector that no sequence of the training was long enough for stays
    as it was initialised. Call arguments, mask and result are those of `PositionEncoding`.

    Args:
        max_length: number of positions with a vector of their own.
        initializer: initialiser of the vectors.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for a `max_length` that is no integer above 0.

    Example:

    >>> import numpy as np
    >>> positions = LearntPositions(max_length=2)
    >>> x = keras.ops.convert_to_numpy(positions(np.zeros((1, 4, 3), "float32")))
    >>> bool((x[0, 1] == x[0, 3]).all()), bool((x[0, 0] == x[0, 1]).all())
    (True, False)

    References:
        - Gehring et al., 2017, "Convolutional sequence to sequence learning", arXiv:1705.03122.
        - Devlin et al., 2019, "BERT: pre-training of deep bidirectional transformers for language
          understanding", arXiv:1810.04805.
    """

    def __init__(
        self,
        max_length: int = 512,
        initializer: Function = "random_normal",
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.max_length = check_positive("max_length", max_length)
        self.initializer = keras.initializers.get(initializer)

    def build(self, inputs_shape: Shape) -> None:
        self.vectors = self.add_weight(
            shape=(self.max_length, inputs_shape[-1]),
            name="vectors",
            initializer=fresh(self.initializer),
        )

    def add_to_inputs(self, inputs: Tensor, positions: Tensor) -> Tensor:
        positions = ops.minimum(positions, self.max_length - 1)
        return inputs + ops.cast(ops.take(self.vectors, positions, axis=0), inputs.dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "initializer": keras.initializers.serialize(self.initializer),
        }


@keras.saving.register_keras_serializable(package="keras_seq")
class RotaryPositions(PositionEncoding):
    r"""Queries and keys are turned by angles that grow with the position.

        theta_i          = base^(-2i / d),     i = 0, ..., d/2 - 1,  d the size of a head
        [a_i; b_i]      <- [a_i cos(t theta_i) - b_i sin(t theta_i);
                            a_i sin(t theta_i) + b_i cos(t theta_i)]

    where a is the first half of a query or key, b the second. A score then depends on the positions
    by their distance alone: turn(q, t) . turn(k, s) = turn(q, t - s) . k. There are no weights, and
    the inputs stay as they are.

    Args:
        base: the longest wave has a length of nearly 2 pi base steps.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for a `base` that is no number above 1, and for heads of an odd size.

    Example:

    >>> import numpy as np
    >>> q, k = np.ones((2, 1, 1, 1, 4), "float32")
    >>> turn = RotaryPositions().turn
    >>> def score(t, s):
    ...     return float(ops.sum(turn(q, np.array([[t]])) * turn(k, np.array([[s]]))))
    >>> abs(score(7, 5) - score(2, 0)) < 1e-5, abs(score(7, 5) - score(7, 0)) < 1e-5
    (True, False)

    References:
        - Su et al., 2021, "RoFormer: enhanced transformer with rotary position embedding",
          arXiv:2104.09864, section 3.2.
    """

    def __init__(self, base: float = 10000.0, **kwargs: Unpack[Options]):
        super().__init__(**kwargs)
        self.base = as_number(base)
        if self.base is None or not self.base > 1:
            raise ValueError(f"`base` must be a number above 1; received {base!r}.")

    def check_head_size(self, size: int) -> None:
        if size % 2:
            raise ValueError(
                "Rotary positions turn pairs of numbers: the size of a head must be even; "
                f"received {size}."
            )

    def turn(self, x: Tensor, positions: Tensor) -> Tensor:
        size = x.shape[-1]
        self.check_head_size(size)
        rates = float(self.base) ** (-np.arange(0, size, 2) / size)
        rates = ops.convert_to_tensor(rates, dtype="float32")
        angles = ops.cast(positions, "float32")[:, None, :, None] * rates
        cos, sin = ops.cast(ops.cos(angles), x.dtype), ops.cast(ops.sin(angles), x.dtype)
        a, b = ops.split(x, 2, axis=-1)  # (B, H, T, size / 2) each
        return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def get_config(self) -> Config:
        return {**super().get_config(), "base": self.base}


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


def get_position_encoding(identifier, dtype=None):
    """Return the position encoding for a name, a config or an instance.

    Args:
        identifier: a name in `layers.POSITION_ENCODINGS`, `None` for none; the config of a
            `PositionEncoding`; or an instance, which is used as it is.
        dtype: dtype or policy where a name is given.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something else.

    Example:

    >>> get_position_encoding("rotary").base
    10000.0
    """
    identifier = "none" if identifier is None else identifier
    return resolve_layer(
        identifier, POSITION_ENCODINGS, "position encoding", PositionEncoding, dtype=dtype
    )
