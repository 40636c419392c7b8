"""The base of the recurrent layers: Keras's layer outside, `unroll` inside."""

from typing import Any, Self

import keras
from keras import ops

from keras_seq._checks import check_positive, check_rate
from keras_seq._typing import Config, DType, Shape
from keras_seq.backend import last_valid_steps
from keras_seq.layers.carried_state import CarriedState, check_stateful
from keras_seq.layers.cells import check_bias, has_dropout, state_sizes
from keras_seq.layers.first_states import read_states
from keras_seq.layers.masking import without_masked
from keras_seq.layers.own_dtype import own_values
from keras_seq.layers.recurrences import equations_of, recurrence_of
from keras_seq.layers.torch_weights import TorchWeights
from keras_seq.layers.unroll import unroll

# Options of a layer that its cell does not have.
OF_LAYER = ("weight_dropout", "truncate", "recompute", "activity_regularizer", "name")


class RecurrentLayer(TorchWeights):
    """A mixin before `keras.layers.RNN` or one of its kinds: its loop runs in `unroll`.

        class LSTM(RecurrentLayer, keras.layers.LSTM): ...

    It replaces `inner_loop`, the one method in which a layer of Keras runs its cell over the steps;
    arguments, weights, their order and the call stay those of Keras. What `unroll` does not serve
    goes to the loop of Keras: `unroll=True`, `use_cudnn` other than `"auto"`, without `truncate` a
    GRU with `reset_after=False`, and in training `recurrent_dropout` or dropout with
    `implementation=1`.

    A masked step keeps the state, and what stands there is not looked at, even if it is NaN. Its
    output is that of the last valid step before it in the order of reading (0 before the first
    one), or 0 with `zero_output_for_mask=True`. Without `return_sequences` the output is that of
    the last valid step, whatever `zero_output_for_mask` says. A row without any valid step gives 0
    and its initial state. With `go_backwards` the mask that goes on to the next layer is turned
    round like the outputs.

    With `stateful=True` each batch begins where the one before ended, until `reset_state()`. The
    state is carried through `fit` on every backend and, as in Keras, not saved.

    Args:
        weight_dropout: rate in [0, 1) at which weights of the recurrent kernel are dropped in
            training, the same ones for all rows and steps of a call.
        truncate: an integer k, or `None`: after every k steps, in the order of reading, the state
            goes on but no gradient comes back through it.
        recompute: an integer k, or `None`: only the state is kept every k steps, and what happens
            between is computed once more on the way back.

    Raises:
        ValueError: for `stateful=True` without a number of rows that is known beforehand or with a
            learnt first state, for a rate outside [0, 1), for `truncate` or `recompute` below 1,
            and for one of these three together with what goes to the loop of Keras or with a cell
            that cannot have it.
    """

    def __init__(
        self,
        *args: Any,
        weight_dropout: float = 0.0,
        truncate: int | None = None,
        recompute: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        check_bias(self.cell)
        self.carried_state = None  # made with the variables, where the layer is stateful
        check_stateful(self.stateful, self.cell)
        self.weight_dropout = check_weight_dropout(weight_dropout, self.cell)
        self.truncate = check_parts("truncate", truncate, self.cell)
        self.recompute = check_parts("recompute", recompute, self.cell)
        asked = {"weight_dropout": weight_dropout, "truncate": truncate, "recompute": recompute}
        asked = [name for name, value in asked.items() if value]
        if asked:
            options = {"unroll": self.unroll, "use_cudnn": getattr(self, "use_cudnn", "auto")}
            if options != {"unroll": False, "use_cudnn": "auto"}:
                raise ValueError(
                    f"`{asked[0]}` needs `unroll=False` and `use_cudnn='auto'`; received {options}."
                )
            # Keras's own Bidirectional would hand the weights of the cell, none of them dropped,
            # and the whole sequence to a cuDNN kernel.
            self.use_cudnn = False

    def build(self, sequences_shape: Shape, initial_state_shape: Shape | None = None) -> None:
        super().build(sequences_shape, initial_state_shape)
        if self.stateful and self.carried_state is None:
            # Keras keeps the variables to itself, and on JAX loses what is in them.
            self.carried_state = CarriedState(self.states)

    def _layers_of_cells(self):
        return [(self.cell,)]

    def is_served(self, training: bool | None) -> bool:
        """Whether `unroll` serves the layer; otherwise the loop of Keras does."""
        cell = self.cell
        if self.weight_dropout or self.truncate or self.recompute:
            return True
        if self.unroll or getattr(self, "use_cudnn", "auto") != "auto":
            return False
        if not getattr(cell, "reset_after", True):
            return False
        return not (training and _drops_inside(cell))

    def inner_loop(self, sequences, initial_state, mask, training=False):
        initial_state = read_states(initial_state, state_sizes(self.cell), sequences)
        if self.stateful:  # PyTorch will write the last state into the memory of the first one
            initial_state = [ops.copy(x) for x in initial_state]
        keras_mask, mask = mask, as_mask(mask)
        sequences = without_masked(sequences, mask)
        if not self.is_served(training):
            return super().inner_loop(sequences, initial_state, mask=keras_mask, training=training)
        inputs = ops.cast(sequences, self.cell.compute_dtype)
        inputs, kernel, training = draw_dropout(self.cell, inputs, training, self.weight_dropout)
        outputs, state = unroll(
            self.cell,
            inputs,
            initial_state,
            mask,
            self.go_backwards,
            training,
            recurrent_kernel=kernel,
            truncate=self.truncate,
            recompute=self.recompute,
        )
        return last_output(state, mask), self._in_order_of_reading(outputs, mask), state

    def _in_order_of_reading(self, outputs, mask):
        """The outputs of all steps as Keras returns them."""
        if not self.return_sequences:
            return outputs  # nobody looks at them
        if self.go_backwards:
            outputs = ops.flip(outputs, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        if mask is None or self.zero_output_for_mask:
            return outputs
        return carry_forward(outputs, mask)

    def compute_mask(self, sequences, mask=None):
        """The mask of the outputs, which stand in the order of reading, as it does."""
        if self.return_sequences and self.go_backwards:
            mask = as_mask(mask)
            mask = None if mask is None else ops.flip(mask, axis=1)
        return super().compute_mask(sequences, mask)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "weight_dropout": self.weight_dropout,
            "truncate": self.truncate,
            "recompute": self.recompute,
        }


def of_cell(name):
    """An attribute of a layer that is one of its cell."""
    return property(lambda layer: getattr(layer.cell, name), doc=f"`{name}` of the cell.")


class CellLayer(RecurrentLayer, keras.layers.RNN):
    """A layer around a cell of `cell_type`, which takes the options of both and has them.

    Args:
        units: size of the cell.
        *loop: the options of `keras.layers.RNN` behind the cell, in its order.
        dtype, trainable: of the layer and of the cell.
        **options: those of `OF_LAYER`, and the other ones of the cell.
    """

    cell_type = None

    def __init__(
        self, units: int, *loop: Any, dtype: DType = None, trainable: bool = True, **options: Any
    ):
        both = {"dtype": dtype, "trainable": trainable}
        of_layer = {name: options.pop(name) for name in OF_LAYER if name in options}
        super().__init__(self.cell_type(units, **both, **options), *loop, **both, **of_layer)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    units = of_cell("units")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    bias_constraint = of_cell("bias_constraint")

    def get_config(self) -> Config:
        config = {**self.cell.get_config(), **super().get_config()}
        del config["cell"]
        regularizer = keras.regularizers.serialize(self.activity_regularizer)
        return {**config, "activity_regularizer": regularizer}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def give_bias(cell, argument, initializer):
    """Give `cell` the initialiser of its bias that stands for an argument of its layer."""
    if not cell.use_bias or type(cell.bias_initializer) is not keras.initializers.Zeros:
        raise ValueError(
            f"`{argument}` initialises the bias: it needs `use_bias=True` and no `bias_initializer`"
            f"; received use_bias={cell.use_bias!r} and {cell.bias_initializer!r}."
        )
    cell.bias_initializer = initializer
    if hasattr(cell, "unit_forget_bias"):
        cell.unit_forget_bias = False


def check_weight_dropout(rate, cell):
    """Raise a `ValueError` unless weights of `cell` can be dropped at `rate`."""
    rate = check_rate("weight_dropout", rate)
    if rate and (equations_of(cell) is None or _drops_inside(cell)):
        raise ValueError(
            "`weight_dropout` is for an LSTM, a GRU with `reset_after=True` and a vanilla RNN "
            "without a readout, and not for one with `recurrent_dropout`, or with `dropout` and "
            f"`implementation=1`; received weight_dropout={rate!r} and the cell "
            f"{type(cell).__name__} with {_what_matters(cell)}."
        )
    return rate


def check_parts(name, steps, cell):
    """Raise a `ValueError` unless `cell` can run over parts of so many steps, or of all: `None`."""
    if steps is None:
        return None
    if _drops_inside(cell) or (recurrence_of(cell) is None and has_dropout(cell)):
        # One draw for a sequence, and not one for each of its parts.
        raise ValueError(
            f"`{name}` is not for a cell with `recurrent_dropout`, nor for one with `dropout` and "
            "`implementation=1`, nor for a cell of another kind that drops out itself; received "
            f"{name}={steps!r} and the cell {type(cell).__name__} with {_what_matters(cell)}."
        )
    return check_positive(name, steps)


def _what_matters(cell):
    names = ("reset_after", "readout_units", "recurrent_dropout", "dropout", "implementation")
    return {name: getattr(cell, name) for name in names if hasattr(cell, name)}


def _drops_inside(cell):
    """Whether `cell` drops something out that cannot be dropped from its inputs instead."""
    if getattr(cell, "recurrent_dropout", 0):
        return True
    # One mask for each gate.
    return bool(getattr(cell, "dropout", 0)) and getattr(cell, "implementation", 2) == 1


def draw_dropout(cell, inputs, training, weight_dropout=0.0):
    """Drop out what one draw for the whole sequence decides, before the loop over its steps.

    Returns:
        `(inputs, recurrent_kernel, training)` for `unroll`: the inputs without the features that
        the cell drops, the same ones at all steps; the recurrent kernel without the dropped
        weights, or `None`; whether the cell itself has something left to drop.
    """
    if not training:
        return inputs, None, False
    kernel = None
    if weight_dropout:
        (kernel,) = own_values(cell, cell.recurrent_kernel)
        kernel = keras.random.dropout(kernel, weight_dropout, seed=cell.seed_generator)
    if recurrence_of(cell) is None or _drops_inside(cell):
        return inputs, kernel, True
    if getattr(cell, "dropout", 0):
        inputs = inputs * cell.get_dropout_mask(inputs[:, 0])[:, None]
        cell.reset_dropout_mask()
    return inputs, kernel, False


def as_mask(mask):
    """A boolean mask `(batch, time)` out of what Keras passes: a nest of one mask, or `None`."""
    masks = [leaf for leaf in keras.tree.flatten(mask) if leaf is not None]
    return ops.cast(masks[0], "bool") if masks else None


def last_output(state, mask):
    """The output at each row's last valid step, which stands first in the state; else 0."""
    if mask is None:
        return state[0]
    valid = ops.any(mask, axis=1)[:, None]
    return ops.where(valid, state[0], ops.zeros_like(state[0]))


def carry_forward(outputs, mask):
    """Put the output of the last valid step before it to each masked step.

    Args:
        outputs: `(batch, time, size)`, 0 at masked steps: so they stay before the first valid one.
        mask: boolean `(batch, time)`.
    """
    return take_steps(outputs, last_valid_steps(mask))


def take_steps(x, steps):
    """`x[b, steps[b, i]]` for `x` of `(batch, time, size)` and `steps` of `(batch, n)`."""
    batch, length = ops.shape(x)[0], ops.shape(x)[1]
    rows = steps + (ops.arange(batch, dtype="int32") * length)[:, None]
    # Whole vectors of one long list: faster than an index for each of their numbers.
    return ops.take(ops.reshape(x, (-1, x.shape[-1])), rows, axis=0)


def last_steps(outputs, mask, forward_size=None):
    """Return what each direction gave at the last step that it read, `(batch, size)`.

    Args:
        outputs: `(batch, time, size)`, in the order of the inputs.
        mask: boolean `(batch, time)`, or `None`. Of a row without a valid step any one is taken.
        forward_size: how many of the features were read forward; the others were read backward,
            and are taken at the first valid step. All of them where `None`.
    """
    if mask is None:
        first, last = outputs[:, 0], outputs[:, -1]
    else:
        valid = ops.cast(mask, "int32")
        first = ops.argmax(valid, axis=1)
        last = ops.shape(valid)[1] - 1 - ops.argmax(ops.flip(valid, axis=1), axis=1)
        both = take_steps(outputs, ops.cast(ops.stack([first, last], axis=1), "int32"))  # (B, 2, D)
        first, last = both[:, 0], both[:, 1]
    if forward_size is None:
        return last
    return ops.concatenate([last[:, :forward_size], first[:, forward_size:]], axis=-1)
