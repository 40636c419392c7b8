"""A recurrent cell that looks at a memory before each step."""

import keras
from keras import ops

from keras_seq.layers.attention import AttentionMechanism
from keras_seq.layers.cells import (
    forget_dropout,
    get_cell,
    output_size,
    prepare_dropout,
    state_sizes,
)


@keras.saving.register_keras_serializable(package="keras_seq")
class AttentionCell(keras.layers.Layer):
    r"""A cell, or a stack of cells, that attends to a memory, in Bahdanau's order.

        c_t = attention(q = h_(t-1), memory)          attend with the last output of the top cell
        h_t = cell([x_t; c_t], state_(t-1))           then recur

    In a stack the context goes into the bottom cell and the query comes from the top one. With
    `attention=None` the context is one vector that does not change over time, which is the
    fixed-context decoder of Cho et al.

    Args:
        cell: any Keras RNN cell, a name (`"lstm"`, `"gru"`, `"vanilla"`), a config, or a list of
            these for a stack. Copies are made. The output must stand first in the cell's state.
        attention: an `AttentionMechanism`, its config, or `None`.
        units: size of the cells where names are given.

    Call arguments:
        inputs: `(batch, features)`.
        states: a list with the list of state tensors of each cell.
        memory: what `memory(...)` returned; prepared once per source.
        dropout_masks: a list with one tensor `(batch, size)` for each boundary between two cells,
            multiplied with what passes there; `None` for no dropout.
        training: passed to the cells.

    Returns:
        `((output, context, weights), states)`; `weights` is `None` where `attention` is.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import BahdanauAttention
    >>> cell = AttentionCell("gru", BahdanauAttention(4), units=8)
    >>> cell.build((2, 3), (2, 5, 6))
    >>> memory = cell.memory(np.ones((2, 5, 6), "float32"), np.ones((2, 5), bool))
    >>> (output, context, weights), states = cell(
    ...     np.ones((2, 3), "float32"), [[np.zeros((2, 8), "float32")]], memory
    ... )
    >>> tuple(output.shape), tuple(context.shape), tuple(weights.shape)
    ((2, 8), (2, 6), (2, 5))

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473, section 3.1 and appendix A.2.2.
        - Cho et al., 2014, arXiv:1406.1078, section 2.2, for the fixed context.
    """

    def __init__(self, cell, attention=None, units=None, **kwargs):
        super().__init__(**kwargs)
        if isinstance(cell, keras.layers.StackedRNNCells):
            cell = cell.cells
        cells = cell if isinstance(cell, (list, tuple)) else [cell]
        if not cells:
            raise ValueError("`cell` must be a cell or a list of at least one; received none.")
        self.cells = [get_cell(one, units, self.dtype_policy) for one in cells]
        if isinstance(attention, dict):
            attention = keras.saving.deserialize_keras_object(attention)
        if not (attention is None or isinstance(attention, AttentionMechanism)):
            raise ValueError(
                "`attention` must be an AttentionMechanism, its config or None; "
                f"received {attention!r}."
            )
        self.attention = attention

    @property
    def state_size(self):
        """The sizes of the state tensors of each cell, a list of lists."""
        return [state_sizes(cell) for cell in self.cells]

    @property
    def output_size(self):
        """The number of features in the output of the top cell."""
        return output_size(self.cells[-1])

    def build(self, inputs_shape, values_shape):
        """Make the weights for inputs `(..., features)` and memory values `(..., size)`."""
        if self.attention is not None and not self.attention.built:
            self.attention.build((None, self.output_size), values_shape)
            self.attention.built = True
        size = inputs_shape[-1] + values_shape[-1]
        for cell in self.cells:
            if not cell.built:
                cell.build((inputs_shape[0], size))
                cell.built = True
            size = output_size(cell)
        self.built = True

    def memory(self, values, values_mask=None):
        """Prepare what the cell attends to.

        Args:
            values: `(batch, time, size)`; with `attention=None` the fixed context `(batch, size)`.
            values_mask: boolean `(batch, time)` or `None`.

        Returns:
            A dict of tensors, batch first.
        """
        if self.attention is None:
            return {"context": values}
        if values_mask is None:
            values_mask = ops.ones(ops.shape(values)[:2], dtype="bool")
        keys = self.attention.project_keys(values)
        return {"values": values, "keys": keys, "mask": values_mask}

    def call(self, inputs, states, memory, dropout_masks=None, training=False):
        context, weights = self._attend(states[-1][0], memory)
        output = ops.concatenate([inputs, context], axis=-1)
        new_states = []
        for i, (cell, state) in enumerate(zip(self.cells, states, strict=True)):
            if i and dropout_masks is not None:
                output = output * dropout_masks[i - 1]
            output, state = _advance(cell, output, list(state), training)
            new_states.append(state)
        return (output, context, weights), new_states

    def _attend(self, query, memory):
        if self.attention is None:
            return memory["context"], None
        return self.attention(
            query, memory["values"], keys=memory["keys"], values_mask=memory["mask"]
        )

    def prepare_dropout(self, inputs, states, memory):
        """Draw the dropout masks of the cells themselves; call it before a loop over steps."""
        context = memory["context"] if self.attention is None else memory["values"][:, 0]
        step_input = ops.concatenate([inputs, context], axis=-1)
        for cell, state in zip(self.cells, states, strict=True):
            prepare_dropout(cell, step_input, state)
            step_input = state[0]  # the shape of this cell's output

    def forget_dropout(self):
        """Forget those masks; call it after the loop."""
        for cell in self.cells:
            forget_dropout(cell)

    def get_config(self):
        return {
            **super().get_config(),
            "cell": [keras.saving.serialize_keras_object(cell) for cell in self.cells],
            "attention": keras.saving.serialize_keras_object(self.attention),
        }


def _advance(cell, inputs, state, training):
    """One step of `cell`, whose `call` may or may not know `training` and may return one state."""
    knows_training = getattr(cell, "_call_has_training_arg", True)
    output, state = cell(inputs, state, **({"training": training} if knows_training else {}))
    return output, list(state) if isinstance(state, (list, tuple)) else [state]
