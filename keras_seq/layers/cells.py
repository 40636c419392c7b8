"""Cells by name, and the few facts about a cell that loops need."""

import numbers

import keras

from keras_seq._checks import resolve, unbuilt_config
from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers.recurrences import kind_of
from keras_seq.layers.recurrences.gru import gru
from keras_seq.layers.recurrences.lstm import lstm
from keras_seq.layers.recurrences.minimal import MinGRUCell, MinLSTMCell
from keras_seq.layers.recurrences.vanilla import VanillaRNNCell, irnn_cell, vanilla

CELLS = {
    "lstm": lstm,
    "gru": gru,
    "vanilla": vanilla,
    "irnn": irnn_cell,
    "min_gru": MinGRUCell,
    "min_lstm": MinLSTMCell,
}


def get_cell(identifier, units=None, dtype=None):
    """Return a new, unbuilt cell for a name, a config or an instance.

    Args:
        identifier: `"vanilla"`, `"irnn"`, `"lstm"`, `"gru"`, `"min_gru"`, `"min_lstm"`; the config
            of a cell; or an instance, of which a fresh copy is made (a cell keeps its own number of
            units).
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


def cell_config(cell):
    """Return the config of `cell` as a part of another one, without what `get_cell` leaves out.

    Its name is automatic: it would depend on what else the process has made.
    """
    found = unbuilt_config(cell)
    return {**found, "config": {k: v for k, v in found["config"].items() if k != "name"}}


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
        cell: a Keras RNN cell.
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
    """Return the names of the state tensors of `cell`: `"h"`, the hidden one, and what is beside.

    A cell may have `state_names` of its own, with `None` for what is no state but a memory of
    earlier ones.
    """
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
    """Return the state before the first step from its tensors of `own_sizes`.

    A cell whose state has more than those has a method `whole_state(first)`.
    """
    return list(cell.whole_state(first)) if hasattr(cell, "whole_state") else list(first)


def initial_state(cell, inputs):
    """Return the state of `cell` before the first step, a list of tensors.

    Args:
        cell: a Keras RNN cell; one without `get_initial_state` starts with zeros.
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
    leak out of it, so it is asked for before. A cell around another one has methods of its own
    with the names of this function and of `forget_dropout`.
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
