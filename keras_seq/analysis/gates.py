"""One step of a gated cell, with its gates open to view."""

import dataclasses

from keras import ops

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
    return recurrence.step_with_gates(cell, inputs, states, functions)


@dataclasses.dataclass(frozen=True)
class _Held(Functions):
    """The functions of a step in which the gates of some names are held at 1."""

    without: tuple = ()

    def gate(self, name, x):
        values = super().gate(name, x)
        return ops.ones_like(values) if name in self.without else values
