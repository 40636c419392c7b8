"""Record states and gates while a model reads a sequence."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.analysis.inside import cells_of, observed
from keras_seq.layers.cells import advance, state_names
from keras_seq.layers.gates import gates_of, step_with_gates
from keras_seq.layers.observation import Observation


@dataclasses.dataclass(frozen=True, eq=False)
class Activations:
    """The values in one recurrent layer over one sequence.

    Attributes:
        layer: the name of the layer.
        tokens: the tokens of the steps, a tuple of str, or `None` where they are not known.
        values: a dict from a name (of a state or a gate) to a float32 array `(time, units)`.
    """

    layer: str
    tokens: tuple[str, ...] | Any
    values: dict

    def __repr__(self):
        shapes = ", ".join(f"{name} {value.shape}" for name, value in self.values.items())
        return f"<Activations of {self.layer!r}: {shapes}>"


def unit_activations(
    model: keras.Model,
    sequence: Any,
    target: str | None = None,
    tokens: Sequence[str] | None = None,
) -> "dict[str, Activations]":
    r"""The states of every recurrent layer of a model while it reads one sequence.

        h_t, and for an LSTM c_t, for t = 1 ... T

    Args:
        model: a model with recurrent layers, of this package or of Keras.
        sequence: a text for a task model; else one row of its inputs, without the batch axis.
        target: for a translator, the text that the decoder reads; its own greedy answer where it is
            not given.
        tokens: names of the steps, where the model has no tokenizer.

    Returns:
        A dict from the name of the layer (as in `gradient_flow`) to `Activations`, whose values
        have the names `"h"`, and `"c"` for an LSTM. Padding is left out; a backward layer stands in
        the order of the text.

    Raises:
        ValueError: for a model without recurrent layers, and for more than one sequence.

    Example:

    >>> from keras_seq.layers import LSTM
    >>> model = keras.Sequential([LSTM(4, name="lstm"), keras.layers.Dense(1)])
    >>> unit_activations(model, np.ones((9, 3), "float32"))
    {'lstm': <Activations of 'lstm': h (9, 4), c (9, 4)>}

    References:
        - Karpathy, Johnson & Fei-Fei, 2015, "Visualizing and understanding recurrent networks",
          arXiv:1506.02078.
    """
    return _activations(model, sequence, target, tokens, _States())


def gate_activations(
    model: keras.Model,
    sequence: Any,
    target: str | None = None,
    tokens: Sequence[str] | None = None,
    without: Sequence[str] = (),
) -> dict[str, Any]:
    r"""The gates of every LSTM and GRU of a model while it reads one sequence.

    A gate is between 0, shut, and 1, open: `"input"`, `"forget"`, `"output"` of an LSTM;
    `"update"` (in Keras the part of the old state that is kept) and `"reset"` of a GRU; `"input"`
    and `"forget"` of a MinLSTM; `"update"` (the part of the new value) of a MinGRU.

    Args:
        model, sequence, target, tokens: as in `unit_activations`.
        without: names of gates to cut out: they are held at 1 in all layers that have them, and the
            model reads on with that. Compare the states, or what the model says (`predictions`).

    Returns:
        A dict from the name of the layer to `Activations`, whose values are the gates and the
        states. Under the name `"predictions"` stands the output of the model, an array.

    Raises:
        ValueError: for a model without gated layers, and for an unknown gate in `without`.

    Example:

    >>> from keras_seq.layers import GRU
    >>> model = keras.Sequential([GRU(4, name="gru"), keras.layers.Dense(1)])
    >>> found = gate_activations(model, np.ones((9, 3), "float32"), without=["reset"])
    >>> found["gru"].values["update"].shape, found["predictions"].shape
    ((9, 4), (1,))

    References:
        - Greff et al., 2017, "LSTM: a search space odyssey", arXiv:1503.04069 (variants without a
          gate).
    """
    without = (without,) if isinstance(without, str) else tuple(without)
    gated = {name: gates_of(cell) for name, cell in cells_of(model).items() if gates_of(cell)}
    if not gated:
        raise ValueError(
            f"There must be a layer with gates in the model; {model.name!r} has the recurrent "
            f"layers {', '.join(cells_of(model)) or 'none'}."
        )
    known = {gate for gates in gated.values() for gate in gates}
    unknown = sorted(set(without) - known)
    if unknown:
        raise ValueError(
            f"`without` must name gates of the model, {', '.join(sorted(known))}; received "
            f"{', '.join(unknown)}."
        )
    return _activations(model, sequence, target, tokens, _Gates(without))


class _States(Observation):
    """Writes down the states.

    Attributes:
        found: a dict from a key to `(dict from a name to (steps, units), mask)` of the first row.
        predictions: what the model says of the first row.
    """

    def __init__(self):
        super().__init__()
        self.found = {}

    def step(self, cell, key, x, state, addition, training):
        output, state = advance(cell, x, state, training)
        return output, state, self._named(cell, state)

    def _named(self, cell, state):
        names = state_names(cell)
        return {name: x for name, x in zip(names, state, strict=True) if name is not None}

    def collect(self, cell, key, record, mask):
        # JAX gives back dicts in the order of the alphabet.
        order = [*gates_of(cell), *filter(None, state_names(cell))]
        rows = {
            name: np.asarray(ops.convert_to_numpy(record[name])[0], "float32")
            for name in sorted(record, key=order.index)
        }
        self.found[key] = rows, None if mask is None else ops.convert_to_numpy(mask)[0] > 0


class _Gates(_States):
    """Writes down the gates and the states, with some gates held open."""

    def __init__(self, without):
        super().__init__()
        self.without = without

    def step(self, cell, key, x, state, addition, training):
        gates = gates_of(cell)
        if not gates:
            return super().step(cell, key, x, state, addition, training)
        without = [gate for gate in self.without if gate in gates]
        output, state, values = step_with_gates(cell, x, state, without)
        return output, state, {**values, **self._named(cell, state)}


def _activations(model, sequence, target, tokens, observation):
    """Run the model over one sequence; what an observation wrote down, by the name of the layer."""
    cells = cells_of(model)
    if not cells:
        raise ValueError(f"There must be a recurrent layer in the model; {model.name!r} has none.")
    inputs, named_tokens = one_row(model, sequence, target, tokens)
    with observed(model, observation):
        predictions = model(inputs, training=False)
    names = {id(cell): name for name, cell in cells.items()}
    result = {}
    for key, (values, mask) in observation.found.items():
        name = names[key[0]] + (f"#{key[1] + 1}" if key[1] else "")
        steps = len(next(iter(values.values())))
        labels = tokens_of(named_tokens, name)
        if mask is not None:
            kept = np.flatnonzero(mask)
        else:
            kept = np.arange(steps if labels is None else min(steps, len(labels)))
        labels = None if labels is None else tuple(labels[: len(kept)])
        result[name] = Activations(name, labels, {n: value[kept] for n, value in values.items()})
    if isinstance(observation, _Gates):
        result["predictions"] = ops.convert_to_numpy(predictions)[0]
    return result


def one_row(model, sequence, target=None, tokens=None):
    """Return the inputs of a model for one sequence, with a batch axis, and the names of its steps.

    Returns:
        `(inputs, tokens)`: the second a dict from the beginning of the names of layers to a list of
        tokens.
    """
    if isinstance(sequence, str):
        if not hasattr(model, "step_tokens"):
            raise ValueError(
                f"{type(model).__name__} takes no text: give one row of its inputs, an array, and "
                "the names of its steps as `tokens`."
            )
        if target is None and getattr(model, "needs_targets", False):
            target = model.generate(sequence, sampler="greedy")
        inputs = model.as_batch([sequence], None if target is None else [target])[0]
        return inputs, model.step_tokens(inputs)
    if target is not None:
        raise ValueError("`target` goes with a text; received an array as `sequence`.")
    row = keras.tree.map_structure(lambda x: np.asarray(x)[None], sequence)
    if tokens is not None:
        steps = keras.tree.flatten(row)[0].shape[1]
        if len(tokens) != steps:
            raise ValueError(
                f"There must be a token for each of the {steps} steps; received {len(tokens)}."
            )
    return row, {} if tokens is None else {"": list(tokens)}


def tokens_of(named, name):
    """The tokens whose key is the longest beginning of `name`, or `None`."""
    fitting = [key for key in named if name.startswith(key)]
    return named[max(fitting, key=len)] if fitting else None
