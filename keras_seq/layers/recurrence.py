"""A cell unrolled over a sequence, by the fastest path that serves it."""

import keras
from keras import ops

from keras_seq.backend import (
    fused,
    fused_both,
    gru_gates,
    hand_gradient_pays,
    lstm_gates,
    product,
)
from keras_seq.layers.cells import forget_dropout, prepare_dropout
from keras_seq.layers.kernels import SLOPES, recurrence
from keras_seq.layers.observation import (
    CellStepper,
    ObservedStepper,
    current_observation,
    observed_scan,
)
from keras_seq.layers.own_dtype import own_values
from keras_seq.layers.vanilla_rnn_cell import VanillaRNNCell


def unroll(
    cell,
    inputs,
    state,
    mask=None,
    reverse=False,
    training=False,
    recurrent_kernel=None,
    truncate=None,
):
    """Run a built `cell` over all steps of `inputs`.

    Four paths, one result: a fused kernel where the backend has one; the kernels of this package,
    with their gradient by hand, where they are faster; a loop with the input projection of all
    steps hoisted out of it, for LSTM, GRU and vanilla cells; and a loop over the cell itself, for
    every other cell and for dropout inside the cell. A cell that knows a better way than a loop
    has a method `unroll(inputs, state, mask, reverse, training)` with the results of this one.

    Args:
        cell: a Keras RNN cell; the output must stand first in its state.
        inputs: `(batch, time, features)`.
        state: the initial state, a list of tensors `(batch, size)`.
        mask: boolean `(batch, time)`, or `None`. At a masked step the state stays and the output
            is 0. Fast for padding on the right; any other mask is right too.
        reverse: whether to run from the last step to the first.
        training: passed to the cell.
        recurrent_kernel: a tensor in place of `cell.recurrent_kernel`, such as that matrix with
            some of its weights dropped; for LSTM, GRU and vanilla cells without a readout.
        truncate: an integer k, or `None`: after every k steps, in the order of reading, the state
            goes on but no gradient comes back through it (truncated backpropagation through time).

    While an `observation.Observation` is active, the cell runs in a loop that it sees.

    Returns:
        `(outputs, state)`: `(batch, time, size)`, in the order of the inputs, and the last state.

    Raises:
        ValueError: for a `recurrent_kernel` where only the cell itself knows its recurrence.
    """
    state = list(state)
    if current_observation() is not None:
        return _general(cell, inputs, state, mask, reverse, training, truncate)
    if truncate is not None:
        return _truncated(truncate, cell, inputs, state, mask, reverse, training, recurrent_kernel)
    if hasattr(cell, "unroll") and recurrent_kernel is None:
        return cell.unroll(inputs, state, mask, reverse, training)
    kind = None if training and has_dropout(cell) else _kind(cell)
    if kind is None:
        if recurrent_kernel is not None:
            raise ValueError(
                "`recurrent_kernel` is used with an LSTMCell, a GRUCell with `reset_after=True` or "
                "a VanillaRNNCell without a readout, none of which drops anything out itself; "
                f"received {cell!r}."
            )
        return _general(cell, inputs, state, mask, reverse, training)
    weights = _weights(kind, cell, recurrent_kernel)
    if _is_fusible(kind, cell):
        found = fused(kind, inputs, state, weights, mask, reverse)
        if found is not None:
            return found
    if _has_hand_gradient(kind, cell) and inputs.shape[1] != 0:
        return _by_hand(kind, cell, inputs, state, weights, mask, reverse)
    run = HoistedStepper(kind, cell, inputs.shape[-1], weights)

    def step(x, state):
        return run.step(x, [], state)

    return _loop(step, run.project(inputs), state, mask, reverse, run.matrices)


def unroll_both(
    forward_cell,
    backward_cell,
    inputs,
    states,
    mask=None,
    training=False,
    recurrent_kernels=(None, None),
    truncate=None,
):
    """Run two built cells over the same `inputs`, the second one from the last step to the first.

    Args:
        forward_cell, backward_cell: as `cell` of `unroll`.
        inputs: `(batch, time, features)`.
        states: the initial states, a pair of lists.
        mask, training, truncate: as in `unroll`.
        recurrent_kernels: a pair, each as in `unroll`.

    Returns:
        `(outputs, states)`: a pair of outputs, both in the order of the inputs, and a pair of
        lists, the last states.
    """
    cells = forward_cell, backward_cell
    kinds = {None if training and has_dropout(cell) else _kind(cell) for cell in cells}
    together = truncate is None and current_observation() is None
    if together and len(kinds) == 1 and None not in kinds:
        (kind,) = kinds
        if all(_is_fusible(kind, cell) for cell in cells):
            weights = [_weights(kind, *pair) for pair in zip(cells, recurrent_kernels, strict=True)]
            found = fused_both(kind, inputs, states, weights, mask)
            if found is not None:
                return found
    found = [
        unroll(cell, inputs, state, mask, reverse, training, kernel, truncate)
        for cell, state, reverse, kernel in zip(
            cells, states, (False, True), recurrent_kernels, strict=True
        )
    ]
    return tuple(zip(*found, strict=True))


def has_dropout(cell):
    """Whether `cell` itself drops anything out."""
    return bool(getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0))


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
    return cell.use_bias and has_usual_activations(kind, cell)


def has_usual_activations(kind, cell):
    """Whether `cell` has the activations of the papers, tanh and sigmoid."""
    if cell.activation is not keras.activations.tanh:
        return False
    return kind == "vanilla" or cell.recurrent_activation is keras.activations.sigmoid


def _has_hand_gradient(kind, cell):
    """Whether `layers.kernels` compute the recurrence of `cell`, and faster."""
    if not hand_gradient_pays(cell.units):
        return False
    if kind == "vanilla":
        return cell.activation in SLOPES
    return has_usual_activations(kind, cell)


def _by_hand(kind, cell, inputs, state, weights, mask, reverse):
    """The recurrence through `layers.kernels`."""
    kernel, recurrent_kernel, bias, recurrent_bias = weights
    if bias is None:
        bias = ops.zeros((kernel.shape[1],), dtype=kernel.dtype)
    length = None
    if inputs.shape[1] is None:
        length = ops.shape(inputs)[1]
        inputs, mask = _of_usual_length(inputs, mask, length)
    run = recurrence(kind, cell.activation, mask is not None, reverse)
    outputs, *state = run(
        ops.swapaxes(inputs, 0, 1),
        kernel,
        recurrent_kernel,
        bias,
        recurrent_bias,
        None if mask is None else ops.transpose(mask),
        *state,
    )
    outputs = ops.swapaxes(outputs, 0, 1)
    if mask is not None:
        outputs = ops.where(mask[:, :, None], outputs, ops.zeros_like(outputs))
    return outputs if length is None else outputs[:, :length], state


def _of_usual_length(inputs, mask, length):
    """Pad to one of few lengths, eight from one power of two to the next, and mask the padding.

    The kernels are compiled for each length that they meet.
    """
    octave = ops.floor(ops.log2(ops.cast(ops.maximum(length, 1), "float32")) + 1e-3)
    unit = ops.cast(2.0 ** ops.maximum(octave - 3, 0), "int32")
    more = -length % unit
    if mask is None:
        mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
    return ops.pad(inputs, ((0, 0), (0, more), (0, 0))), ops.pad(mask, ((0, 0), (0, more)))


def _weights(kind, cell, recurrent_kernel=None):
    """`(kernel, recurrent_kernel, bias, recurrent_bias)`; what a cell does not have is `None`."""
    bias = cell.bias if cell.use_bias else None
    kernel, recurrent, bias = own_values(cell, cell.kernel, cell.recurrent_kernel, bias)
    recurrent_kernel = recurrent if recurrent_kernel is None else recurrent_kernel
    if kind == "gru" and bias is not None:
        return kernel, recurrent_kernel, bias[0], bias[1]
    return kernel, recurrent_kernel, bias, None


def stepper(cell, hoisted, training=False):
    """Return how to run a built `cell` in a loop whose inputs are only partly known before it.

    Args:
        cell: a Keras RNN cell; the output must stand first in its state.
        hoisted: how many of the first features of the inputs are known before the loop.
        training: passed to the cell.

    Returns:
        An object with `project(inputs)`, to be called before the loop with the known features of
        all steps, `(batch, time, hoisted)`; `step(x, inside, state) -> (output, state)`, where x is
        one step of that, or `None` where nothing is known, and `inside` a list of tensors with the
        other features; and `matrices`, for `backend.scan`.
    """
    if current_observation() is not None:
        return ObservedStepper(cell, training)
    kind = None if training and has_dropout(cell) else _kind(cell)
    if kind is None:
        return CellStepper(cell, training)
    return HoistedStepper(kind, cell, hoisted)


class HoistedStepper:
    """A loop with one product of what is not known before it; see `stepper`."""

    def __init__(self, kind, cell, hoisted, weights=None):
        kernel, recurrent_kernel, self.bias, recurrent_bias = weights or _weights(kind, cell)
        self.outer = kernel[:hoisted]
        inside = kernel[hoisted:]
        self.gates = GATES[kind](cell, recurrent_bias)
        self.reset_after = kind == "gru"
        if self.reset_after:  # what comes from h is reset before it meets the rest
            self.matrices = [inside, recurrent_kernel]
        else:
            self.matrices = [ops.concatenate([inside, recurrent_kernel], axis=0)]

    def project(self, inputs):
        projected = ops.matmul(inputs, self.outer)
        return projected if self.bias is None else projected + self.bias

    def step(self, x, inside, state):
        if x is None:
            x = 0.0 if self.bias is None else self.bias
        if not self.reset_after:
            return self.gates(x + _product([*inside, state[0]], self.matrices[0]), None, state)
        if inside:
            x = x + _product(inside, self.matrices[0])
        return self.gates(x, product(state[0], self.matrices[1]), state)


def _product(parts, matrix):
    return product(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1), matrix)


def _lstm_gates(cell, _):
    gate = cell.recurrent_activation

    def step(z, _, state):
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = gate(f) * state[1] + gate(i) * cell.activation(g)
        h = gate(o) * cell.activation(c)
        return h, [h, c]

    def usual_step(z, _, state):
        h, c = lstm_gates(z, state[1])
        return h, [h, c]

    return usual_step if has_usual_activations("lstm", cell) else step


def _gru_gates(cell, recurrent_bias):
    gate = cell.recurrent_activation

    def step(x, inner, state):
        x_z, x_r, x_n = ops.split(x, 3, axis=-1)
        h_z, h_r, h_n = ops.split(inner, 3, axis=-1)
        z = gate(x_z + h_z)
        return z * state[0] + (1 - z) * cell.activation(x_n + gate(x_r + h_r) * h_n)

    def usual_step(x, inner, state):
        return gru_gates(x, inner, state[0])

    step = usual_step if has_usual_activations("gru", cell) else step

    def with_bias(x, inner, state):
        h = step(x, inner if recurrent_bias is None else inner + recurrent_bias, state)
        return h, [h]

    return with_bias


def _vanilla_gates(cell, _):
    def step(z, _, state):
        h = cell.activation(z)
        return h, [h]

    return step


GATES = {"lstm": _lstm_gates, "gru": _gru_gates, "vanilla": _vanilla_gates}


def _general(cell, inputs, state, mask, reverse, training, truncate=None):
    """The loop over the cell itself."""
    prepare_dropout(cell, ops.zeros_like(inputs[:, 0]), state)
    observed = current_observation() is not None
    run = (ObservedStepper if observed else CellStepper)(cell, training)

    def step(x, state):
        return run.step(x, [], state)

    found = _loop(step, inputs, state, mask, reverse, cells=[cell], truncate=truncate)
    forget_dropout(cell)
    return found


def _truncated(steps, cell, inputs, state, mask, reverse, training, recurrent_kernel):
    """Parts of so many steps, with no gradient from one to the one before."""
    length = inputs.shape[1]
    if length is None:
        if recurrent_kernel is not None:
            raise ValueError(
                "`recurrent_kernel` with `truncate` needs a number of steps that is known when the "
                "graph is made; received None."
            )
        return _general(cell, inputs, state, mask, reverse, training, steps)
    if length <= steps:
        return unroll(cell, inputs, state, mask, reverse, training, recurrent_kernel)
    outputs = []
    for first in range(0, length, steps):
        last = min(first + steps, length)
        part = slice(length - last, length - first) if reverse else slice(first, last)
        output, state = unroll(
            cell,
            inputs[:, part],
            [ops.stop_gradient(x) for x in state] if first else state,
            None if mask is None else mask[:, part],
            reverse,
            training,
            recurrent_kernel,
        )
        outputs.append(output)
    return ops.concatenate(outputs[::-1] if reverse else outputs, axis=1), state


def _loop(step, inputs, state, mask, reverse, matrices=(), cells=(), truncate=None):
    """Scan `step`; at a masked step the state stays and the output is 0."""
    of_time = mask
    if reverse:
        inputs = ops.flip(inputs, axis=1)
        mask = None if mask is None else ops.flip(mask, axis=1)
    batch, length = ops.shape(inputs)[:2]
    steps = {"x": inputs}
    if mask is not None:
        steps["valid"] = mask
    if truncate is not None:
        number = ops.arange(length, dtype="int32")
        borders = ops.logical_and(number % truncate == 0, number > 0)
        steps["cut"] = ops.broadcast_to(borders[None], (batch, length))

    def one(now, state):
        if "cut" in now:
            state = [_chosen(now["cut"], ops.stop_gradient(x), x) for x in state]
        output, new_state = step(now["x"], state)
        if "valid" not in now:
            return output, new_state
        valid = now["valid"]
        kept = [_chosen(valid, new, old) for new, old in zip(new_state, state, strict=True)]
        return _chosen(valid, output, ops.zeros_like(output)), kept

    outputs, state = observed_scan(cells, one, state, steps, matrices, of_time, reverse)
    return ops.flip(outputs, axis=1) if reverse else outputs, state


def _chosen(rows, this, that):
    """Row by row, `this` where `rows` is true, else `that`."""
    return ops.where(ops.reshape(rows, (-1,) + (1,) * (len(this.shape) - 1)), this, that)
