"""A cell unrolled over a sequence, by the fastest path that serves it."""

import keras
from keras import ops

from keras_seq.backend import fused, scan
from keras_seq.layers.cells import forget_dropout, prepare_dropout
from keras_seq.layers.vanilla_rnn_cell import VanillaRNNCell


def unroll(cell, inputs, state, mask=None, reverse=False, training=False):
    """Run a built `cell` over all steps of `inputs`.

    Three paths, one result: a fused kernel where the backend has one; a loop with the input
    projection of all steps hoisted out of it, for LSTM, GRU and vanilla cells; and a loop over
    the cell itself, for every other cell and for dropout inside the cell.

    Args:
        cell: a Keras RNN cell; the output must stand first in its state.
        inputs: `(batch, time, features)`.
        state: the initial state, a list of tensors `(batch, size)`.
        mask: boolean `(batch, time)`, or `None`. At a masked step the state stays and the output
            is 0. Fast for padding on the right; any other mask is right too.
        reverse: whether to run from the last step to the first.
        training: passed to the cell.

    Returns:
        `(outputs, state)`: `(batch, time, size)`, in the order of the inputs, and the last state.
    """
    state = list(state)
    kind = None if training and has_dropout(cell) else _kind(cell)
    if kind is None:
        return _general(cell, inputs, state, mask, reverse, training)
    weights = _weights(kind, cell)
    if _is_fusible(kind, cell):
        found = fused(kind, inputs, state, weights, mask, reverse)
        if found is not None:
            return found
    projected = ops.matmul(inputs, weights[0])
    if weights[2] is not None:
        projected = projected + weights[2]
    step = STEPS[kind](cell, weights[1], weights[3])
    return _loop(step, projected, state, mask, reverse)


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


def _kind(cell):
    """The name of the recurrence of `cell`, or `None` where only the cell itself knows it."""
    # Exactly these types: a subclass may compute something else.
    if type(cell) is keras.layers.LSTMCell:
        return "lstm"
    if type(cell) is keras.layers.GRUCell:
        return "gru" if cell.reset_after else None
    if type(cell) is VanillaRNNCell:
        return "vanilla" if cell.readout_units is None else None
    return None


def _is_fusible(kind, cell):
    """Whether the fused kernels compute the recurrence of `cell`: its activations and biases."""
    usual = cell.use_bias and cell.activation is keras.activations.tanh
    if kind == "vanilla":
        return usual
    return usual and cell.recurrent_activation is keras.activations.sigmoid


def _weights(kind, cell):
    """`(kernel, recurrent_kernel, bias, recurrent_bias)`; what a cell does not have is `None`."""
    kernel, recurrent_kernel = map(ops.convert_to_tensor, (cell.kernel, cell.recurrent_kernel))
    bias = ops.convert_to_tensor(cell.bias) if cell.use_bias else None
    if kind == "gru" and bias is not None:
        return kernel, recurrent_kernel, bias[0], bias[1]
    return kernel, recurrent_kernel, bias, None


def _lstm_step(cell, recurrent_kernel, _):
    def step(x, state):
        h, c = state
        z = x + ops.matmul(h, recurrent_kernel)
        i, f, g, o = ops.split(z, 4, axis=-1)
        gate = cell.recurrent_activation
        c = gate(f) * c + gate(i) * cell.activation(g)
        h = gate(o) * cell.activation(c)
        return h, [h, c]

    return step


def _gru_step(cell, recurrent_kernel, recurrent_bias):
    def step(x, state):
        (h,) = state
        inner = ops.matmul(h, recurrent_kernel)
        if recurrent_bias is not None:
            inner = inner + recurrent_bias
        x_z, x_r, x_n = ops.split(x, 3, axis=-1)
        h_z, h_r, h_n = ops.split(inner, 3, axis=-1)
        gate = cell.recurrent_activation
        z = gate(x_z + h_z)
        h = z * h + (1 - z) * cell.activation(x_n + gate(x_r + h_r) * h_n)
        return h, [h]

    return step


def _vanilla_step(cell, recurrent_kernel, _):
    def step(x, state):
        h = cell.activation(x + ops.matmul(state[0], recurrent_kernel))
        return h, [h]

    return step


STEPS = {"lstm": _lstm_step, "gru": _gru_step, "vanilla": _vanilla_step}


def _general(cell, inputs, state, mask, reverse, training):
    """The loop over the cell itself."""
    prepare_dropout(cell, ops.zeros_like(inputs[:, 0]), state)
    found = _loop(lambda x, state: advance(cell, x, state, training), inputs, state, mask, reverse)
    forget_dropout(cell)
    return found


def _loop(step, inputs, state, mask, reverse):
    """Scan `step`; at a masked step the state stays and the output is 0."""
    if reverse:
        inputs = ops.flip(inputs, axis=1)
        mask = None if mask is None else ops.flip(mask, axis=1)
    if mask is None:
        outputs, state = scan(step, state, inputs)
    else:

        def masked(x, state):
            x, valid = x
            output, new_state = step(x, state)
            valid = valid[:, None]
            kept = [ops.where(valid, new, old) for new, old in zip(new_state, state, strict=True)]
            return ops.where(valid, output, ops.zeros_like(output)), kept

        outputs, state = scan(masked, state, (inputs, mask))
    return ops.flip(outputs, axis=1) if reverse else outputs, state
