"""Cells by name, and the few facts about a cell that loops need."""

import keras

from keras_seq.identifiers import resolve
from keras_seq.layers.min_gru_cell import MinGRUCell
from keras_seq.layers.min_lstm_cell import MinLSTMCell
from keras_seq.layers.vanilla_rnn_cell import VanillaRNNCell

CELLS = {
    "vanilla": VanillaRNNCell,
    "lstm": keras.layers.LSTMCell,
    "gru": keras.layers.GRUCell,
    "min_gru": MinGRUCell,
    "min_lstm": MinLSTMCell,
}


def get_cell(identifier, units=None, dtype=None):
    """Return a new, unbuilt cell for a name, a config or an instance.

    Args:
        identifier: `"vanilla"`, `"lstm"`, `"gru"`, `"min_gru"`, `"min_lstm"`; the config of a cell;
            or an instance, of which a fresh copy is made (a cell keeps its own number of units).
        units: size of the state where a name is given.
        dtype: dtype or policy where a name is given; an instance keeps its own.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something that is no cell:
            a Keras layer with `state_size` and `call(inputs, states)`.
    """
    cell = resolve(identifier, CELLS, "cell", keras.layers.Layer, units=units, dtype=dtype)
    if not hasattr(cell, "state_size"):
        raise ValueError(
            "`cell` must have a `state_size` and `call(inputs, states) -> (output, states)`; "
            f"{type(cell).__name__} has no `state_size`."
        )
    # A copy of its own for every place it is used in, without the name and the weights.
    config = cell.get_config()
    config.pop("name", None)
    # Keras's SimpleRNNCell draws dropout masks in inference too; ours is the same but for that.
    kind = VanillaRNNCell if type(cell) is keras.layers.SimpleRNNCell else type(cell)
    return kind.from_config(config)


def state_sizes(cell):
    """Return the sizes of the state tensors of `cell`, as a list of integers."""
    size = cell.state_size
    return [size] if isinstance(size, int) else list(size)


def initial_state(cell, inputs):
    """Return the state of `cell` before the first step, a list of tensors.

    Args:
        cell: a Keras RNN cell; one without `get_initial_state` starts with zeros.
        inputs: anything with the batch as first axis.
    """
    batch = keras.ops.shape(inputs)[0]
    if not hasattr(cell, "get_initial_state"):
        return [
            keras.ops.zeros((batch, size), dtype=cell.compute_dtype) for size in state_sizes(cell)
        ]
    state = cell.get_initial_state(batch_size=batch)
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
    if hasattr(cell, "get_dropout_mask"):
        cell.get_dropout_mask(inputs)
        cell.get_recurrent_dropout_mask(state[0])


def forget_dropout(cell):
    """Forget the masks that `prepare_dropout` had drawn."""
    if hasattr(cell, "get_dropout_mask"):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
