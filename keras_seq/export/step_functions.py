"""The steps of a model as functions of tensors: the contract between it and its step graphs."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_seq.layers.cells import state_names
from keras_seq.layers.gates import Inspection
from keras_seq.layers.observation import observing

NEW = "new_"  # before the name of a state, in what a step returns


@dataclasses.dataclass(frozen=True)
class StepFunctions:
    """What a model computes before its first step, and at each one.

    Attributes:
        functions: from the name of each graph, in the order in which they run, to a function that
            takes tensors by name, batch first, and returns a dict of tensors. The last one is
            `"step"`, which returns each state as `new_` and its name.
        inputs: from the name of each graph to the names of its inputs, each of which is drawn or
            returned by a graph before.
        state: the names of the states.
        memory: the names of what the start returns besides, which stays the same.
        examples: inputs that are drawn, by which the graphs are compared with TensorFlow: a list
            of dicts of arrays, of unequal numbers of rows and of every other size that varies.
        about: from names of tensors to what they are.
        manifest: what there is to know besides of the model, ready for JSON.
        answer: takes the reader of what was written and returns the example of the manifest.
    """

    functions: dict[str, Callable[..., dict[str, Any]]]
    inputs: dict[str, Sequence[str]]
    state: Sequence[str]
    memory: Sequence[str]
    examples: list[dict[str, Any]]
    about: dict[str, str]
    manifest: dict[str, Any]
    answer: Callable[[Any], dict[str, Any]]


class Leaves:
    """The tensors of a nest by their names.

    Args:
        nest: one like those to come.
        prefix: what the names begin with.
        cells: the cells whose states these are, the first of them at `place` in the nest.
        place: the keys that lead to the list of their states.
    """

    def __init__(self, nest, prefix="", cells=(), place=()):
        paths = [path for path, _ in keras.tree.flatten_with_path(nest)]
        known = {
            (*place, i, k): f"layer_{i}_{name}"
            for i, cell in enumerate(cells)
            for k, name in enumerate(tensor_names(cell))
        }
        self.names = [prefix + known.get(tuple(path), _name(path)) for path in paths]
        self.structure = keras.tree.map_structure(lambda _: 0, nest)

    def flat(self, nest, before=""):
        """Return a dict of the tensors of a nest."""
        names = [before + name for name in self.names]
        return dict(zip(names, keras.tree.flatten(nest), strict=True))

    def nest(self, tensors):
        """Return the nest of a dict of tensors, which may hold others too."""
        leaves = [tensors[name] for name in self.names]
        return keras.tree.pack_sequence_as(self.structure, leaves)


def _name(path):
    name = "_".join(map(str, path))
    return name if isinstance(path[0], str) else f"state_{name}"


def tensor_names(cell):
    """Return a name for each state tensor of a cell, which every language takes for a variable."""
    return [
        f"memory_{k}" if name is None else re.sub(r"\W", "_", name)
        for k, name in enumerate(state_names(cell))
    ]


def looking_inside(step, cells):
    """Run a step, and write down what is inside of its cells.

    Args:
        step: a function without arguments.
        cells: the cells that make a step in it, from the bottom to the top.

    Returns:
        `(result, values)`: what it returns; and a dict of tensors `(batch, units)`: every gate as
        `layer_0_forget_gate` and so on, and the candidate as `layer_0_candidate`.
    """
    inspection = Inspection()
    with observing(inspection):
        result = step()
    values = {
        f"layer_{i}_{name}" + ("" if name == "candidate" else "_gate"): value
        for i, cell in enumerate(cells)
        for name, value in inspection.values.get(id(cell), {}).items()
    }
    return result, values


def in_float32(config):
    """Return what Keras has serialised with float32 for each dtype and dtype policy."""
    if isinstance(config, (list, tuple)):
        return [in_float32(value) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {**config["config"], "name": "float32"}}
    return {
        name: "float32" if name == "dtype" and isinstance(value, str) else in_float32(value)
        for name, value in config.items()
    }


def gate_about(names):
    """Return what the values of `looking_inside` are, by their names."""
    about = {}
    for name in names:
        if name.startswith("layer_") and name.endswith(("_gate", "_candidate")):
            _, i, what = name.split("_", 2)
            about[name] = f"the {what.replace('_', ' ')} of layer {i}"
    return about
