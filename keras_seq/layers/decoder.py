"""From a memory to logits over the next token: all steps at once, or one by one."""

import functools

import keras
from keras import ops

from keras_seq.backend import jit_pays, scan
from keras_seq.identifiers import check_positive, check_rate, resolve
from keras_seq.layers.attention import AttentionMechanism
from keras_seq.layers.attention_cell import AttentionCell
from keras_seq.layers.bahdanau_attention import BahdanauAttention
from keras_seq.layers.bridge import Bridge
from keras_seq.layers.luong_attention import LuongAttention
from keras_seq.layers.scaled_dot_attention import ScaledDotAttention

ATTENTIONS = {
    "additive": BahdanauAttention,
    "bahdanau": BahdanauAttention,
    "dot": functools.partial(LuongAttention, "dot"),
    "general": functools.partial(LuongAttention, "general"),
    "concat": functools.partial(LuongAttention, "concat"),
    "scaled_dot": ScaledDotAttention,
}


def get_attention(identifier, units=None, dtype=None):
    """Return a new attention mechanism for a name, a config or an instance; `None` for `None`.

    Args:
        identifier: one of these.
        units: size of the score where a name is given.
        dtype: dtype or policy where a name is given; an instance keeps its own.
    """
    if identifier is None:
        return None
    attention = resolve(
        identifier, ATTENTIONS, "attention", AttentionMechanism, units=units, dtype=dtype
    )
    return type(attention).from_config(attention.get_config())


@keras.saving.register_keras_serializable(package="keras_seq")
class Decoder(keras.layers.Layer):
    r"""A recurrent decoder with attention, conditioned on an encoder.

        s_0 = Bridge(final encoder states)
        c_t, s_t = AttentionCell(E y_(t-1), s_(t-1), memory)
        r_t = tanh(W_r [h_t; c_t; E y_(t-1)] + b_r)              h_t is the output of the top cell
        p(y_t | y_<t, x) = softmax(W_o r_t + b_o)

    With `attention=None` the source is one vector: it sets the initial state (Sutskever et al.)
    and is fed at each step (Cho et al.).

    Called on a whole target sequence it is teacher-forced: the embedding, the readout r and the
    vocabulary projection of all steps are one product each, and only the recurrence is a loop.
    `start` and `step` are the same decoder one token at a time, for search.

    Args:
        vocabulary_size: number of token ids.
        cell: `"lstm"`, `"gru"`, `"vanilla"`, the config of a cell, or an instance of one.
        units: size of the cell where a name is given, of the attention's score, and of r.
        num_layers: number of cells in the stack.
        attention: `"additive"` (the same as `"bahdanau"`), `"dot"`, `"general"`, `"concat"`,
            `"scaled_dot"`, a config, an instance, or `None`.
        embedding_dim: size of the token embeddings; `units` where `None`.
        dropout: rate on the embeddings, between layers (one mask per sequence) and on r.

    Call arguments:
        token_ids: integers `(batch, steps)`, the tokens fed: `y_0` is the start token.
        values: the outputs of the encoder, `(batch, time, size)`.
        encoder_states: its final states, a list of lists of `(batch, size)`.
        values_mask: boolean `(batch, time)`, `False` where the source is padding. Padding of the
            target needs no mask here: it stands on the right, and the loss leaves it out.
        return_attention: whether to return the attention weights too.
        training: whether dropout is active.

    Returns:
        Logits `(batch, steps, vocabulary_size)`, float32 in mixed precision; with
        `return_attention` a tuple with the weights `(batch, steps, time)` (or `None`).

    Raises:
        ValueError: for an unknown cell or attention, sizes below 1, a rate outside [0, 1).

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import Encoder
    >>> values, states = Encoder("gru", units=4)(np.ones((2, 5, 3), "float32"))
    >>> decoder = Decoder(vocabulary_size=7, cell="gru", units=4)
    >>> tuple(decoder(np.ones((2, 6), "int32"), values, states).shape)
    (2, 6, 7)

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473.
        - Sutskever, Vinyals & Le, 2014, arXiv:1409.3215.
        - Cho et al., 2014, arXiv:1406.1078.
    """

    def __init__(
        self,
        vocabulary_size,
        cell="lstm",
        units=256,
        num_layers=1,
        attention="additive",
        embedding_dim=None,
        dropout=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_positive("vocabulary_size", vocabulary_size)
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.embedding_dim = check_positive(
            "embedding_dim", units if embedding_dim is None else embedding_dim
        )
        self.dropout = check_rate("dropout", dropout)
        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(vocabulary_size, self.embedding_dim, dtype=policy)
        mechanism = get_attention(attention, units, policy)
        self.cell = AttentionCell([cell] * num_layers, mechanism, units, dtype=policy)
        self.bridge = Bridge(self.cell.state_size, dtype=policy)
        self.readout = keras.layers.Dense(units, activation="tanh", dtype=policy)
        self.projection = keras.layers.Dense(vocabulary_size, dtype=policy.variable_dtype)
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=policy)
        self.supports_jit = jit_pays  # what `jit_compile="auto"` asks

    def build(self, token_ids_shape, values_shape, encoder_states_shape):
        batch = token_ids_shape[0]
        if self.cell.attention is None:
            values_shape = (batch, self.cell.output_size)
        features = self.cell.output_size + values_shape[-1] + self.embedding_dim
        self.embedding.build(token_ids_shape)
        self.bridge.build(encoder_states_shape)
        self.cell.build((batch, self.embedding_dim), values_shape)
        self.readout.build((batch, None, features))
        self.projection.build((batch, None, self.units))

    def start(self, values, encoder_states, values_mask=None):
        """Return `(state, memory)` before the first token.

        `state` changes with every step. `memory` stays: beam search repeats it for the beams of a
        source and never reorders it.
        """
        state = self.bridge(encoder_states)
        source = state[-1][0] if self.cell.attention is None else values
        return state, self.cell.memory(source, values_mask)

    def step(self, token_ids, state, memory):
        """Return `(logits, state)` after feeding `token_ids`, integers `(batch,)`."""
        inputs = self.embedding(token_ids)
        (output, context, _), state = self.cell(inputs, state, memory)
        return self._logits(output, context, inputs, training=False), state

    def call(
        self,
        token_ids,
        values,
        encoder_states,
        values_mask=None,
        return_attention=False,
        training=False,
    ):
        state, memory = self.start(values, encoder_states, values_mask)
        inputs = self.dropout_layer(self.embedding(token_ids), training=training)  # (B, T, E)
        masks = self._boundary_masks(state, training)

        def step(x, state):
            (output, context, weights), state = self.cell(
                x, state, memory, dropout_masks=masks, training=training
            )
            wanted = (output, context, weights) if return_attention else (output, context)
            return tuple(x for x in wanted if x is not None), state

        self.cell.prepare_dropout(ops.zeros_like(inputs[:, 0]), state, memory)
        (output, context, *weights), _ = scan(step, state, inputs)
        self.cell.forget_dropout()
        logits = self._logits(output, context, inputs, training)
        return (logits, weights[0] if weights else None) if return_attention else logits

    def _logits(self, output, context, inputs, training):
        readout = self.readout(ops.concatenate([output, context, inputs], axis=-1))
        return self.projection(self.dropout_layer(readout, training=training))

    def _boundary_masks(self, state, training):
        """One dropout mask per sequence for each boundary between two cells."""
        if not (training and self.dropout):
            return None
        return [
            self.dropout_layer(ops.ones_like(tensors[0]), training=True) for tensors in state[:-1]
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "cell": keras.saving.serialize_keras_object(self.cell.cells[0]),
            "units": self.units,
            "num_layers": self.num_layers,
            "attention": keras.saving.serialize_keras_object(self.cell.attention),
            "embedding_dim": self.embedding_dim,
            "dropout": self.dropout,
        }
