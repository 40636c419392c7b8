"""From a sequence of vectors to annotations of every position."""

import keras

from keras_seq.identifiers import check_positive, check_rate
from keras_seq.layers.cells import get_cell, output_size, state_sizes


@keras.saving.register_keras_serializable(package="keras_seq")
class Encoder(keras.layers.Layer):
    r"""A recurrent encoder: one direction or both, stacked, masked.

        forward:   h_t = cell(x_t, h_(t-1))
        backward:  g_t = cell(x_t, g_(t+1))            if `bidirectional`
        output:    [h_t; g_t], the input of the next layer

    Padding stands on the right. A masked step leaves the state alone and gives zeros where the
    encoder is bidirectional: the backward direction so begins at each row's last valid step, and
    the final states are those of the valid steps only.

    Args:
        cell: `"lstm"`, `"gru"`, `"vanilla"`, the config of a cell, or an instance of one.
        units: size of the state, per direction, where a name is given.
        num_layers: number of layers.
        bidirectional: whether to read from both sides.
        dropout: rate of the dropout between two layers, in [0, 1).

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
        self, cell="lstm", units=256, num_layers=1, bidirectional=True, dropout=0.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.bidirectional = bidirectional
        self.dropout = check_rate("dropout", dropout)
        self.cell = get_cell(
            cell, units, self.dtype_policy
        )  # the pattern; every layer holds copies
        self.recurrences = [self._recurrence() for _ in range(num_layers)]
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy)
        self.supports_masking = True

    def _recurrence(self):
        policy = self.dtype_policy
        layer = keras.layers.RNN(
            get_cell(self.cell), return_sequences=True, return_state=True, dtype=policy
        )
        return keras.layers.Bidirectional(layer, dtype=policy) if self.bidirectional else layer

    @property
    def output_size(self):
        """The number of features in the outputs."""
        return output_size(self.cell) * (2 if self.bidirectional else 1)

    @property
    def state_size(self):
        """The sizes of the final state tensors of each layer, a list of lists."""
        return [state_sizes(self.cell) * (2 if self.bidirectional else 1)] * self.num_layers

    def build(self, inputs_shape):
        shape = tuple(inputs_shape)
        for layer in self.recurrences:
            layer.build(shape)
            shape = (*shape[:-1], self.output_size)

    def call(self, inputs, mask=None, training=False):
        states = []
        for i, layer in enumerate(self.recurrences):
            if i:
                inputs = self.dropout_layer(inputs, training=training)
            inputs, *state = layer(inputs, mask=mask, training=training)
            states.append(list(state))
        return inputs, states

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
        }
