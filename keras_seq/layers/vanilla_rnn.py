"""The vanilla recurrent layer, in place of Keras's SimpleRNN."""

from typing import Any

import keras

from keras_seq._typing import DType, Function, Seed
from keras_seq.layers.recurrences.vanilla import VanillaRNNCell
from keras_seq.layers.recurrent_layer import CellLayer, of_cell


@keras.saving.register_keras_serializable(package="keras_seq")
class VanillaRNN(CellLayer):
    r"""A layer of `VanillaRNNCell`: `keras.layers.SimpleRNN` with a readout, a learnt first state.

        h_t = phi(W x_t + U h_(t-1) + b)
        y_t = psi(V h_t + d)                          if `readout_units` is given

    In training, `weight_dropout` puts U * m / (1 - p) in place of U, where m is 0 with probability
    p: one m for all rows and steps of a call, another one for the next call.

    The weights `kernel` (features, units), `recurrent_kernel` (units, units) and `bias` (units,)
    are those of `keras.layers.SimpleRNN` in their order: `set_weights` with the weights of a layer
    of Keras gives its outputs and its gradients. Then follow those of the readout and of the first
    state, see `VanillaRNNCell`.

    How gradients fare over time is decided by U: it is orthogonal at first, which keeps their size
    as far as phi lets it. `activation="relu"` with `recurrent_initializer="identity"` and a
    `kernel_initializer` of small numbers is the IRNN (Le et al.), as a cell for `RNNStack` the name
    `"irnn"`. An exploding gradient is clipped by the optimiser, `keras.optimizers.Adam(
    global_clipnorm=1.0)` by its norm or `clipvalue=` number by number, or cut by `truncate`.

    The arguments have the names, the order and the defaults of those of `SimpleRNN`, and so have
    the attributes. In a file of weights alone Keras finds a layer by its class: weights of a
    `SimpleRNN` are loaded into a model that has one, and go on by `model.set_weights(
    other.get_weights())`, and so do ours to it; within a `Bidirectional` the files are the same.

    Args:
        units: size of h.
        activation: phi, `"tanh"` (default) or any Keras activation.
        use_bias: whether b is added.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer,
        recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
        recurrent_constraint, bias_constraint: as in `keras.layers.SimpleRNN`.
        dropout, recurrent_dropout: rates in training, of the inputs and of h; the second one leaves
            the loop to Keras.
        return_sequences: whether to return the outputs of all steps or of the last one.
        return_state: whether to return the last state too.
        go_backwards: whether to read from the last step to the first.
        unroll: whether Keras runs its unrolled loop instead of the fast one.
        zero_output_for_mask: whether the output of a masked step is 0.
        weight_dropout: p, in [0, 1).
        truncate: an integer k: after every k steps, in the order of reading, the state goes on but
            no gradient comes back through it (truncated backpropagation through time); `None`
            (default) for a whole sequence. The outputs are the same.
        recompute: an integer k: only the state is kept every k steps, and what happens between is
            computed once more on the way back. That is less memory for long sequences, and the same
            results; the square root of the number of steps is a good k. `None` (default) keeps all.
        stateful: whether the last state of each row is the first one of the row in its place in the
            next batch, as in `keras.layers.SimpleRNN`.
        seed: of dropout.
        name, dtype, trainable: as in every layer of Keras.
        **cell_options: the other arguments of `VanillaRNNCell`: `readout_units`,
            `readout_activation`, `learn_initial_state`.

    Call arguments:
        sequences: `(batch, time, features)`.
        initial_state: `[h]`, with a readout `[y, h]`, each `(batch, size)`; the cell's own one
            where it is not given.
        mask: boolean `(batch, time)`, as in `LSTM`: a masked step keeps the state and its output is
            that of the last valid step before it, or 0 with `zero_output_for_mask=True`.
        training: whether dropout is active.

    Returns:
        `(batch, time, size)` with `return_sequences`, else `(batch, size)`, in the compute dtype;
        with `return_state` a tuple of that and the state tensors. With `go_backwards` the steps are
        in the order of reading, the last one first.

    Raises:
        ValueError: for sizes, `truncate` or `recompute` below 1, a rate outside [0, 1), for
            `stateful=True` with `learn_initial_state` or a number of rows that is not known, for
            `weight_dropout`, `truncate` or `recompute` together with `recurrent_dropout` or
            `unroll=True`, and for `weight_dropout` together with a readout.

    Example:

    >>> import numpy as np
    >>> layer = VanillaRNN(4, readout_units=2, learn_initial_state=True, return_sequences=True)
    >>> tuple(layer(np.ones((3, 5, 6), "float32")).shape)
    (3, 5, 2)

    References:
        - Elman, 1990, "Finding structure in time", Cognitive Science 14.
        - Merity, Keskar & Socher, 2018, "Regularizing and optimizing LSTM language models",
          arXiv:1708.02182 (dropped recurrent weights).
        - Le, Jaitly & Hinton, 2015, "A simple way to initialize recurrent networks of rectified
          linear units", arXiv:1504.00941.
        - Williams & Peng, 1990, "An efficient gradient-based algorithm for on-line training of
          recurrent network trajectories", Neural Computation 2(4) (`truncate`).
    """

    cell_type = VanillaRNNCell

    def __init__(
        self,
        units: int,
        activation: Function = "tanh",
        use_bias: bool = True,
        kernel_initializer: Function = "glorot_uniform",
        recurrent_initializer: Function = "orthogonal",
        bias_initializer: Function = "zeros",
        kernel_regularizer: Function = None,
        recurrent_regularizer: Function = None,
        bias_regularizer: Function = None,
        activity_regularizer: Function = None,
        kernel_constraint: Function = None,
        recurrent_constraint: Function = None,
        bias_constraint: Function = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Seed = None,
        *,
        zero_output_for_mask: bool = False,
        weight_dropout: float = 0.0,
        truncate: int | None = None,
        recompute: int | None = None,
        name: str | None = None,
        dtype: DType = None,
        trainable: bool = True,
        **cell_options: Any,
    ):
        loop = return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask
        super().__init__(
            units,
            *loop,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            weight_dropout=weight_dropout,
            truncate=truncate,
            recompute=recompute,
            name=name,
            dtype=dtype,
            trainable=trainable,
            **cell_options,
        )

    activation = of_cell("activation")
    recurrent_initializer = of_cell("recurrent_initializer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    recurrent_constraint = of_cell("recurrent_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")
    readout_units = of_cell("readout_units")
    readout_activation = of_cell("readout_activation")
    learn_initial_state = of_cell("learn_initial_state")
