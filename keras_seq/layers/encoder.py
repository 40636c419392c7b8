"""From a sequence of vectors to annotations of every position."""

import keras
from keras import ops

from keras_seq.identifiers import check_positive, check_rate
from keras_seq.layers.cells import get_cell, initial_state, output_size, state_sizes
from keras_seq.layers.recurrence import unroll


@keras.saving.register_keras_serializable(package="keras_seq")
class Encoder(keras.layers.Layer):
    r"""A recurrent encoder: one direction or both, stacked, masked.

        forward:   h_t = cell(x_t, h_(t-1))
        backward:  g_t = cell(x_t, g_(t+1))            if `bidirectional`
        output:    [h_t; g_t], the input of the next layer

    A masked step leaves the state alone and gives zeros: the backward direction so begins at each
    row's last valid step, and the final states are those of the valid steps only. Padding on the
    right is the fast case.

    Args:
        cell: `"lstm"`, `"gru"`, `"vanilla"`, the config of a cell, or an instance of one.
        units: size of the state, per direction, where a name is given.
        num_layers: number of layers.
        bidirectional: whether to read from both sides.
        dropout: rate of the dropout between two layers, in [0, 1).
        residual: whether what goes into a layer above the bottom one is added to its output.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed.
        training: whether dropout is active.

    Returns:
        `(outputs, states)`: `(batch, time, units or 2 * units)`, and for each layer the list of its
        final state tensors, forward first.

    Raises:
        ValueError: for an unknown cell, `units` or `num_layers` below 1, a rate outside [0, 1).

    Example:

    >>> import numpy as np
    >>> outputs, states = Encoder("gru", units=4)(np.ones((2, 5, 3), "float32"))
    >>> tuple(outputs.shape), len(states), len(states[0])
    ((2, 5, 8), 1, 2)

    References:
        - Schuster & Paliwal, 1997, "Bidirectional recurrent neural networks", IEEE Transactions
          on Signal Processing 45(11).
    """

    def __init__(
        self,
        cell="lstm",
        units=256,
        num_layers=1,
        bidirectional=True,
        dropout=0.0,
        residual=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.bidirectional = bidirectional
        self.dropout = check_rate("dropout", dropout)
        self.residual = residual
        # The pattern; every layer and direction has a copy of its own.
        self.cell = get_cell(cell, units, self.dtype_policy)
        backward = num_layers if bidirectional else 0
        self.forward_cells = [get_cell(self.cell) for _ in range(num_layers)]
        self.backward_cells = [get_cell(self.cell) for _ in range(backward)]
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.supports_masking = True

    @property
    def output_size(self):
        """The number of features in the outputs."""
        return output_size(self.cell) * (2 if self.bidirectional else 1)

    @property
    def state_size(self):
        """The sizes of the final state tensors of each layer, a list of lists."""
        return [state_sizes(self.cell) * (2 if self.bidirectional else 1)] * self.num_layers

    def build(self, inputs_shape):
        size = inputs_shape[-1]
        for directions in self._layers_of_cells():
            for cell in directions:
                if not cell.built:
                    cell.build((inputs_shape[0], size))
                    cell.built = True
            size = self.output_size

    def call(self, inputs, mask=None, training=False):
        if mask is not None:
            mask = ops.cast(mask, "bool")
        states = []
        for i, directions in enumerate(self._layers_of_cells()):
            if i:
                inputs = self.dropout_layer(inputs, training=training)
            outputs, state = self._run(directions, inputs, mask, training)
            inputs = inputs + outputs if i and self.residual else outputs
            states.append(state)
        return inputs, states

    def _layers_of_cells(self):
        """For each layer its cells, forward first."""
        if not self.bidirectional:
            return [(cell,) for cell in self.forward_cells]
        return list(zip(self.forward_cells, self.backward_cells, strict=True))

    def _run(self, directions, inputs, mask, training):
        """All directions of a layer, side by side."""
        outputs, states = [], []
        for cell, reverse in zip(directions, (False, True), strict=False):
            first = initial_state(cell, inputs)
            output, state = unroll(cell, inputs, first, mask, reverse, training)
            # A cell that a user made has a dtype of its own.
            outputs.append(ops.cast(output, self.compute_dtype))
            states += [ops.cast(tensor, self.compute_dtype) for tensor in state]
        return ops.concatenate(outputs, axis=-1), states

    def compute_mask(self, inputs, mask=None):
        return mask, [[None] * len(sizes) for sizes in self.state_size]

    def compute_output_shape(self, inputs_shape):
        states = [[(inputs_shape[0], n) for n in sizes] for sizes in self.state_size]
        return (*inputs_shape[:-1], self.output_size), states

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "units": self.units,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "residual": self.residual,
        }
