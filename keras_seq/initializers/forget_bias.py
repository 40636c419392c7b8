"""One number for the bias of all forget gates."""

import math
from collections.abc import Sequence

import keras
from keras import ops

from keras_seq._checks import as_number
from keras_seq._typing import Config, Tensor
from keras_seq.initializers._gates import gated, whole_bias


@keras.saving.register_keras_serializable(package="keras_seq")
class ForgetBias(keras.initializers.Initializer):
    r"""The bias of an LSTM that begins by remembering: `value` at the forget gate, 0 elsewhere.

        b_i, b_f, b_g, b_o = 0, value, 0, 0

    At first f = sigma(value), whatever is read, so that c, and the gradient that comes back through
    it, keeps a part f at each step: of 100 steps 8e-31 is left with 0, 3e-14 with 1 (as Keras has
    it) and 0.5 with 5.

    As the `bias_initializer` of `keras.layers.LSTM` or `LSTMCell` it needs
    `unit_forget_bias=False`: with `True` Keras writes 1 to the forget gate itself and asks for the
    rest in pieces. The layers of this package refuse the two together; in a layer of Keras they
    are seen, as a wrong shape, only where `units` is no multiple of 4. A shorter way is
    `ks.layers.LSTM(units, forget_bias=5.0)`.

    Args:
        value: the bias of the forget gates, a finite number.
        cell: `"lstm"`, or the name in `ks.layers.CELLS` of another cell that says which of its
            gates keeps the state (`ks.layers.Cell`).

    Call arguments:
        shape: that of the whole bias: `(4 * units,)` for an LSTM, in Keras's order of the gates:
            input, forget, new, output.
        dtype: the dtype of the result; `keras.config.floatx()` where it is not given.

    Raises:
        ValueError: if `value` is no finite number, for another `cell`, and for another shape.

    Example:

    >>> [float(b) for b in ForgetBias(5.0)((8,))]
    [0.0, 0.0, 5.0, 5.0, 0.0, 0.0, 0.0, 0.0]
    >>> lstm = keras.layers.LSTM(2, bias_initializer=ForgetBias(5.0), unit_forget_bias=False)

    References:
        - Gers, Schmidhuber & Cummins, 2000, "Learning to forget: continual prediction with LSTM",
          Neural Computation 12(10).
        - Jozefowicz, Zaremba & Sutskever, 2015, "An empirical exploration of recurrent network
          architectures", ICML (section 2.2).
    """

    def __init__(self, value: float = 1.0, cell: str = "lstm"):
        self.value = as_number(value)
        if self.value is None or not math.isfinite(self.value):
            raise ValueError(f"`value` must be a finite number; received {value!r}.")
        self.cell = cell
        gated(cell)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        keeps = gated(self.cell).keeps

        def gates(units):
            return {keeps: ops.zeros(units, dtype=dtype) + self.value}

        return whole_bias("ForgetBias", self.cell, shape, gates, dtype)

    def get_config(self) -> Config:
        return {"value": self.value, "cell": self.cell}
