"""Zeros added to the states of a model, to find the gradient with respect to these."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_seq.layers.cells import advance
from keras_seq.layers.observation import Observation
from keras_seq.layers.recurrences import Functions, equations_of


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """What the states of one run of a cell, or the outputs of a layer, look like.

    Attributes:
        batch, steps: integers.
        sizes: for each state tensor its number of features and its dtype.
        mask: boolean `(batch, steps)`, or `None`.
    """

    batch: int
    steps: int
    sizes: list
    mask: np.ndarray | None = None

    def zeros(self):
        """What is added, and changes nothing: an array for each state tensor."""
        return [np.zeros((self.batch, self.steps, size), dtype) for size, dtype in self.sizes]


class OutputShapes(Observation):
    """Writes down what the outputs of the tapped layers look like.

    Attributes:
        found: a dict from a key to a `Shape`.
    """

    def __init__(self):
        super().__init__()
        self.found = {}

    def output(self, key, x):
        if len(x.shape) != 3:
            raise ValueError(
                "The outputs of a layer must be (batch, time, size) for a gradient at each step; "
                f"received the shape {tuple(x.shape)}."
            )
        self.found[key] = Shape(*map(int, x.shape[:2]), [_size_and_dtype(x)])
        return x


class StateShapes(OutputShapes):
    """Writes down what the states of every recurrence look like, too."""

    def __init__(self):
        super().__init__()
        self._sizes = {}

    def additions(self, cell, key, batch, steps):
        self._length = int(batch), int(steps)
        return ()

    def step(self, cell, key, x, state, addition, training):
        output, state = advance(cell, x, state, training)
        if all(output is not tensor for tensor in keras.tree.flatten(state)):
            raise ValueError(
                "The output of a cell must be one of its states, so that its gradient is that of "
                f"the state; {type(cell).__name__} returns another tensor. Put the output first in "
                "the state."
            )
        self._sizes[key] = [_size_and_dtype(x) for x in state]
        return output, state, ()

    def collect(self, cell, key, record, mask):
        mask = None if mask is None else ops.convert_to_numpy(mask).astype(bool)
        self.found[key] = Shape(*self._length, self._sizes.get(key, []), mask)


class AddedToOutputs(Observation):
    """Adds tensors to the outputs of the tapped layers.

    Args:
        added: a dict from a key to a list of tensors, as `Shape.zeros` has them.
    """

    def __init__(self, added):
        super().__init__()
        self.added = added

    def output(self, key, x):
        return x + self.added[key][0]


class AddedToStates(AddedToOutputs):
    """Adds tensors to the states of every recurrence, too."""

    def additions(self, cell, key, batch, steps):
        return self.added[key]

    def step(self, cell, key, x, state, addition, training):
        recurrence = equations_of(cell)
        if recurrence is not None and len(state) > 1:  # dL/dc_t with what comes back through h_t
            functions = _Added(**vars(recurrence.functions(cell)), added=tuple(addition))
            output, state, _ = recurrence.step_with_gates(cell, x, state, functions)
            return output, state, ()
        output, state = advance(cell, x, state, training)
        new = [tensor + more for tensor, more in zip(state, addition, strict=True)]
        place = next(i for i, tensor in enumerate(state) if tensor is output)
        return new[place], new, ()


@dataclasses.dataclass(frozen=True)
class _Added(Functions):
    """The functions of a step that add to each state before anything is made of it."""

    added: tuple = ()

    def state(self, place, new, old):
        return super().state(place, new, old) + self.added[place]


def _size_and_dtype(x):
    return int(x.shape[-1]), keras.backend.standardize_dtype(x.dtype)
