"""Cells by name, and what loops ask of a cell."""

import numbers
from collections.abc import Sequence
from typing import Any, Protocol

import keras

from keras_seq._checks import resolve, unbuilt_config
from keras_seq._registry import CELLS
from keras_seq._typing import Mask, Nest, Tensor, Tensors
from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers.recurrences import kind_of
from keras_seq.layers.recurrences.vanilla import VanillaRNNCell


class Cell(Protocol):
    """What a cell is: a Keras layer with `state_size` and `call`; all else here is optional.

        output_t, state_t = call(x_t, state_(t-1))

    The output stands first in the state. A cell that says no more than that works in every layer,
    model and figure of the package, step by step; what it says besides makes it faster, or opens
    it to view. A cell whose steps can be taken apart has a `recurrences.Recurrence` too: its
    products with the inputs of all steps are then one, its weights can be dropped, and its gradient
    can go back through time by hand.

    `ks.layers.CELLS["mine"] = MyCell` gives it a name for `cell=`; saved files name its class,
    which therefore is registered with Keras.

    Attributes:
        state_size: the size of the state, or a list of those of its tensors; a tuple for one that
            is no vector.
        output_size: the number of features in the output; that of the first state by default.
        state_names: the names of the state tensors, `"h"` for the output, with `None` for what is
            no state but a memory of earlier ones.
        dropout, recurrent_dropout: the rates at which the cell itself drops anything out.
        gate_names: the names of the gates that `call_with_gates` shows.
        columns: the names of the blocks of columns in `kernel`, `recurrent_kernel` and `bias`.
        keeps, writes: which of them `Chrono` and `ForgetBias` initialise: the gate that multiplies
            the old state, and that of the new value where there is one.
        bias_rows: 2 for a `bias` of two rows, of which the second is added to what comes from h.
        options: options in experiments, `"mine:narrow"` or `"mine:scale=2"`: a dict from a name
            to a part of the config, or to a function from a number to one.

    Example:

    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class Mean(keras.layers.Layer):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units = self.state_size = units
    ...         self.dense = keras.layers.Dense(units, dtype=self.dtype_policy)
    ...     def call(self, inputs, states):
    ...         h = (states[0] + self.dense(inputs)) / 2
    ...         return h, [h]
    ...     def get_config(self):
    ...         return {**super().get_config(), "units": self.units}
    >>> from keras_seq.layers import RNNStack
    >>> tuple(RNNStack(Mean(4))(keras.ops.ones((2, 5, 3))).shape)
    (2, 4)
    """

    state_size: Any
    output_size: int
    state_names: list[str | None]
    dropout: float
    recurrent_dropout: float
    gate_names: tuple[str, ...]
    columns: tuple[str, ...]
    keeps: str
    writes: str
    bias_rows: int
    options: dict[str, Any]

    def call(self, inputs: Tensor, states: Tensors, training: bool = False) -> tuple[Tensor, Nest]:
        """One step, `(output, states)`; whether it takes `training` is seen by its signature."""
        ...

    def get_initial_state(self, batch_size: int | None = None) -> Nest:
        """The state before the first step, a tensor or a list of them; zeros by default."""
        ...

    def whole_state(self, first: Tensors) -> Tensors:
        """The state before the first step, from those of its tensors that have a name."""
        ...

    def unroll(
        self, inputs: Tensor, state: Tensors, mask: Mask = None, reverse=False, training=False
    ) -> tuple[Tensor, Tensors]:
        """All steps, `(outputs, state)`, where there is a better way than a loop; see `unroll`."""
        ...

    def call_with_gates(
        self, inputs: Tensor, states: Tensors, without: Sequence[str] = ()
    ) -> tuple[Tensor, Tensors, dict[str, Tensor]]:
        """One step, `(output, states, values)`, with a dict from each gate to `(batch, units)`.

        The gates named in `without` are held at 1.
        """
        ...

    def prepare_dropout(self, inputs: Tensor, state: Nest) -> None:
        """Draw what is dropped out of one sequence, before the loop over its steps."""
        ...

    def forget_dropout(self) -> None:
        """Forget what `prepare_dropout` has drawn, after the loop."""
        ...


def get_cell(identifier, units=None, dtype=None):
    """Return a new, unbuilt cell for a name, a config or an instance.

    Args:
        identifier: a name in `layers.CELLS`; the config of a cell; or an instance, of which a
            fresh copy is made (a cell keeps its own number of units).
        units: size of the state where a name is given.
        dtype: dtype or policy where a name is given; an instance keeps its own.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something that is no cell:
            a Keras layer with `state_size` and `call(inputs, states)`; and for a bias that Keras
            would take to pieces, see `check_bias`.

    References:
        - Le, Jaitly & Hinton, 2015, "A simple way to initialize recurrent networks of rectified
          linear units", arXiv:1504.00941 (`"irnn"`).
    """
    cell = resolve(identifier, CELLS, "cell", keras.layers.Layer, units=units, dtype=dtype)
    if not hasattr(cell, "state_size"):
        raise ValueError(
            "`cell` must have a `state_size` and `call(inputs, states) -> (output, states)`; "
            f"{type(cell).__name__} has no `state_size`."
        )
    check_bias(cell)
    # A copy of its own for every place it is used in, without the name and the weights.
    config = cell.get_config()
    config.pop("name", None)
    # Keras's SimpleRNNCell draws dropout masks in inference too; ours is the same but for that.
    kind = VanillaRNNCell if type(cell) is keras.layers.SimpleRNNCell else type(cell)
    return kind.from_config(config)


def build_cell(cell, input_shape):
    """Make the weights of a cell, and of the layers inside of it, for inputs `(batch, features)`.

    A layer that a cell without a `build` of its own calls makes its weights at the first call. In a
    loop that would be inside of what JAX and TensorFlow trace, and the weights would be lost there:
    so such a cell is called once before, on symbols.
    """
    if cell.built:
        return
    if type(cell).build is keras.layers.Layer.build:
        rows, dtype = input_shape[0], getattr(cell, "compute_dtype", None)
        states = [
            keras.KerasTensor((rows, *state_shape(size)), dtype=dtype) for size in state_sizes(cell)
        ]
        cell(keras.KerasTensor(input_shape, dtype=dtype), states)
    else:
        cell.build(input_shape)
    cell.built = True


def cell_config(cell):
    """Return the config of `cell` as a part of another one, without what `get_cell` leaves out.

    Its name is automatic: it would depend on what else the process has made.
    """
    config = unbuilt_config(cell)
    return {**config, "config": {k: v for k, v in config["config"].items() if k != "name"}}


def check_bias(cell):
    """Raise a `ValueError` where Keras would take the bias of an initialiser of ours to pieces."""
    initializer = getattr(cell, "bias_initializer", None)
    if getattr(cell, "unit_forget_bias", False) and isinstance(initializer, (Chrono, ForgetBias)):
        raise ValueError(
            f"{type(initializer).__name__} initialises the forget gates: it needs "
            "`unit_forget_bias=False`; received True, with which Keras would write 1 there."
        )


def state_sizes(cell):
    """Return the sizes of the state tensors of `cell`, as a list of integers."""
    size = cell.state_size
    return [size] if isinstance(size, numbers.Integral) else list(size)


def state_shape(size):
    """Return the shape, without the rows, of a state of one of `state_sizes`."""
    return tuple(size) if isinstance(size, (list, tuple)) else (size,)


def vector_sizes(cell, what):
    """Return `state_sizes(cell)`, or raise a `ValueError` where a state is no vector.

    Args:
        cell: a cell.
        what: who needs vectors, for the error message.
    """
    sizes = state_sizes(cell)
    if not all(isinstance(size, int) for size in sizes):
        raise ValueError(
            f"{what} needs a cell whose states are vectors, of sizes that are integers; received "
            f"{type(cell).__name__} with the sizes {sizes}. RNNStack takes it."
        )
    return sizes


def state_names(cell):
    """Return the names of the state tensors of `cell`: `"h"` and what is beside it."""
    if hasattr(cell, "state_names"):
        return list(cell.state_names)
    count = len(state_sizes(cell))
    names = getattr(kind_of(cell), "states", ())
    return list(names) if len(names) == count else ["h", *(f"state {i}" for i in range(1, count))]


def own_sizes(cell):
    """Return the sizes of the state tensors that have a name: the others follow from them."""
    sizes = vector_sizes(cell, "A decoder")
    return [size for size, name in zip(sizes, state_names(cell), strict=True) if name]


def whole_state(cell, first):
    """Return the state before the first step from its tensors of `own_sizes`."""
    return list(cell.whole_state(first)) if hasattr(cell, "whole_state") else list(first)


def initial_state(cell, inputs):
    """Return the state of `cell` before the first step, a list of tensors.

    Args:
        cell: a cell.
        inputs: anything with the batch as first axis.
    """
    return initial_state_of(cell, keras.ops.shape(inputs)[0])


def initial_state_of(cell, batch_size):
    """Return `initial_state` for so many rows."""
    if not hasattr(cell, "get_initial_state"):
        return [
            keras.ops.zeros((batch_size, size), dtype=cell.compute_dtype)
            for size in state_sizes(cell)
        ]
    state = cell.get_initial_state(batch_size=batch_size)
    return list(state) if isinstance(state, (list, tuple)) else [state]


def output_size(cell):
    """Return the number of features in the output of `cell`."""
    size = getattr(cell, "output_size", None)
    return state_sizes(cell)[0] if size is None else size


def prepare_dropout(cell, inputs, state):
    """Draw the dropout masks of `cell` for one sequence, outside of the loop over its steps.

    Keras's cells draw a mask at its first use and keep it. Drawn inside a compiled loop it would
    leak out of it, so it is asked for before.
    """
    if hasattr(cell, "prepare_dropout"):
        cell.prepare_dropout(inputs, state)
    elif hasattr(cell, "get_dropout_mask"):
        cell.get_dropout_mask(inputs)
        cell.get_recurrent_dropout_mask(state[0])


def forget_dropout(cell):
    """Forget the masks that `prepare_dropout` had drawn."""
    if hasattr(cell, "forget_dropout"):
        cell.forget_dropout()
    elif hasattr(cell, "get_dropout_mask"):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()


def has_dropout(cell):
    """Whether `cell` itself drops anything out."""
    return bool(getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0))


def advance(cell, inputs, state, training=False):
    """One step of `cell`, whose `call` may or may not know `training` and may return one state.

    Returns:
        `(output, state)`, the state as a list.
    """
    knows_training = getattr(cell, "_call_has_training_arg", True)
    output, state = cell(inputs, state, **({"training": training} if knows_training else {}))
    return output, list(state) if isinstance(state, (list, tuple)) else [state]
