"""One step of a cell after the other, in a loop whose inputs are known before it or only inside."""

from keras import ops

from keras_seq.backend import fused_step, product
from keras_seq.layers.cells import advance, has_dropout
from keras_seq.layers.observation import current_observation
from keras_seq.layers.recurrences import equations_of


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
    recurrence = None if training and has_dropout(cell) else equations_of(cell)
    if recurrence is None:
        return CellStepper(cell, training)
    return HoistedStepper(recurrence, cell, hoisted)


def single_stepper(cell, training=False):
    """Return how to make one step of a built `cell` by itself; see `stepper`."""
    observed = current_observation() is not None
    return (ObservedStepper if observed else CellStepper)(cell, training)


class CellStepper:
    """A loop over the cell itself; see `stepper`."""

    matrices = ()

    def __init__(self, cell, training):
        self.cell = cell
        self.training = training

    def project(self, inputs):
        return inputs

    def step(self, x, inside, state):
        return advance(self.cell, _joined(x, inside), list(state), self.training)


class ObservedStepper(CellStepper):
    """The same, in a loop of `observed_scan`: the observation makes the steps."""

    def step(self, x, inside, state):
        return current_observation().run(self.cell, _joined(x, inside), state, self.training)


class HoistedStepper:
    """A loop with one product of what is not known before it; see `stepper`."""

    def __init__(self, recurrence, cell, hoisted, weights=None):
        weights = weights or recurrence.weights(cell)
        kernel, recurrent_kernel, self.bias, self.recurrent_bias = weights
        self.outer = kernel[:hoisted]
        inside = kernel[hoisted:]
        self.recurrence = recurrence
        self.functions = recurrence.functions(cell)
        usual = recurrence.has_usual_activations(cell)
        self.fused_step = fused_step(recurrence.fused) if usual else None
        if recurrence.needs_inner:  # what comes from h is changed before it meets the rest
            self.matrices = [inside, recurrent_kernel]
        else:
            self.matrices = [ops.concatenate([inside, recurrent_kernel], axis=0)]

    def project(self, inputs):
        projected = ops.matmul(inputs, self.outer)
        return projected if self.bias is None else projected + self.bias

    def step(self, x, inside, state):
        if x is None:
            x = 0.0 if self.bias is None else self.bias
        inner = None
        if not self.recurrence.needs_inner:
            x = x + _product([*inside, state[0]], self.matrices[0])
        else:
            if inside:
                x = x + _product(inside, self.matrices[0])
            inner = product(state[0], self.matrices[1])
            if self.recurrent_bias is not None:
                inner = inner + self.recurrent_bias
        if self.fused_step is None:
            state, _ = self.recurrence.step(x, inner, state, self.functions)
        else:
            state = self.fused_step(x, inner, state)
        return state[0], state


class OwnDtypeStepper:
    """A stepper of a cell inside of a layer of another compute dtype.

    The state stays in the dtype of the cell; inputs are cast to it, the output is cast from it.
    """

    def __init__(self, inner, cell, dtype):
        self.inner = inner
        self.cell_dtype = cell.compute_dtype
        self.dtype = dtype

    @property
    def matrices(self):
        return self.inner.matrices

    def project(self, inputs):
        return self.inner.project(ops.cast(inputs, self.cell_dtype))

    def step(self, x, inside, state):
        x = None if x is None else ops.cast(x, self.cell_dtype)
        inside, state = (
            [ops.cast(tensor, self.cell_dtype) for tensor in part] for part in (inside, state)
        )
        output, state = self.inner.step(x, inside, state)
        return ops.cast(output, self.dtype), state


def _product(parts, matrix):
    return product(parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1), matrix)


def _joined(x, inside):
    """The inputs of a cell: those known before a loop, if any, and those known inside."""
    parts = list(inside) if x is None else [x, *inside]
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
