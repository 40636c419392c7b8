"""The rules that hold for every recurrent cell."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from keras_seq.layers import RNNStack
from keras_seq.layers.cells import build_cell, initial_state, output_size, state_shape, state_sizes
from keras_seq.testing.comparing import assert_close, file_copy, floats
from keras_seq.testing.layer import hold_to_rules
from keras_seq.testing.program import Program

ROWS, STEPS = 3, 5
MASK = np.arange(STEPS) < np.array([[5], [3], [1]])


def check_cell(
    make: Callable[..., keras.layers.Layer],
    features: int = 6,
    shapes: Sequence[tuple[int, ...]] | None = None,
    half: Sequence[str] = ("float16",),
) -> None:
    """Check a recurrent cell: a layer with `state_size` and `call(inputs, states)`.

    - One step keeps to the rules of `check_layer`.
    - It returns the output and a list of states of the sizes in `state_size`, in that order; the
      output is the first state.
    - In an `RNNStack` of both directions the outputs, final states and gradients are those of a
      loop that calls it step by step: a masked step leaves the state alone and gives 0.
    - A model with it survives a `.keras` file.

    Args:
        make: makes the cell; takes keyword arguments of a Keras layer, such as `dtype`.
        features: size of the inputs.
        shapes: the expected shapes of the output and of each state; those of `output_size` and
            `state_size` where `None`.
        half: the types of half precision to check.

    Raises:
        AssertionError: for the first rule that is broken.

    Example:

    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class LeakyCell(keras.layers.Layer):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units = self.state_size = self.output_size = units
    ...     def build(self, input_shape):
    ...         self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
    ...     def call(self, inputs, states, training=False):
    ...         h = 0.5 * (states[0] + ops.tanh(ops.matmul(inputs, self.kernel)))
    ...         return h, [h]
    ...     def get_config(self):
    ...         return {**super().get_config(), "units": self.units}
    >>> check_cell(lambda **k: LeakyCell(4, **k))
    """
    cell = make()
    assert hasattr(cell, "state_size"), f"{type(cell).__name__} has no `state_size`"
    sizes = [state_shape(size) for size in state_sizes(cell)]
    if shapes is None:
        shapes = [(ROWS, output_size(cell)), *[(ROWS, *size) for size in sizes]]
    inputs = {"inputs": floats(ROWS, features)}
    (output, state, *_), *_ = hold_to_rules(make, inputs, shapes, _step, half=half)(inputs)
    assert_close(state, output, rule="the first state is not the output")
    check_in_a_stack(make(), features)


def _step(cell, inputs):
    """One step from a state that is not zero and contains the cell's own initial state."""
    build_cell(cell, tuple(inputs.shape))
    return _called(cell, inputs, [x + 0.5 for x in initial_state(cell, inputs)])


def _called(cell, inputs, states):
    returned = cell(inputs, states)
    name = type(cell).__name__
    assert isinstance(returned, (tuple, list)) and len(returned) == 2, (
        f"{name} returns {type(returned).__name__}, not `(output, states)`"
    )
    output, states = returned
    assert isinstance(states, (tuple, list)), f"{name} returns no list of states"
    count = len(state_sizes(cell))
    assert len(states) == count, f"{name} returns {len(states)} states, not {count}"
    return output, list(states)


def check_in_a_stack(cell, features):
    """Check that a stack of both directions is a loop over the cell, and survives a file."""
    stack = RNNStack(cell, bidirectional=True, return_sequences=True, return_state=True)
    sequences, mask = keras.Input((STEPS, features)), keras.Input((STEPS,), dtype="bool")
    model = keras.Model([sequences, mask], stack(sequences, mask=mask)[0])
    forward, backward = stack.forward_cells[0], stack.backward_cells[0]
    backward.set_weights(forward.get_weights())
    inputs = {"inputs": floats(ROWS, STEPS, features), "mask": MASK}
    by_stack = Program(stack, lambda stack, inputs, mask: stack(inputs, mask=mask), "inputs")
    by_loop = Program(forward, _both_ways, "inputs")
    outputs, of_stack, of_inputs = by_stack(inputs)
    expected, of_cell, of_looped = by_loop(inputs)
    assert_close(outputs, expected, rule="a stack is no loop over the cell")
    half = len(of_cell)
    both = [forth + back for forth, back in zip(of_stack[:half], of_stack[half:], strict=True)]
    assert_close(both, of_cell, 1e-4, 1e-4, "the gradients of a stack are not those of a loop")
    rule = "the gradient of a stack's inputs is not that of a loop"
    assert_close(of_inputs, of_looped, 1e-4, 1e-4, rule)
    file_copy(model)


def _both_ways(cell, inputs, mask):
    """What a stack of both directions returns where both have the weights of one cell."""
    (forth, first), (back, last) = (_loop(cell, inputs, mask, order) for order in (1, -1))
    return ops.concatenate([forth, back], axis=-1), first, last


def _loop(cell, inputs, mask, order):
    state, outputs = initial_state(cell, inputs), []
    for t in range(STEPS)[::order]:
        output, new = _called(cell, inputs[:, t], state)
        state = [
            _where(mask[:, t], new_part, part) for new_part, part in zip(new, state, strict=True)
        ]
        outputs.append(_where(mask[:, t], output, ops.zeros_like(output)))
    return ops.stack(outputs[::order], axis=1), state


def _where(keep, new, old):
    return ops.where(ops.reshape(keep, (-1, *[1] * (len(new.shape) - 1))), new, old)
