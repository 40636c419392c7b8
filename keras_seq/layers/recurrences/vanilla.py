"""The vanilla recurrent unit of Elman (1990)."""

from typing import Any, ClassVar

import keras
from keras import ops

from keras_seq._checks import check_positive, fresh
from keras_seq._typing import Config, Function, Nest, Shape, Tensor, Tensors
from keras_seq.layers.own_dtype import own_values
from keras_seq.layers.recurrences.base import Functions, Recurrence, described


@keras.saving.register_keras_serializable(package="keras_seq")
class VanillaRNNCell(keras.layers.SimpleRNNCell):
    r"""One step of a vanilla RNN, with an optional readout and a learnt initial state.

        h_t = phi(W_xh x_t + W_hh h_(t-1) + b_h)
        y_t = psi(W_hy h_t + b_y)                     if `readout_units` is given

    Without a readout the state is `[h]` and the output is h. With one the state is `[y, h]` and
    the output is y: the output stands first in the state, as in every cell of this package, and
    the recurrence uses h alone. The weights `kernel` (features, units), `recurrent_kernel`
    (units, units) and `bias` (units,) are those of `keras.layers.SimpleRNNCell`, in that order;
    then follow `readout_kernel`, `readout_bias` and `initial_state`, where they are in use.

    A contractive `recurrent_kernel` makes gradients vanish over time, an expansive one makes them
    explode; `recurrent_initializer="identity"` with `activation="relu"` is the IRNN of Le et al.

    Args:
        units: size of h.
        activation: phi, `"tanh"` (default), `"relu"`, or any Keras activation.
        readout_units: size of y; `None` for no readout.
        readout_activation: psi, any Keras activation; `None` is the identity.
        recurrent_initializer: `"orthogonal"` (default), `"identity"`, `"glorot_uniform"`, or any
            Keras initialiser of a square matrix.
        learn_initial_state: if `True`, h_0 is a trained vector instead of zeros.
        **kwargs: the other arguments of `keras.layers.SimpleRNNCell` (`use_bias`, initialisers,
            regularisers, constraints, `dropout`, `recurrent_dropout`, `seed`).

    Call arguments:
        inputs: `(batch, features)`, floating point.
        states: `[h]` or `[y, h]`, each `(batch, size)`.
        training: whether dropout is active.

    Returns:
        `(output, states)`, in the compute dtype. The cell knows no mask: `keras.layers.RNN` keeps
        the state of a masked step.

    Raises:
        ValueError: if `units` or `readout_units` is not an integer above 0.

    Example:

    >>> import numpy as np
    >>> layer = keras.layers.RNN(VanillaRNNCell(4, readout_units=2), return_sequences=True)
    >>> layer(np.zeros((3, 5, 6), "float32")).shape[1:] == (5, 2)
    True

    References:
        - Elman, 1990, "Finding structure in time", Cognitive Science 14.
        - Le, Jaitly & Hinton, 2015, "A simple way to initialize recurrent networks of rectified
          linear units", arXiv:1504.00941.
    """

    def __init__(
        self,
        units: int,
        activation: Function = "tanh",
        readout_units: int | None = None,
        readout_activation: Function = None,
        recurrent_initializer: Function = "orthogonal",
        learn_initial_state: bool = False,
        **kwargs: Any,
    ):
        units = check_positive("units", units)
        if readout_units is not None:
            readout_units = check_positive("readout_units", readout_units)
        super().__init__(
            units,
            activation=activation,
            recurrent_initializer=recurrent_initializer,
            **kwargs,
        )
        self.readout_units = readout_units
        self.readout_activation = keras.activations.get(readout_activation)
        self.learn_initial_state = learn_initial_state
        if readout_units is not None:
            self.state_size = [readout_units, units]  # output first
            self.output_size = readout_units

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        if self.readout_units is not None:
            self.readout_kernel = self.add_weight(
                shape=(self.units, self.readout_units),
                name="readout_kernel",
                initializer=fresh(self.kernel_initializer),
            )
            self.readout_bias = self.add_weight(
                shape=(self.readout_units,), name="readout_bias", initializer="zeros"
            )
        if self.learn_initial_state:
            self.initial_state = self.add_weight(
                shape=(self.units,), name="initial_state", initializer="zeros"
            )

    def call(self, inputs: Tensor, states: Tensors, training: bool = False) -> tuple[Tensor, Nest]:
        h = states[-1]
        # Without `training` no mask is drawn: a draw inside a compiled search loop would leak.
        if training and self.dropout:
            inputs = inputs * self.get_dropout_mask(inputs)
        if training and self.recurrent_dropout:
            h = h * self.get_recurrent_dropout_mask(h)
        h = ops.matmul(inputs, self.kernel) + ops.matmul(h, self.recurrent_kernel)
        if self.use_bias:
            h = h + self.bias
        h = self.activation(h)
        if self.readout_units is None:
            return h, [h]
        y = self.readout_activation(ops.matmul(h, self.readout_kernel) + self.readout_bias)
        return y, [y, h]

    @property
    def state_names(self) -> list[str | None]:
        """The names of the state tensors."""
        return ["h"] if self.readout_units is None else ["y", "h"]

    def get_recurrent_dropout_mask(self, step_input):
        # `keras.layers.RNN` asks with the first state, which is y where there is a readout.
        batch = ops.shape(step_input)[0]
        return super().get_recurrent_dropout_mask(
            ops.ones((batch, self.units), dtype=self.compute_dtype)
        )

    def get_initial_state(self, batch_size: int | None = None) -> Tensors:
        h = ops.zeros((batch_size, self.units), dtype=self.compute_dtype)
        if self.learn_initial_state:
            h = h + own_values(self, self.initial_state)[0]
        if self.readout_units is None:
            return [h]
        return [ops.zeros((batch_size, self.readout_units), dtype=self.compute_dtype), h]

    def load_own_variables(self, store):
        if self.weights and not len(store):
            raise ValueError(
                "The file has no weights for a VanillaRNN. Keras looks them up by the class of the "
                "layer: load the weights of a SimpleRNN into a model with "
                "`keras.layers.SimpleRNN` and go on with `model.set_weights(other.get_weights())`."
            )
        super().load_own_variables(store)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "readout_units": self.readout_units,
            "readout_activation": keras.activations.serialize(self.readout_activation),
            "learn_initial_state": self.learn_initial_state,
        }


def irnn_cell(units, dtype=None):
    """The vanilla cell of Le et al. (2015), which at first keeps what it has and adds to it.

        h_t = relu(W x_t + I h_(t-1))

    with I the identity, W normal with a standard deviation of 0.001, and no bias, all of which
    training changes: a `VanillaRNNCell`, which is what a saved model names.
    """
    return VanillaRNNCell(
        units,
        activation="relu",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.001),
        recurrent_initializer="identity",
        dtype=dtype,
    )


# The derivatives of activations, given what these returned.
SLOPES = {
    keras.activations.tanh: lambda h: 1 - h * h,
    keras.activations.relu: lambda h: ops.cast(h > 0, h.dtype),
    keras.activations.sigmoid: lambda h: h * (1 - h),
    keras.activations.linear: ops.ones_like,
}


class VanillaRecurrence(Recurrence):
    """`VanillaRNNCell` without a readout."""

    name = "vanilla"
    cell_type = VanillaRNNCell
    fused = "vanilla"
    torch_columns = ()
    options: ClassVar = {
        "radius": lambda gain: {"recurrent_initializer": keras.initializers.Orthogonal(gain=gain)},
        "normal": lambda stddev: {
            "recurrent_initializer": keras.initializers.RandomNormal(stddev=stddev)
        },
        "relu": {"activation": "relu"},
        "linear": {"activation": "linear"},
    }

    def serves(self, cell):
        return cell.readout_units is None

    def in_torch(self, cell):
        usual = (keras.activations.tanh, keras.activations.relu)
        return cell.activation in usual and not cell.learn_initial_state

    def functions(self, cell):
        return Functions(cell.activation)

    def step(self, outer, inner, state, functions):
        return [functions.state(0, functions.activation(outer), state[0])], []

    def has_back(self, cell):
        return cell.activation in SLOPES

    def back(self, d_state, saved, new, old, functions):
        (dh,), slope = d_state, SLOPES[functions.activation]
        if functions.valid is None:
            return [], dh * slope(new[0]), [ops.zeros_like(dh)]
        return [], dh * functions.valid * slope(new[0]), [dh * (1 - functions.valid)]


vanilla = described(VanillaRecurrence())
