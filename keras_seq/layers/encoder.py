"""From a sequence of vectors to annotations of every position."""

import keras

from keras_seq._typing import AnyCell, Config, Options, Unpack
from keras_seq.layers.rnn_stack import RNNStack


class EncoderOptions(Options, total=False):
    """What it takes as an `RNNStack` does."""

    stateful: bool
    recompute: int | None


@keras.saving.register_keras_serializable(package="keras_seq")
class Encoder(RNNStack):
    r"""A recurrent encoder: one direction or both, stacked, masked.

        forward:   h_t = cell(x_t, h_(t-1))
        backward:  g_t = cell(x_t, g_(t+1))            if `bidirectional`
        output:    [h_t; g_t], the input of the next layer

    It is an `RNNStack` that reads from both sides and returns the outputs of all steps and the
    final states; what happens between its layers and at masked steps is said there.

    Args:
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance of one.
        units: size of the state, per direction, where a name is given.
        bidirectional: whether to read from both sides.
        num_layers, dropout, residual, layer_norm, weight_dropout, variational, truncate, **kwargs:
            as in `RNNStack`.

    Call arguments:
        inputs, mask, initial_state, training: as in `RNNStack`.

    Returns:
        `(outputs, states)`: `(batch, time, units or 2 * units)`, and for each layer the list of its
        final state tensors, forward first.

    Raises:
        ValueError: as `RNNStack` does.

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
        cell: AnyCell = "lstm",
        units: int = 256,
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        residual: bool = False,
        layer_norm: bool = False,
        weight_dropout: float = 0.0,
        variational: bool = False,
        truncate: int | None = None,
        **kwargs: Unpack[EncoderOptions],
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

    def get_config(self) -> Config:
        config = super().get_config()
        del config["return_sequences"], config["return_state"]
        return config
