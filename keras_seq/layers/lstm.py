"""The long short-term memory, in place of Keras's layer."""

from typing import Any

import keras

from keras_seq._typing import Config, RecurrentOptions, Unpack
from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers.recurrent_layer import RecurrentLayer, give_bias


class LSTMOptions(RecurrentOptions, total=False):
    """What `LSTM` takes besides."""

    unit_forget_bias: bool


@keras.saving.register_keras_serializable(package="keras_seq")
class LSTM(RecurrentLayer, keras.layers.LSTM):
    r"""`keras.layers.LSTM` on the fast kernels of this package, with dropped recurrent weights.

        i, f, g, o = split(W x_t + U h_(t-1) + b)
        c_t = sigma(f) c_(t-1) + sigma(i) phi(g)
        h_t = sigma(o) phi(c_t)

    In training, `weight_dropout` puts U * m / (1 - p) in place of U, where m is 0 with probability
    p: one m for all rows and steps of a call, another one for the next call.

    The weights are those of `keras.layers.LSTM` in their order, `kernel` (features, 4 * units),
    `recurrent_kernel` (units, 4 * units) and `bias` (4 * units,): `set_weights` with the weights
    of a layer of Keras gives its outputs and its gradients.

    Args:
        units: size of h and c.
        weight_dropout: p, in [0, 1).
        truncate: an integer k: after every k steps, in the order of reading, the state goes on but
            no gradient comes back through it (truncated backpropagation through time); `None`
            (default) for a whole sequence. The outputs are the same.
        recompute: an integer k: only the state is kept every k steps, and what happens between is
            computed once more on the way back. That is less memory for long sequences, and the same
            results; the square root of the number of steps is a good k. `None` (default) keeps all.
        forget_bias: the first bias of the forget gates, a number; Keras has 1. With more the layer
            begins by remembering, and so does the gradient; see `ks.initializers.ForgetBias`.
        chrono: the longest distance to remember over, an integer above 2: the first biases of the
            gates are spread over it; see `ks.initializers.Chrono`.
        *args, **kwargs: the other arguments of `keras.layers.LSTM`. `unroll=True`, `use_cudnn`
            other than `"auto"` and, in training, `recurrent_dropout` leave the loop to Keras. With
            `stateful=True` each batch begins where the one before ended, on JAX too, until
            `reset_state()`; `batch_shape` of the input says how many rows there are.

    Call arguments:
        sequences: `(batch, time, features)`.
        initial_state: `[h, c]`, each `(batch, units)`; zeros where it is not given.
        mask: boolean `(batch, time)`, `False` where padding, on the right or anywhere; a mask that
            Keras attached to `sequences` is used where none is passed. A masked step keeps the
            state; its output is that of the last valid step before it (0 where there is none), or
            0 with `zero_output_for_mask=True`. Without `return_sequences` the output is that of the
            last valid step. A row with no valid step gives 0 and its initial state. (Keras: on JAX
            the initial h before the first valid step; with `zero_output_for_mask=True` and without
            `return_sequences`, 0 for each row that ends in padding.)
        training: whether dropout is active.

    Returns:
        `(batch, time, units)` with `return_sequences`, else `(batch, units)`, in the compute dtype;
        with `return_state` a tuple of that, h and c. With `go_backwards` the steps are in the order
        of reading, the last one first.

    Raises:
        ValueError: for a rate outside [0, 1), `truncate` or `recompute` below 1, `stateful=True`
            without a known number of rows, for `weight_dropout`, `truncate` or `recompute` together
            with what leaves the loop to Keras, and for two of `forget_bias`, `chrono` and
            `bias_initializer`, or one of the first two without a bias.

    Example:

    >>> import numpy as np
    >>> layer = LSTM(4, return_sequences=True, weight_dropout=0.3)
    >>> tuple(layer(np.ones((2, 5, 3), "float32")).shape)
    (2, 5, 4)
    >>> patient = LSTM(4, chrono=100, truncate=50)

    References:
        - Hochreiter & Schmidhuber, 1997, "Long short-term memory", Neural Computation 9(8).
        - Merity, Keskar & Socher, 2018, "Regularizing and optimizing LSTM language models",
          arXiv:1708.02182 (section 2: weight-dropped LSTM).
        - Williams & Peng, 1990, "An efficient gradient-based algorithm for on-line training of
          recurrent network trajectories", Neural Computation 2(4) (`truncate`).
        - Jozefowicz, Zaremba & Sutskever, 2015, "An empirical exploration of recurrent network
          architectures", ICML (`forget_bias`).
        - Tallec & Ollivier, 2018, "Can recurrent neural networks warp time?", arXiv:1804.11188
          (`chrono`).
    """

    def __init__(
        self,
        units: int,
        *args: Any,
        forget_bias: float | None = None,
        chrono: int | None = None,
        **kwargs: Unpack[LSTMOptions],
    ):
        super().__init__(units, *args, **kwargs)
        if forget_bias is not None and chrono is not None:
            raise ValueError(
                "`forget_bias` and `chrono` both initialise the forget gates: choose one; received "
                f"forget_bias={forget_bias!r} and chrono={chrono!r}."
            )
        self.forget_bias = forget_bias
        self.chrono = chrono
        if forget_bias is not None:
            give_bias(self.cell, "forget_bias", ForgetBias(forget_bias))
        elif chrono is not None:
            give_bias(self.cell, "chrono", Chrono(chrono, "lstm"))

    def get_config(self) -> Config:
        config = {**super().get_config(), "forget_bias": self.forget_bias, "chrono": self.chrono}
        if self.forget_bias is not None or self.chrono is not None:
            zeros = keras.initializers.serialize(keras.initializers.Zeros())
            config.update(bias_initializer=zeros, unit_forget_bias=True)
        return config
