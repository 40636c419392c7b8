"""One step of a gated cell, with its gates open to view."""

import dataclasses

from keras import ops

from keras_seq.layers.cells import advance
from keras_seq.layers.observation import Observation
from keras_seq.layers.recurrences import Functions, recurrence_of


def gates_of(cell):
    """The names of the gates of `cell` that can be seen and cut out; none for a cell without.

    A cell without a `Recurrence` has them where it has `gate_names` and `call_with_gates`; see
    `layers.Cell`.
    """
    return tuple(getattr(recurrence_of(cell) or cell, "gate_names", ()))


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
    recurrence = recurrence_of(cell)
    if recurrence is None:
        return cell.call_with_gates(inputs, states, without)
    functions = _Held(**vars(recurrence.functions(cell)), without=tuple(without))
    output, states, values = recurrence.step_with_gates(cell, inputs, states, functions)
    return output, states, {name: values[name] for name in gates_of(cell)}


class Inspection(Observation):
    """Writes down the gates and the candidate of each cell that makes a single step.

    Attributes:
        values: from the `id` of each cell with gates to a dict from names to tensors
            `(batch, units)`.
    """

    def __init__(self):
        super().__init__()
        self.values = {}

    def run(self, cell, x, state, training):
        if not gates_of(cell):
            return advance(cell, x, state, training)
        recurrence = recurrence_of(cell)
        if recurrence is not None:
            functions = recurrence.functions(cell)
            output, state, values = recurrence.step_with_gates(cell, x, state, functions)
        else:
            output, state, values = cell.call_with_gates(x, state)
            if hasattr(cell, "candidate"):
                values = {**values, "candidate": cell.candidate(x)}
        self.values[id(cell)] = values
        return output, state


@dataclasses.dataclass(frozen=True)
class _Held(Functions):
    """The functions of a step in which the gates of some names are held at 1."""

    without: tuple = ()

    def gate(self, name, x):
        values = super().gate(name, x)
        return ops.ones_like(values) if name in self.without else values
