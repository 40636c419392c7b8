"""Blocks of self-attention on top of each other."""

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate
from keras_seq._typing import Chosen, Config, Function, Mask, Nest, Options, Shape, Tensor, Unpack
from keras_seq.layers.masking import without_masked
from keras_seq.layers.positions import PositionEncoding, get_position_encoding, positions_of
from keras_seq.layers.recurrent_layer import as_mask, last_steps
from keras_seq.layers.self_attention import SelfAttention


@keras.saving.register_keras_serializable(package="keras_seq")
class SelfAttentionEncoder(keras.layers.Layer):
    r"""Self-attention and feed-forward layers in turns: the Transformer's encoder.

        x^0   = positions.add_to_inputs(W_in x)               W_in where x is not of size `units`
        u^l   = x^(l-1) + dropout(attention^l(LayerNorm(x^(l-1))))
        x^l   = u^l + dropout(W_2 f(W_1 LayerNorm(u^l) + b_1) + b_2)
        y     = LayerNorm(x^L)

    with f the activation. The norms stand before the layers and not behind them, as in the first
    Transformer: so it trains without a warm-up (Xiong et al., 2020).

    It is called as `RNNStack` is, and a model may have one in the place of the other. With `causal`
    a step sees no later ones, as in a language model. A masked step is not looked at and gives
    zeros, as does a row without any valid step; positions count the valid steps only, so that
    padding on either side changes nothing.

    For streaming (`causal` only), `start` and `step` take one step after the other; the results are
    those of the call.

    Args:
        units: size of the output and of every layer.
        num_layers: number of blocks.
        num_heads: number of heads of each attention.
        feed_forward_units: size of W_1 x; 4 times `units` where it is not given.
        positions: `"alibi"`, `"rotary"`, `"sinusoidal"`, `"learnt"`, `"none"`, the config of a
            `PositionEncoding`, or an instance of one, such as `LearntPositions(100)`. All layers
            share it. ALiBi, the default, is the one for sequences longer than those of the
            training; rotary positions tell exact distances.
        causal: whether a step sees itself and the steps before only.
        dropout: rate in [0, 1) of the dropout of attention weights, of what each layer adds, and of
            x^0.
        activation: f, by name or as a function.
        return_sequences: whether to return the outputs of all steps, or of the last valid one.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed.
        return_attention: whether to return the attention weights too.
        training: whether dropout is active.

    Returns:
        `(batch, time, units)` with `return_sequences`, else `(batch, units)`, in the compute dtype;
        with `return_attention` a pair of that and of the list of the weights of each block,
        `(batch, heads, time of the query, time of the key)`.

    Raises:
        ValueError: for `units`, `num_layers`, `num_heads` or `feed_forward_units` below 1, `units`
            that are no multiple of `num_heads`, a rate outside [0, 1), an unknown position encoding
            or activation, and for `start` without `causal`.

    Example:

    >>> import numpy as np
    >>> encoder = SelfAttentionEncoder(8, num_layers=2, num_heads=2, positions="rotary")
    >>> tuple(encoder(np.ones((2, 5, 3), "float32")).shape)
    (2, 8)

    References:
        - Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762.
        - Xiong et al., 2020, "On layer normalization in the Transformer architecture",
          arXiv:2002.04745.
    """

    def __init__(
        self,
        units: int = 256,
        num_layers: int = 2,
        num_heads: int = 4,
        feed_forward_units: int | None = None,
        positions: Chosen[PositionEncoding] | None = "alibi",
        causal: bool = False,
        dropout: float = 0.0,
        activation: Function = "gelu",
        return_sequences: bool = False,
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.num_heads = num_heads
        self.feed_forward_units = check_positive(
            "feed_forward_units", 4 * units if feed_forward_units is None else feed_forward_units
        )
        self.positions = get_position_encoding(positions, self.dtype_policy)
        self.causal = causal
        self.dropout = check_rate("dropout", dropout)
        self.activation = keras.activations.get(activation)
        self.return_sequences = return_sequences
        self._make_layers()
        self.supports_masking = True

    def _make_layers(self):
        policy, layers = {"dtype": self.dtype_policy}, range(self.num_layers)
        self.projection = None
        self.attention_layers = [
            SelfAttention(
                self.units,
                self.num_heads,
                self.causal,
                self.positions,
                add_positions=False,
                dropout=self.dropout,
                **policy,
            )
            for _ in layers
        ]
        self.inner_layers = [
            keras.layers.Dense(self.feed_forward_units, self.activation, **policy) for _ in layers
        ]
        self.outer_layers = [keras.layers.Dense(self.units, **policy) for _ in layers]
        self.attention_norms = [keras.layers.LayerNormalization(**policy) for _ in layers]
        self.feed_forward_norms = [keras.layers.LayerNormalization(**policy) for _ in layers]
        self.last_norm = keras.layers.LayerNormalization(**policy)
        self.dropout_layer = keras.layers.Dropout(self.dropout, **policy)

    @property
    def output_size(self) -> int:
        """The number of features in the outputs."""
        return self.units

    def build(self, inputs_shape: Shape) -> None:
        shape = (*inputs_shape[:-1], self.units)
        if inputs_shape[-1] != self.units:
            self.projection = keras.layers.Dense(
                self.units, use_bias=False, dtype=self.dtype_policy
            )
            self.projection.build(inputs_shape)
        if not self.positions.built:
            self.positions.build(shape)
            self.positions.built = True
        for layer in [*self.attention_layers, *self.inner_layers]:
            layer.build(shape)
        for layer in self.outer_layers:
            layer.build((*inputs_shape[:-1], self.feed_forward_units))
        for norm in [*self.attention_norms, *self.feed_forward_norms, self.last_norm]:
            norm.build(shape)

    def call(
        self,
        inputs: Tensor,
        mask: Mask = None,
        return_attention: bool = False,
        training: bool = False,
    ) -> Nest:
        mask = as_mask(mask)
        x = self._enter(without_masked(inputs, mask), positions_of(inputs, mask))
        x = self.dropout_layer(x, training=training)
        weights = []
        for i, attention in enumerate(self.attention_layers):
            context, seen = attention(
                self.attention_norms[i](x), mask=mask, return_attention=True, training=training
            )
            if return_attention:
                weights.append(seen)
            x = x + self.dropout_layer(context, training=training)
            x = x + self.dropout_layer(self._feed_forward(i, x), training=training)
        outputs = without_masked(self.last_norm(x), mask)
        if not self.return_sequences:
            outputs = last_steps(outputs, mask)
        return (outputs, weights) if return_attention else outputs

    def start(self, batch_size: int, max_length: int) -> list[dict[str, Tensor]]:
        """Return the state before the first step: for each block a dict of tensors, batch first.

        Args:
            batch_size: number of rows.
            max_length: how many steps each block keeps; in a longer stream the oldest ones are
                forgotten.
        """
        return [layer.start(batch_size, max_length) for layer in self.attention_layers]

    def step(self, x: Tensor, state: Nest) -> tuple[Tensor, Nest]:
        """Return `(output, state)` of one more step.

        Args:
            x: `(batch, features)`.
            state: as `start` or the last `step` returned it.

        Returns:
            `(batch, units)` and the new state.
        """
        x = self._enter(x[:, None], state[0]["next"][:, None])[:, 0]
        new = []
        for i, attention in enumerate(self.attention_layers):
            context, kept = attention.step(self.attention_norms[i](x), state[i])
            new.append(kept)
            x = x + context
            x = x + self._feed_forward(i, x)
        return self.last_norm(x), new

    def _enter(self, inputs, positions):
        """What goes into the first block."""
        x = ops.cast(inputs, self.compute_dtype)
        if self.projection is not None:
            x = self.projection(x)
        return self.positions.add_to_inputs(x, positions)

    def _feed_forward(self, i, x):
        return self.outer_layers[i](self.inner_layers[i](self.feed_forward_norms[i](x)))

    def compute_mask(self, inputs, mask=None):
        return mask if self.return_sequences else None

    def compute_output_shape(self, inputs_shape):
        steps = inputs_shape[:-1] if self.return_sequences else inputs_shape[:1]
        return (*steps, self.units)

    def compute_output_spec(self, inputs, mask=None, return_attention=False, training=False):
        outputs = keras.KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)
        if not return_attention:
            return outputs
        batch, length = inputs.shape[:2]
        shape = (batch, self.num_heads, length, length)
        return outputs, [
            keras.KerasTensor(shape, self.compute_dtype) for _ in self.attention_layers
        ]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "feed_forward_units": self.feed_forward_units,
            "positions": keras.saving.serialize_keras_object(self.positions),
            "causal": self.causal,
            "dropout": self.dropout,
            "activation": keras.activations.serialize(self.activation),
            "return_sequences": self.return_sequences,
        }
