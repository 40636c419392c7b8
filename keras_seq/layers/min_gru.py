"""A layer of minimal gated recurrent units."""

import keras

from keras_seq.layers.min_gru_cell import MinGRUCell
from keras_seq.layers.min_layer import MinLayer


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
