"""From a sequence of vectors to annotations of every position."""

import keras

from keras_seq.layers.rnn_stack import RNNStack


@keras.saving.register_keras_serializable(package="keras_seq")
class Encoder(RNNStack):
    r"""A recurrent encoder: one direction or both, stacked, masked.

        forward:   h_t = cell(x_t, h_(t-1))
        backward:  g_t = cell(x_t, g_(t+1))            if `bidirectional`
        output:    [h_t; g_t], the input of the next layer

    It is an `RNNStack` that reads from both sides and returns the outputs of all steps and the
    final states; what happens between its layers is said there.

    A masked step leaves the state alone and gives zeros: the backward direction so begins at each
    row's last valid step, and the final states are those of the valid steps only. Padding on the
    right is the fast case.

    Args:
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance of one.
        units: size of the state, per direction, where a name is given.
        num_layers: number of layers.
        bidirectional: whether to read from both sides.
        dropout: rate of the dropout between two layers, in [0, 1).
        residual: whether what goes into a layer above the bottom one is added to its output.
        layer_norm: whether the output of each layer is normalised, after the residual.
        weight_dropout: rate in [0, 1) at which weights of every recurrent kernel are dropped in
            training.
        variational: whether `dropout` drops the same features at all steps of a sequence.
        truncate: an integer k: after every k steps, in the order of reading, the state goes on but
            no gradient comes back through it; `None` (default) for a whole sequence.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed.
        initial_state: for each layer the list of its state tensors, forward first; the cells' own
            ones where it is not given.
        training: whether dropout is active.

    Returns:
        `(outputs, states)`: `(batch, time, units or 2 * units)`, and for each layer the list of its
        final state tensors, forward first.

    Raises:
        ValueError: for an unknown cell, `units` or `num_layers` below 1, a rate outside [0, 1),
            `truncate` below 1, `weight_dropout` or `truncate` with a cell that cannot have it, and
            for an `initial_state` of other sizes.

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
        layer_norm=False,
        weight_dropout=0.0,
        variational=False,
        truncate=None,
        **kwargs,
    ):
        super().__init__(
            cell,
            units,
            num_layers,
            bidirectional,
            dropout,
            residual,
            layer_norm,
            weight_dropout,
            variational,
            return_sequences=True,
            return_state=True,
            truncate=truncate,
            **kwargs,
        )

    def get_config(self):
        config = super().get_config()
        del config["return_sequences"], config["return_state"]
        return config
