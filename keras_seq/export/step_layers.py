"""The steps of recurrent layers, stacks and Sequentials, for their export as step graphs."""

import itertools

import keras
import numpy as np
from keras import layers, ops

from keras_seq.export.custom_modules import import_modules
from keras_seq.export.step_functions import NEW, Leaves, StepFunctions, looking_inside
from keras_seq.export.step_graphs import write_step_graphs
from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.cells import initial_state_of
from keras_seq.layers.crf import CRF
from keras_seq.layers.rnn_stack import RNNStack
from keras_seq.layers.stepper import single_stepper

# What computes the same at each step, whatever stands at the others.
POINTWISE = (
    *(layers.Dense, layers.Embedding, layers.TimeDistributed, layers.Identity, layers.Rescaling),
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax),
    *(layers.LayerNormalization, layers.RMSNormalization, layers.BatchNormalization),
    *(layers.Dropout, layers.SpatialDropout1D, layers.GaussianDropout, layers.GaussianNoise),
    CRF,
)
_ABOUT = {
    "rows": "one number for each row, whatever it is",
    "inputs": "one step of the inputs",
    "token_ids": "the tokens that are read, one in each row",
    "outputs": "what the last layer gives at this step",
}


def write_layer(read):
    """Make a layer of its config and weights and write its step graphs; see `export_step`."""
    task = read()
    import_modules(task["modules"])
    thing = keras.saving.deserialize_keras_object(task["config"])
    if not thing.built:
        thing.build((None, None, task["features"]))
    with np.load(task["weights"]) as arrays:
        thing.set_weights([arrays[name] for name in arrays.files])
    steps = layer_steps(thing, task["features"], task["inspect"])
    report = write_step_graphs(task["folder"], steps, thing.weights, task["backend"])
    return {"report": report, "warnings": []}


def layer_steps(thing, features, inspect=False):
    """Return the `StepFunctions` of a layer or a Sequential.

    Args:
        thing: a built layer.
        features: the size of a step of its inputs; `None` for token ids.
        inspect: whether a step shows gates and candidates too.
    """
    parts = parts_of(thing)
    recurrent = [part for part in parts if is_recurrent(part)]
    cells = [cell for part in recurrent for cell in _cells(part)]
    leaves = Leaves(_start(recurrent, 1), cells=cells)
    fed = "token_ids" if features is None else "inputs"
    flat = [part.return_sequences for part in recurrent]

    def step(**tensors):
        state = leaves.nest(tensors)

        def run():
            return _step(parts, tensors[fed], state)

        (outputs, new), seen = looking_inside(run, cells) if inspect else (run(), {})
        return {"outputs": outputs, **seen, **leaves.flat(new, NEW)}

    def start(rows):
        return leaves.flat(_start(recurrent, ops.shape(rows)[0]))

    def answer(reader):
        state, memory = reader.start()
        outputs, _ = reader.step(drawn[0][fed], state, memory)
        return {fed: drawn[0][fed].tolist(), "outputs": outputs.tolist()}

    draw, drawn = np.random.default_rng(0), []
    for rows in (1, 3):
        ids = draw.integers(1, 2, rows).astype("int32")
        values = ids if features is None else draw.normal(size=(rows, features)).astype("float32")
        drawn.append({"rows": ids, fed: values})
    manifest = {"kind": "layer", "class": type(thing).__name__, "returns_sequences": all(flat)}
    if isinstance(parts[-1], CRF):
        scores = (ops.convert_to_numpy(x) for x in parts[-1].potentials("float32"))
        manifest["chain"] = dict(zip(("transitions", "start", "end"), scores, strict=True))
    inputs = {"start": ("rows",), "step": (fed, *leaves.names)}
    functions = {"start": start, "step": step}
    return StepFunctions(functions, inputs, leaves.names, (), drawn, _ABOUT, manifest, answer)


def parts_of(thing):
    """The layers of a Sequential, or a layer by itself, which make a step one after the other.

    Raises:
        ValueError: for a layer that has no step, and where none is recurrent.
    """
    if isinstance(thing, keras.Sequential):
        parts = [part for layer in thing.layers for part in _parts(layer)]
    else:
        parts = _parts(thing)
    if not any(map(is_recurrent, parts)):
        raise ValueError(
            "`layer_or_model` must be a recurrent layer, a RNNStack, a Sequential with one of "
            f"these, or a task model; received {thing!r}."
        )
    return parts


def _parts(layer):
    if isinstance(layer, keras.Sequential):
        return [part for inner in layer.layers for part in _parts(inner)]
    both = isinstance(layer, (Bidirectional, layers.Bidirectional))
    if both or getattr(layer, "bidirectional", False) or getattr(layer, "go_backwards", False):
        raise ValueError(
            f"{layer.name} reads from the right, and so has no steps from the left to export: "
            "train a layer that reads from the left alone."
        )
    if is_recurrent(layer) or _is_pointwise(layer):
        return [layer]
    raise ValueError(
        f"{layer.name}, a {type(layer).__name__}, is not known to compute the same at each step, "
        "whatever stands at the others. One that does so goes into a TimeDistributed; else there "
        "is no step to export."
    )


def is_recurrent(layer):
    """Whether a layer has a state."""
    return isinstance(layer, (RNNStack, layers.RNN))


def _is_pointwise(layer):
    if not isinstance(layer, POINTWISE):
        return False
    if not hasattr(layer, "axis"):
        return True
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    return all(axis in (-1, 2) for axis in axes)


def _cells(layer):
    return layer.forward_cells if isinstance(layer, RNNStack) else [layer.cell]


def _start(recurrent, rows):
    """The states of all cells, a list."""
    return [
        state
        for layer in recurrent
        for state in (
            layer.start(rows)
            if isinstance(layer, RNNStack)
            else [initial_state_of(layer.cell, rows)]
        )
    ]


def _step(parts, x, state):
    """`(outputs, states)` of one step through all layers."""
    states, new, sequence = iter(state), [], True
    for part in parts:
        if isinstance(part, RNNStack):
            own = list(itertools.islice(states, part.num_layers))
            x, changed = part.step(x, own)
            new += changed
        elif isinstance(part, layers.RNN):
            x = ops.cast(x, part.cell.compute_dtype)
            x, changed = single_stepper(part.cell).step(x, [], next(states))
            new.append(changed)
        elif sequence:
            x = part(x[:, None], training=False) if _knows(part) else part(x[:, None])
            x = x[:, 0]
        else:
            x = part(x, training=False) if _knows(part) else part(x)
        if is_recurrent(part):
            sequence = part.return_sequences
    return x, new


def _knows(layer):
    return getattr(layer, "_call_has_training_arg", False)
