"""The inside of a model: its cells by name, and how an observation gets at them."""

import contextlib
import functools
import threading

import keras
from keras import ops

from keras_seq.layers.attention_cell import AttentionCell
from keras_seq.layers.masking import without_masked
from keras_seq.layers.observation import current_observation, observing
from keras_seq.layers.recurrent_layer import as_mask, carry_forward, last_output
from keras_seq.layers.rnn_stack import RNNStack
from keras_seq.layers.unroll import unroll

_REPLACING = threading.RLock()  # a layer has one `call`


def cells_of(model):
    """Return the cells of all recurrent layers of `model`: a dict from a name to the cell.

    The name is that of the layer; where a layer has more than one cell, it goes on with
    `/forward` and `/backward`, and with the number of the layer in a stack, from 0.
    """
    cells = {}
    for name, cell in _cells(model, model.name, set()):
        taken = sum(other.split("#")[0] == name for other in cells)
        cells[f"{name}#{taken + 1}" if taken else name] = cell
    return cells


def _cells(layer, name, seen):
    """The `(name, cell)` of a layer and of all layers inside of it, each layer once."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    if isinstance(layer, RNNStack):
        directions = [("/forward", layer.forward_cells), ("/backward", layer.backward_cells)]
        for i in range(layer.num_layers):
            for direction, cells in directions:
                if cells:
                    number = f"/{i}" if layer.num_layers > 1 else ""
                    yield name + number + (direction if layer.bidirectional else ""), cells[i]
    elif isinstance(layer, AttentionCell):
        yield from _numbered(name, layer.cells)
    elif isinstance(layer, keras.layers.Bidirectional):
        yield from _cells(layer.forward_layer, f"{name}/forward", seen)
        yield from _cells(layer.backward_layer, f"{name}/backward", seen)
    elif is_recurrent(layer):
        cell = layer.cell
        cells = cell.cells if isinstance(cell, keras.layers.StackedRNNCells) else [cell]
        yield from _numbered(name, cells)
    else:
        for inner in inner_layers(layer):
            # A decoder's attention cell has the name of the decoder.
            inside = isinstance(inner, AttentionCell) and not isinstance(layer, keras.Model)
            yield from _cells(inner, name if inside else inner.name, seen)


def _numbered(name, cells):
    return [(f"{name}/{i}" if len(cells) > 1 else name, cell) for i, cell in enumerate(cells)]


def is_recurrent(layer):
    """Whether `layer` is a layer of Keras that runs a cell over vectors."""
    return isinstance(layer, keras.layers.RNN) and not isinstance(
        layer, (keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D)
    )


def inner_layers(layer):
    """The layers that `layer` has, one level down, in the order in which it got them."""
    if isinstance(layer, keras.Model):
        return [inner for inner in layer.layers if inner is not layer]
    leaves = keras.tree.flatten([x for x in vars(layer).values() if _may_hold_layers(x)])
    return [leaf for leaf in leaves if isinstance(leaf, keras.layers.Layer)]


def _may_hold_layers(value):
    return isinstance(value, (keras.layers.Layer, list, tuple, dict))


def all_layers(model):
    """Return `model` and all layers inside of it, each once."""
    layers = {}

    def visit(layer):
        if id(layer) not in layers:
            layers[id(layer)] = layer
            for inner in inner_layers(layer):
                visit(inner)

    visit(model)
    return list(layers.values())


@contextlib.contextmanager
def observed(model, observation, tapped=()):
    """Within, `observation` sees every step of the recurrences of `model`.

    It also gets the outputs of the layers in `tapped`: what its method `output(key, tensor)`
    returns goes on in their place. What other threads do with the model meanwhile it does not see;
    another observation waits.
    """
    replaced = []

    def replace(layer, name, function):
        setattr(layer, name, function)
        replaced.append((layer, name))

    with _REPLACING:
        try:
            for layer in all_layers(model):
                if is_recurrent(layer):
                    replace(layer, "inner_loop", functools.partial(_inner_loop, layer))
            for layer in tapped:
                replace(layer, "call", _tap(layer, observation))
            with observing(observation):
                observation.begin()
                yield
        finally:
            for layer, name in replaced:
                delattr(layer, name)


def _inner_loop(layer, sequences, initial_state, mask, training=False):
    """`keras.layers.RNN.inner_loop`, in loops that an observation sees."""
    if current_observation() is None:  # in another thread
        return type(layer).inner_loop(layer, sequences, initial_state, mask, training=training)
    mask = as_mask(mask)
    truncate = getattr(layer, "truncate", None)
    stacked = isinstance(layer.cell, keras.layers.StackedRNNCells)
    cells = layer.cell.cells if stacked else [layer.cell]
    outputs = without_masked(ops.cast(sequences, cells[0].compute_dtype), mask)
    firsts = list(initial_state) if keras.tree.is_nested(initial_state) else [initial_state]
    states = []
    for cell, first in zip(cells, firsts if stacked else [firsts], strict=True):
        first = list(first) if keras.tree.is_nested(first) else [first]
        outputs, state = unroll(
            cell, outputs, first, mask, layer.go_backwards, training, truncate=truncate
        )
        states.append(state)
    last = last_output(states[-1], mask)
    if layer.return_sequences:
        if layer.go_backwards:
            outputs = ops.flip(outputs, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        if mask is not None and not layer.zero_output_for_mask:
            outputs = carry_forward(outputs, mask)
    return last, outputs, states if stacked else states[0]


def _tap(layer, observation):
    call = layer.call

    @functools.wraps(call)
    def tapped(*args, **kwargs):
        outputs = call(*args, **kwargs)
        if current_observation() is not observation:  # in another thread
            return outputs
        if not isinstance(outputs, (list, tuple)):
            return observation.output(observation.key(layer), outputs)
        first = observation.output(observation.key(layer), outputs[0])
        return type(outputs)([first, *outputs[1:]])

    return tapped
