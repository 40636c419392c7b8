"""The gated recurrent unit, in place of Keras's layer."""

from typing import Any

import keras

from keras_seq._typing import Config, RecurrentOptions, Unpack
from keras_seq.initializers import Chrono
from keras_seq.layers.recurrent_layer import RecurrentLayer, give_bias


class GRUOptions(RecurrentOptions, total=False):
    """What `GRU` takes besides."""

    reset_after: bool


@keras.saving.register_keras_serializable(package="keras_seq")
class GRU(RecurrentLayer, keras.layers.GRU):
    r"""`keras.layers.GRU` on the fast kernels of this package, with dropped recurrent weights.

        z, r = sigma(W_zr x_t + U_zr h_(t-1) + b_zr)
        n = phi(W_n x_t + b_n + r * (U_n h_(t-1) + d_n))
        h_t = z * h_(t-1) + (1 - z) * n

    which is `reset_after=True`; `reset_after=False` leaves the loop to Keras. In training,
    `weight_dropout` puts U * m / (1 - p) in place of U, where m is 0 with probability p: one m for
    all rows and steps of a call, another one for the next call.

    The weights are those of `keras.layers.GRU` in their order, `kernel` (features, 3 * units),
    `recurrent_kernel` (units, 3 * units) and `bias` (2, 3 * units): `set_weights` with the weights
    of a layer of Keras gives its outputs and its gradients.

    Args:
        units: size of h.
        weight_dropout: p, in [0, 1).
        truncate: an integer k: after every k steps, in the order of reading, the state goes on but
            no gradient comes back through it (truncated backpropagation through time); `None`
            (default) for a whole sequence. The outputs are the same.
        recompute: an integer k: only the state is kept every k steps, and what happens between is
            computed once more on the way back. That is less memory for long sequences, and the same
            results; the square root of the number of steps is a good k. `None` (default) keeps all.
        chrono: the longest distance to remember over, an integer above 2: the first biases of z are
            spread over it; see `ks.initializers.Chrono`.
        *args, **kwargs: the other arguments of `keras.layers.GRU`. `unroll=True`, `use_cudnn` other
            than `"auto"` and, in training, `recurrent_dropout` leave the loop to Keras. With
            `stateful=True` each batch begins where the one before ended, on JAX too, until
            `reset_state()`; `batch_shape` of the input says how many rows there are.

    Call arguments:
        sequences: `(batch, time, features)`.
        initial_state: `[h]` or h, `(batch, units)`; zeros where it is not given.
        mask: boolean `(batch, time)`, as in `LSTM`: a masked step keeps the state and its output is
            that of the last valid step before it, or 0 with `zero_output_for_mask=True`.
        training: whether dropout is active.

    Returns:
        `(batch, time, units)` with `return_sequences`, else `(batch, units)`, in the compute dtype;
        with `return_state` a tuple of that and h. With `go_backwards` the steps are in the order of
        reading, the last one first.

    Raises:
        ValueError: for a rate outside [0, 1), `truncate` or `recompute` below 1, `stateful=True`
            without a known number of rows, for `weight_dropout`, `truncate` or `recompute` together
            with what leaves the loop to Keras, and for `chrono` together with a `bias_initializer`
            or without a bias.

    Example:

    >>> import numpy as np
    >>> output, h = GRU(4, return_state=True)(np.ones((2, 5, 3), "float32"))
    >>> tuple(output.shape), tuple(h.shape)
    ((2, 4), (2, 4))

    References:
        - Cho et al., 2014, "Learning phrase representations using RNN encoder-decoder for
          statistical machine translation", arXiv:1406.1078.
        - Merity, Keskar & Socher, 2018, "Regularizing and optimizing LSTM language models",
          arXiv:1708.02182 (dropped recurrent weights).
        - Williams & Peng, 1990, "An efficient gradient-based algorithm for on-line training of
          recurrent network trajectories", Neural Computation 2(4) (`truncate`).
        - Tallec & Ollivier, 2018, "Can recurrent neural networks warp time?", arXiv:1804.11188
          (`chrono`).
    """

    def __init__(
        self, units: int, *args: Any, chrono: int | None = None, **kwargs: Unpack[GRUOptions]
    ):
        super().__init__(units, *args, **kwargs)
        self.chrono = chrono
        if chrono is not None:
            give_bias(self.cell, "chrono", Chrono(chrono, "gru"))

    def get_config(self) -> Config:
        config = {**super().get_config(), "chrono": self.chrono}
        if self.chrono is not None:
            config["bias_initializer"] = keras.initializers.serialize(keras.initializers.Zeros())
        return config
