"""Attention of a sequence to itself."""

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate, fresh
from keras_seq._typing import Chosen, Config, Function, Mask, Nest, Options, Shape, Tensor, Unpack
from keras_seq.layers.masking import without_masked
from keras_seq.layers.positions import PositionEncoding, get_position_encoding, positions_of
from keras_seq.layers.recurrent_layer import as_mask


@keras.saving.register_keras_serializable(package="keras_seq")
class SelfAttention(keras.layers.Layer):
    r"""Scaled dot-product attention of a sequence to itself, with many heads.

        q_t, k_t, v_t = W_q x_t, W_k x_t, W_v x_t            each cut into heads of size d
        a^h_ts        = softmax_s(q^h_t . k^h_s / sqrt(d))   over s <= t only, if `causal`
        y_t           = W_o [sum_s a^1_ts v^1_s; ...; sum_s a^H_ts v^H_s]

    with no biases. What `positions` does to x, q, k and the scores is said by its class.

    A masked step is not looked at, and gives zeros, as does a row without any valid step. Positions
    count the valid steps only: padding on either side changes nothing. Scores and softmax are
    computed in float32 at least, whatever the compute dtype.

    For streaming, `step` takes one step after the other and keeps the keys and values of the steps
    before; the results are those of the call.

    Args:
        units: size of the output, and of the queries, keys and values of all heads together.
        num_heads: number of heads.
        causal: whether a step sees itself and the steps before only.
        positions: `"none"`, `"sinusoidal"`, `"learnt"`, `"rotary"`, `"alibi"`, the config of a
            `PositionEncoding`, or an instance of one.
        add_positions: whether what `positions` adds to the inputs is added here; `False` in a
            stack, which adds it once, below its first layer.
        dropout: rate of the dropout of the weights a, in [0, 1).
        kernel_initializer: initialiser of the four matrices.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed.
        return_attention: whether to return the weights too.
        training: whether dropout is active.

    Returns:
        `(batch, time, units)` in the compute dtype; with `return_attention` a pair of that and of
        the weights before dropout, `(batch, heads, time of the query, time of the key)`.

    Raises:
        ValueError: for `units` or `num_heads` below 1, `units` that are no multiple of `num_heads`,
            a rate outside [0, 1), an unknown position encoding, for rotary positions with heads of
            an odd size, and for `start` without `causal`.

    Example:

    >>> import numpy as np
    >>> attention = SelfAttention(8, num_heads=2, causal=True, positions="rotary")
    >>> x = np.ones((1, 5, 3), "float32")
    >>> outputs, weights = attention(x, return_attention=True)
    >>> tuple(outputs.shape), tuple(weights.shape)
    ((1, 5, 8), (1, 2, 5, 5))
    >>> state = attention.start(batch_size=1, max_length=5)
    >>> output, state = attention.step(x[:, 0], state)
    >>> bool(np.allclose(*map(keras.ops.convert_to_numpy, (output, outputs[:, 0])), atol=1e-5))
    True

    References:
        - Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762, section 3.2.
    """

    def __init__(
        self,
        units: int,
        num_heads: int = 4,
        causal: bool = False,
        positions: Chosen[PositionEncoding] | None = "none",
        add_positions: bool = True,
        dropout: float = 0.0,
        kernel_initializer: Function = "glorot_uniform",
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.num_heads = check_positive("num_heads", num_heads)
        if units % num_heads:
            raise ValueError(
                "`units` must be a multiple of `num_heads`; received "
                f"units={units} and num_heads={num_heads}."
            )
        self.causal = causal
        self.positions = get_position_encoding(positions, self.dtype_policy)
        self.positions.check_head_size(units // num_heads)
        self.add_positions = add_positions
        self.dropout = check_rate("dropout", dropout)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.query_projection = self._projection("query")
        self.key_projection = self._projection("key")
        self.value_projection = self._projection("value")
        self.output_projection = self._projection("output")
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.supports_masking = True

    def _projection(self, name):
        return keras.layers.Dense(
            self.units,
            use_bias=False,
            kernel_initializer=fresh(self.kernel_initializer),
            name=name,
            dtype=self.dtype_policy,
        )

    def build(self, inputs_shape: Shape) -> None:
        if not self.positions.built:
            self.positions.build(inputs_shape)
            self.positions.built = True
        for projection in (self.query_projection, self.key_projection, self.value_projection):
            projection.build(inputs_shape)
        self.output_projection.build((*inputs_shape[:-1], self.units))

    def call(
        self,
        inputs: Tensor,
        mask: Mask = None,
        return_attention: bool = False,
        training: bool = False,
    ) -> Nest:
        mask = as_mask(mask)
        inputs = without_masked(inputs, mask)
        positions = positions_of(inputs, mask)
        query, key, value = self._project(inputs, positions)
        outputs, weights = self._attend(
            query, key, value, positions, positions, self._allowed(inputs, mask), training
        )
        return (outputs, weights) if return_attention else outputs

    def start(self, batch_size: int, max_length: int) -> dict[str, Tensor]:
        """Return the state before the first step: a dict of tensors, batch first.

        Args:
            batch_size: number of rows.
            max_length: how many steps to keep. Later steps take the places of the oldest ones: so
                a stream may be longer, and then sees that many steps.
        """
        if not self.causal:
            raise ValueError("A stream has no later steps to see: it needs causal=True.")
        max_length = check_positive("max_length", max_length)
        cache = (batch_size, self.num_heads, max_length, self.units // self.num_heads)
        return {
            "keys": ops.zeros(cache, dtype=self._score_dtype()),
            "values": ops.zeros(cache, dtype=self.compute_dtype),
            # Of the steps kept; -1 where there is none.
            "positions": ops.full((batch_size, max_length), -1, dtype="int32"),
            "next": ops.zeros((batch_size,), dtype="int32"),
        }

    def step(self, x: Tensor, state: Nest) -> tuple[Tensor, Nest]:
        """Return `(output, state)` of one more step.

        Args:
            x: `(batch, features)`.
            state: as `start` or the last `step` returned it.

        Returns:
            `(batch, units)` and the new state.
        """
        position = state["next"][:, None]  # (B, 1)
        query, key, value = self._project(x[:, None], position)
        length = state["positions"].shape[1]
        here = ops.equal(ops.arange(length, dtype="int32")[None], position % length)  # (B, M)
        new = {
            "keys": ops.where(here[:, None, :, None], key, state["keys"]),
            "values": ops.where(here[:, None, :, None], value, state["values"]),
            "positions": ops.where(here, position, state["positions"]),
            "next": state["next"] + 1,
        }
        allowed = ops.greater_equal(new["positions"], 0)[:, None, None, :]
        outputs, _ = self._attend(
            query, new["keys"], new["values"], position, new["positions"], allowed
        )
        return outputs[:, 0], new

    def _score_dtype(self):
        return "float32" if self.compute_dtype in ("float16", "bfloat16") else self.compute_dtype

    def _project(self, inputs, positions):
        """Queries, keys and values, `(batch, heads, time, size of a head)`."""
        inputs = ops.cast(inputs, self.compute_dtype)
        if self.add_positions:
            inputs = self.positions.add_to_inputs(inputs, positions)
        query, key, value = (
            self._split(projection(inputs), ops.shape(inputs))
            for projection in (self.query_projection, self.key_projection, self.value_projection)
        )
        query = ops.cast(query, self._score_dtype()) * (self.units // self.num_heads) ** -0.5
        key = ops.cast(key, self._score_dtype())
        return self.positions.turn(query, positions), self.positions.turn(key, positions), value

    def _split(self, x, shape):
        x = ops.reshape(x, (shape[0], shape[1], self.num_heads, self.units // self.num_heads))
        return ops.transpose(x, (0, 2, 1, 3))

    def _allowed(self, inputs, mask):
        """Which key each query may see, broadcast to `(batch, heads, time, time)`, or `None`."""
        allowed = None
        if self.causal:
            steps = ops.arange(ops.shape(inputs)[1], dtype="int32")
            allowed = ops.greater_equal(steps[:, None], steps)[None, None]
        if mask is not None:
            valid = ops.logical_and(mask[:, None, :, None], mask[:, None, None, :])
            allowed = valid if allowed is None else ops.logical_and(allowed, valid)
        return allowed

    def _attend(self, query, key, value, query_positions, key_positions, allowed, training=False):
        """The outputs `(batch, queries, units)`, and the weights `(batch, heads, queries, keys)`.

        It is not `keras.ops.dot_product_attention`: that takes no mask beside a bias on PyTorch, no
        dropout, casts the bias down, returns no weights, and gives a query without a key the mean.
        """
        scores = ops.matmul(query, ops.swapaxes(key, 2, 3))  # (B, H, T, S)
        scores = self.positions.add_to_scores(scores, query_positions, key_positions)
        if allowed is None:
            weights = ops.softmax(scores, axis=-1)
        else:
            # Finite, not -inf: the gradient of a query without any key must not be NaN.
            weights = ops.softmax(ops.where(allowed, scores, -1e9), axis=-1)
            weights = ops.where(allowed, weights, 0.0)
        weights = ops.cast(weights, self.compute_dtype)
        context = ops.matmul(self.dropout_layer(weights, training=training), value)  # (B, H, T, d)
        context = ops.transpose(context, (0, 2, 1, 3))
        shape = ops.shape(context)
        context = ops.reshape(context, (shape[0], shape[1], self.units))
        return self.output_projection(context), weights

    def compute_mask(self, inputs, mask=None):
        return mask

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.units)

    def compute_output_spec(self, inputs, mask=None, return_attention=False, training=False):
        outputs = keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)
        if not return_attention:
            return outputs
        batch, length = inputs.shape[:2]
        shape = (batch, self.num_heads, length, length)
        return outputs, keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "num_heads": self.num_heads,
            "causal": self.causal,
            "positions": keras.saving.serialize_keras_object(self.positions),
            "add_positions": self.add_positions,
            "dropout": self.dropout,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
