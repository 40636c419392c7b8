"""The minimal gated recurrent unit."""

import keras
from keras import ops

from keras_seq.layers.min_cell import MinCell


@keras.saving.register_keras_serializable(package="keras_seq")
class MinGRUCell(MinCell):
    r"""A GRU without a reset gate whose update gate sees the input alone.

        z_t = sigma(W_z x_t + b_z)
        n_t = g(W_n x_t + b_n)        g(x) = x + 0.5 for x >= 0, sigma(x) for x < 0
        h_t = (1 - z_t) * h_(t-1) + z_t * n_t

    As z and n do not depend on h, all steps of a sequence are computed side by side (`unroll`);
    `call` makes one step, with the same weights and the same result. The price: within one layer
    nothing is decided by what has been read before, and each unit is a moving average of its
    own. Stack layers, so that the gates of the upper ones see the states of the lower ones.

    n > 0 without an upper bound, so h is in (0, max(h_0, n_1, ..., n_t)] from zeros or any state
    that is not negative. From a state below 0, which is served as well, h rises towards that range.
    The paper keeps h above 0 because it sums in log space; here the sum is one of plain numbers, in
    chunks, which is more exact and faster.

    The weights are `kernel` (features, 2 * units) and `bias` (2 * units,), z before n. A negative
    bias of z makes the unit remember for longer from the start.

    Args:
        units: size of h.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        kernel_constraint, bias_constraint: as in `keras.layers.GRUCell`.

    Call arguments:
        inputs: `(batch, features)`, floating point.
        states: `[h]`, `(batch, units)`.
        training: not used.

    Returns:
        `(h, [h])`, in the compute dtype; in half precision the gates and the sum are float32.
        `call` knows no mask; in `unroll` a masked step keeps h and gives 0.

    Raises:
        ValueError: if `units` is not an integer above 0.

    Example:

    >>> import numpy as np
    >>> cell = MinGRUCell(4)
    >>> h, state = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> outputs, last = cell.unroll(np.ones((2, 5, 3), "float32"), state)
    >>> tuple(h.shape), tuple(outputs.shape), tuple(last[0].shape)
    ((2, 4), (2, 5, 4), (2, 4))

    References:
        - Feng, Tung, Ahmed, Bengio & Hajimirsadeghi, 2024, "Were RNNs all we needed?",
          arXiv:2410.01201, section 3.1 and appendix B.
    """

    gates = 2

    def share(self, z):
        return ops.sigmoid(z)
