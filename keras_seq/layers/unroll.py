"""A cell unrolled over a sequence, by the fastest path that serves it."""

from keras import ops

from keras_seq.backend import fused, fused_both, hand_gradient_pays, loop, recomputed
from keras_seq.layers.bptt import by_hand
from keras_seq.layers.cells import forget_dropout, has_dropout, prepare_dropout
from keras_seq.layers.observation import current_observation, observed_scan
from keras_seq.layers.recurrences import equations_of
from keras_seq.layers.stepper import CellStepper, HoistedStepper, ObservedStepper


def unroll(
    cell,
    inputs,
    state,
    mask=None,
    reverse=False,
    training=False,
    recurrent_kernel=None,
    truncate=None,
    recompute=None,
):
    """Run a built `cell` over all steps of `inputs`.

    Four paths, one result. Where the cell has a `Recurrence`: a fused kernel, if the backend has
    one; the gradient by hand (`bptt`), where that is faster; else a loop with the input projection
    of all steps hoisted out of it. And a loop over the cell itself, for every other cell and for
    dropout inside the cell. A cell that knows a better way than a loop has a method
    `unroll(inputs, state, mask, reverse, training)` with the results of this one.

    Args:
        cell: a Keras RNN cell; the output must stand first in its state.
        inputs: `(batch, time, features)`.
        state: the initial state, a list of tensors `(batch, size)`.
        mask: boolean `(batch, time)`, or `None`. At a masked step the state stays and the output
            is 0. Fast for padding on the right; any other mask is right too.
        reverse: whether to run from the last step to the first.
        training: passed to the cell.
        recurrent_kernel: a tensor in place of `cell.recurrent_kernel`, such as that matrix with
            some of its weights dropped; for cells with a `Recurrence`.
        truncate: an integer k, or `None`: after every k steps, in the order of reading, the state
            goes on but no gradient comes back through it (truncated backpropagation through time).
        recompute: an integer k, or `None`: only the state is kept every k steps, in the order of
            reading; what happens between is computed once more on the way back.

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
        return _truncated(
            truncate, cell, inputs, state, mask, reverse, training, recurrent_kernel, recompute
        )
    if recompute is not None:
        arguments = cell, inputs, state, mask, reverse, training, recurrent_kernel
        return _recomputed(recompute, *arguments)
    if hasattr(cell, "unroll") and recurrent_kernel is None:
        return cell.unroll(inputs, state, mask, reverse, training)
    recurrence = None if training and has_dropout(cell) else equations_of(cell)
    if recurrence is None:
        if recurrent_kernel is not None:
            raise ValueError(
                "`recurrent_kernel` is used with an LSTMCell, a GRUCell with `reset_after=True` or "
                "a VanillaRNNCell without a readout, none of which drops anything out itself; "
                f"received {cell!r}."
            )
        return _general(cell, inputs, state, mask, reverse, training)
    weights = recurrence.weights(cell, recurrent_kernel)
    if recurrence.is_fused(cell):
        result = fused(recurrence.fused, inputs, state, weights, mask, reverse)
        if result is not None:
            return result
    if recurrence.has_back(cell) and hand_gradient_pays(cell.units) and inputs.shape[1] != 0:
        return _by_hand(recurrence, cell, inputs, state, weights, mask, reverse)
    run = HoistedStepper(recurrence, cell, inputs.shape[-1], weights)

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
    recompute=None,
):
    """Run two built cells over the same `inputs`, the second one from the last step to the first.

    Args:
        forward_cell, backward_cell: as `cell` of `unroll`.
        inputs: `(batch, time, features)`.
        states: the initial states, a pair of lists.
        mask, training, truncate, recompute: as in `unroll`.
        recurrent_kernels: a pair, each as in `unroll`.

    Returns:
        `(outputs, states)`: a pair of outputs, both in the order of the inputs, and a pair of
        lists, the last states.
    """
    cells = forward_cell, backward_cell
    kinds = {None if training and has_dropout(cell) else equations_of(cell) for cell in cells}
    together = truncate is None and recompute is None and current_observation() is None
    if together and len(kinds) == 1 and None not in kinds:
        (kind,) = kinds
        if all(kind.is_fused(cell) for cell in cells):
            weights = [kind.weights(*pair) for pair in zip(cells, recurrent_kernels, strict=True)]
            results = fused_both(kind.fused, inputs, states, weights, mask)
            if results is not None:
                return results
    results = [
        unroll(cell, inputs, state, mask, reverse, training, kernel, truncate, recompute)
        for cell, state, reverse, kernel in zip(
            cells, states, (False, True), recurrent_kernels, strict=True
        )
    ]
    return tuple(zip(*results, strict=True))


def _by_hand(recurrence, cell, inputs, state, weights, mask, reverse):
    """The recurrence through `layers.bptt`."""
    kernel, recurrent_kernel, bias, recurrent_bias = weights
    if bias is None:
        bias = ops.zeros((kernel.shape[1],), dtype=kernel.dtype)
    length = None
    if inputs.shape[1] is None:
        length = ops.shape(inputs)[1]
        inputs, mask = _of_usual_length(inputs, mask, length)
    run = by_hand(recurrence, recurrence.functions(cell), mask is not None, reverse)
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

    The loops are compiled for each length that they meet.
    """
    octave = ops.floor(ops.log2(ops.cast(ops.maximum(length, 1), "float32")) + 1e-3)
    unit = ops.cast(2.0 ** ops.maximum(octave - 3, 0), "int32")
    more = -length % unit
    if mask is None:
        mask = ops.ones(ops.shape(inputs)[:2], dtype="bool")
    return ops.pad(inputs, ((0, 0), (0, more), (0, 0))), ops.pad(mask, ((0, 0), (0, more)))


def _general(cell, inputs, state, mask, reverse, training, truncate=None):
    """The loop over the cell itself."""
    prepare_dropout(cell, ops.zeros_like(inputs[:, 0]), state)
    observed = current_observation() is not None
    run = (ObservedStepper if observed else CellStepper)(cell, training)

    def step(x, state):
        return run.step(x, [], state)

    result = _loop(step, inputs, state, mask, reverse, cells=[cell], truncate=truncate)
    forget_dropout(cell)
    return result


def _truncated(steps, cell, inputs, state, mask, reverse, training, recurrent_kernel, recompute):
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
        return unroll(
            cell, inputs, state, mask, reverse, training, recurrent_kernel, recompute=recompute
        )
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
            recompute=recompute,
        )
        outputs.append(output)
    return ops.concatenate(outputs[::-1] if reverse else outputs, axis=1), state


def _recomputed(steps, cell, inputs, state, mask, reverse, training, recurrent_kernel):
    """Parts of so many steps, of which nothing is kept but the state before them."""
    length, rest = inputs.shape[1], 0
    if length is not None and length <= steps:
        return unroll(cell, inputs, state, mask, reverse, training, recurrent_kernel)
    if length is None:  # then the parts are as long as each other, by padding
        length = ops.shape(inputs)[1]
        more = -length % steps
        mask = ops.ones(ops.shape(inputs)[:2], dtype="bool") if mask is None else mask
        padded = ops.pad(inputs, ((0, 0), (0, more), (0, 0)))
        whole = {"inputs": padded, "mask": ops.pad(mask, ((0, 0), (0, more)))}
    else:
        rest = length % steps  # the last steps, a part by themselves
        whole = {"inputs": inputs} if mask is None else {"inputs": inputs, "mask": mask}
    # A tensor goes in as an argument: see `backend.api.Backend.recomputed`.
    kernels = [] if recurrent_kernel is None else [recurrent_kernel]

    def run(x, state, kernels):
        return unroll(cell, x["inputs"], state, x.get("mask"), reverse, training, *kernels)

    run_again = recomputed(run, cell.trainable_variables)

    def part(x, state):
        outputs, new = run_again(x, state, kernels)
        return outputs, list(new)

    def all_parts(state):
        x = {name: _parts(value[:, : -rest or None], steps) for name, value in whole.items()}
        outputs, state = loop(part, state, x, reverse)
        outputs = ops.swapaxes(outputs, 0, 1)
        shape = (ops.shape(outputs)[0], -1, outputs.shape[-1])
        return ops.reshape(outputs, shape), state

    def last_part(state):
        return part({name: value[:, length - rest :] for name, value in whole.items()}, state)

    if not rest:
        outputs, state = all_parts(state)
        return outputs if inputs.shape[1] is not None else outputs[:, :length], state
    outputs = []
    for one in (last_part, all_parts) if reverse else (all_parts, last_part):
        output, state = one(state)
        outputs.append(output)
    return ops.concatenate(outputs[::-1] if reverse else outputs, axis=1), state


def _parts(x, steps):
    """From `(batch, time, ...)` to `(parts, batch, steps, ...)`."""
    return ops.swapaxes(ops.reshape(x, (ops.shape(x)[0], -1, steps, *x.shape[2:])), 0, 1)


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
