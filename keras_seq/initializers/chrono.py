"""Biases of gates for memories of all lengths up to the longest."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_seq._checks import check_at_least
from keras_seq._typing import Config, Seed, Tensor
from keras_seq.initializers._gates import gated, whole_bias


@keras.saving.register_keras_serializable(package="keras_seq")
class Chrono(keras.initializers.Initializer):
    r"""Biases with which the units begin by remembering for 1 to `max_length` - 1 steps.

        LSTM:  b_f = log u,  b_i = -b_f,  b_g = b_o = 0       u ~ Uniform[1, max_length - 1]
        GRU:   b_z = log u,  b_r = b_n = 0                    h_t = z * h_(t-1) + (1 - z) * n

    A unit whose gate is sigma(log u) = u / (1 + u) loses 1 part in 1 + u at each step: it
    remembers for about that many. The times are spread, so that there are units for near and far.
    In the GRU of Keras z is the part that is kept, and so plays the part of f.

    As the `bias_initializer` of `keras.layers.LSTM` or `LSTMCell` it needs
    `unit_forget_bias=False`: with `True` Keras writes 1 to the forget gate itself and asks for the
    rest in pieces. The layers of this package refuse the two together; in a layer of Keras they
    are seen, as a wrong shape, only where `units` is no multiple of 4. A shorter way is
    `ks.layers.LSTM(units, chrono=max_length)` or `ks.layers.GRU(units, chrono=max_length)`.

    Args:
        max_length: the longest distance over which something is to be remembered, such as the
            length of the sequences; an integer above 2.
        cell: `"lstm"`, `"gru"`, or the name in `ks.layers.CELLS` of another cell that says which
            of its gates keeps the state (`ks.layers.Cell`).
        seed: an integer or a `keras.random.SeedGenerator`; as in the initialisers of Keras one
            integer gives the same numbers at each call.

    Call arguments:
        shape: that of the whole bias: `(4 * units,)` for an LSTM; `(2, 3 * units)` for a GRU, whose
            second bias is 0, or with `reset_after=False` `(3 * units,)`.
        dtype: the dtype of the result; `keras.config.floatx()` where it is not given.

    Raises:
        ValueError: if `max_length` is not an integer above 2, for another `cell`, and for a shape
            that is not that of its bias.

    Example:

    >>> lstm = keras.layers.LSTM(4, bias_initializer=Chrono(100), unit_forget_bias=False)
    >>> lstm.build((None, None, 3))
    >>> i, f, g, o = ops.split(lstm.cell.bias, 4)
    >>> bool(ops.all(i == -f)), bool(ops.all(f < 4.6)), bool(ops.any(g)), bool(ops.any(o))
    (True, True, False, False)

    References:
        - Tallec & Ollivier, 2018, "Can recurrent neural networks warp time?", arXiv:1804.11188
          (section 2).
    """

    def __init__(self, max_length: int, cell: str = "lstm", seed: Seed = None):
        self.max_length = max_length = check_at_least("max_length", max_length, 3)
        self.cell = cell
        gated(cell)
        self.times = keras.initializers.RandomUniform(1.0, max_length - 1.0, seed=seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        kind = gated(self.cell)

        def gates(units):
            kept = ops.log(self.times(units, dtype=dtype))
            return {kind.keeps: kept, getattr(kind, "writes", None): -kept}

        return whole_bias("Chrono", self.cell, shape, gates, dtype)

    def get_config(self) -> Config:
        seed = self.times.get_config()["seed"]
        return {"max_length": self.max_length, "cell": self.cell, "seed": seed}
