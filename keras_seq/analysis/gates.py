"""One step of the known gated cells, with their gates open to view."""

import keras
from keras import ops

from keras_seq.layers import MinGRUCell, MinLSTMCell


def gates_of(cell):
    """The names of the gates of `cell` that can be seen and cut out; `None` for a cell without.

    A cell of one's own has `gate_names`, a tuple of str, and the method `call_with_gates(inputs,
    states, without) -> (output, states, values)`, where the gates named in `without` are held at 1
    and `values` is a dict from the name of each gate to a tensor `(batch, units)`.
    """
    if hasattr(cell, "gate_names"):
        return tuple(cell.gate_names)
    return GATES.get(type(cell), (None, None))[0]


def step_with_gates(cell, inputs, states, without=()):
    """One step of a cell that has gates.

    Args:
        cell: a cell for which `gates_of` knows the gates.
        inputs: `(batch, features)`.
        states: list of tensors.
        without: names of gates that are held at 1.

    Returns:
        `(output, states, values)`, a dict from the name of a gate to its values.
    """
    if hasattr(cell, "gate_names"):
        return cell.call_with_gates(inputs, states, without)
    return GATES[type(cell)][1](cell, inputs, states, without)


def lstm_step(cell, inputs, states, without=(), added=(0.0, 0.0)):
    """One step of `keras.layers.LSTMCell`; `added` goes to h and, before h is computed, to c."""
    h, c = states
    z = _weighed(cell, inputs, "kernel") + _weighed(cell, h, "recurrent_kernel")
    z = z + _cast(cell, cell.bias) if cell.use_bias else z
    i, f, g, o = ops.split(z, 4, axis=-1)
    values = {
        name: _gate(name, cell.recurrent_activation(x), without)
        for name, x in (("input", i), ("forget", f), ("output", o))
    }
    c = values["forget"] * c + values["input"] * cell.activation(g) + added[1]
    h = values["output"] * cell.activation(c) + added[0]
    return h, [h, c], values


def _gru_step(cell, inputs, states, without):
    h = states[0]
    bias = _cast(cell, cell.bias) if cell.use_bias else None
    of_inputs = bias[0] if bias is not None and cell.reset_after else bias
    x = _weighed(cell, inputs, "kernel")
    x_z, x_r, x_n = ops.split(x if of_inputs is None else x + of_inputs, 3, axis=-1)
    kernel = _cast(cell, cell.recurrent_kernel)
    inner = ops.matmul(h, kernel)
    if bias is not None and cell.reset_after:
        inner = inner + bias[1]
    h_z, h_r, h_n = ops.split(inner, 3, axis=-1)
    update = _gate("update", cell.recurrent_activation(x_z + h_z), without)
    reset = _gate("reset", cell.recurrent_activation(x_r + h_r), without)
    last = kernel[:, 2 * cell.units :]
    new = reset * h_n if cell.reset_after else ops.matmul(reset * h, last)
    h = update * h + (1 - update) * cell.activation(x_n + new)
    return h, [h], {"update": update, "reset": reset}


def _min_gru_step(cell, inputs, states, without):
    # Its update gate is the share of the new value, where Keras's is that of the old one.
    share, new = cell._terms(inputs)
    share = _gate("update", share, without)
    h = (1 - share) * ops.cast(states[0], share.dtype) + share * new
    h = ops.cast(h, cell.compute_dtype)
    return h, [h], {"update": share}


def _min_lstm_step(cell, inputs, states, without):
    share, new = cell._terms(inputs)
    shares = {"input": share, "forget": 1 - share}
    shares = {name: _gate(name, value, without) for name, value in shares.items()}
    h = shares["forget"] * ops.cast(states[0], share.dtype) + shares["input"] * new
    h = ops.cast(h, cell.compute_dtype)
    return h, [h], shares


def _gate(name, values, without):
    return ops.ones_like(values) if name in without else values


def _cast(cell, weight):
    return ops.cast(ops.convert_to_tensor(weight), cell.compute_dtype)


def _weighed(cell, x, name):
    return ops.matmul(ops.cast(x, cell.compute_dtype), _cast(cell, getattr(cell, name)))


# type of cell -> the names of its gates, the step.
GATES = {
    keras.layers.LSTMCell: (("input", "forget", "output"), lstm_step),
    keras.layers.GRUCell: (("update", "reset"), _gru_step),
    MinGRUCell: (("update",), _min_gru_step),
    MinLSTMCell: (("input", "forget"), _min_lstm_step),
}
