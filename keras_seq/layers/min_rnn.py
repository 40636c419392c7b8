"""The layers of the minimal recurrent cells, which compute all steps side by side."""

from typing import Any

import keras

from keras_seq._typing import Config, DType, Function
from keras_seq.layers.recurrences.minimal import MinGRUCell, MinLSTMCell
from keras_seq.layers.recurrent_layer import CellLayer


class MinLayer(CellLayer):
    """A layer of a minimal cell, whose weights are not dropped: there is no recurrent kernel."""

    def __init__(
        self,
        units: int,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        truncate: int | None = None,
        recompute: int | None = None,
        stateful: bool = False,
        activity_regularizer: Function = None,
        name: str | None = None,
        dtype: DType = None,
        trainable: bool = True,
        **cell_options: Any,
    ):
        loop = return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask
        super().__init__(
            units,
            *loop,
            truncate=truncate,
            recompute=recompute,
            activity_regularizer=activity_regularizer,
            name=name,
            dtype=dtype,
            trainable=trainable,
            **cell_options,
        )

    def get_config(self) -> Config:
        config = super().get_config()
        del config["weight_dropout"]
        return config


@keras.saving.register_keras_serializable(package="keras_seq")
class MinGRU(MinLayer):
    r"""A recurrent layer that computes all steps side by side: `MinGRUCell` over a sequence.

        z_t = sigma(W_z x_t + b_z)
        h_t = (1 - z_t) * h_(t-1) + z_t * g(W_n x_t + b_n)

    with g(x) = x + 0.5 for x >= 0 and sigma(x) for x < 0. The gates do not see the state: what one
    layer keeps and forgets is decided by each input alone. Two layers or more, one on the other, do
    what one cannot. `MinGRUCell` says more, also of the range of h, which is above 0.

    Args:
        units: size of h.
        return_sequences: whether to return h of all steps instead of the last one.
        return_state: whether to return the last state as well.
        go_backwards: whether to read from the last step to the first.
        unroll: leaves the steps to a loop of Keras where it is `True`: slow, the same result.
        zero_output_for_mask: what stands at masked steps of the outputs: 0, or (`False`) the output
            of the last valid step before it in the order of reading, 0 before the first one.
        truncate: an integer k: after every k steps, in the order of reading, no gradient comes back
            through the state (truncated backpropagation through time); `None` (default) for a whole
            sequence.
        recompute: an integer k: only the state is kept every k steps, and what happens between is
            computed once more on the way back. That is less memory for long sequences, and the same
            results; the square root of the number of steps is a good k. `None` (default) keeps all.
        stateful: whether the last state of each row is the first one of the row in its place in the
            next batch, until `reset_state()`; `batch_shape` of the input says how many there are.
        activity_regularizer: of the outputs.
        **cell_options: the other arguments of `MinGRUCell` (`use_bias`, initialisers,
            regularisers, constraints).

    Call arguments:
        sequences: `(batch, time, features)`, floating point.
        initial_state: `[h]` or h, `(batch, units)`, of any sign; zeros where it is not given.
        mask: boolean `(batch, time)`, any; a masked step keeps the state. Without
            `return_sequences` the output is that of the last valid step. A row without any gives 0
            and its initial state.
        training: not used; nothing is dropped out.

    Returns:
        `(batch, time, units)` with `return_sequences`, else `(batch, units)`, in the compute dtype;
        with `return_state` a tuple of that and h. With `go_backwards` the steps are in the order of
        reading, the last one first.

    Raises:
        ValueError: for `units` that is not an integer above 0, and for
            `stateful=True` without a known number of rows.

    Example:

    >>> import numpy as np
    >>> outputs, h = MinGRU(4, return_sequences=True, return_state=True)(
    ...     np.ones((2, 5, 3), "float32")
    ... )
    >>> tuple(outputs.shape), tuple(h.shape)
    ((2, 5, 4), (2, 4))

    References:
        - Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, 2024, "Were RNNs all we needed?",
          arXiv:2410.01201.
    """

    cell_type = MinGRUCell


@keras.saving.register_keras_serializable(package="keras_seq")
class MinLSTM(MinLayer):
    r"""A recurrent layer that computes all steps side by side: `MinLSTMCell` over a sequence.

        f_t = sigma(W_f x_t + b_f),  i_t = sigma(W_i x_t + b_i)
        h_t = f_t / (f_t + i_t) * h_(t-1) + i_t / (f_t + i_t) * g(W_n x_t + b_n)

    with g(x) = x + 0.5 for x >= 0 and sigma(x) for x < 0. The gates do not see the state: what one
    layer keeps and forgets is decided by each input alone. Two layers or more, one on the other, do
    what one cannot. `MinGRUCell` says more, also of the range of h, which is above 0.

    Arguments, call arguments, results, what a mask does, and errors are those of `MinGRU`; the
    options of the cell are those of `MinLSTMCell`.

    Example:

    >>> import numpy as np
    >>> outputs, h = MinLSTM(4, return_sequences=True, return_state=True)(
    ...     np.ones((2, 5, 3), "float32")
    ... )
    >>> tuple(outputs.shape), tuple(h.shape)
    ((2, 5, 4), (2, 4))

    References:
        - Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, 2024, "Were RNNs all we needed?",
          arXiv:2410.01201.
    """

    cell_type = MinLSTMCell
