"""Backpropagation through time by hand is that of the loop over the cell."""

import functools

import keras
import numpy as np
import pytest
from cases import MASK, B, D, S, floats
from checks import assert_close, weighted_sum
from keras import ops

from keras_seq.backend import compiled, gradient, hand_gradient_pays, portable
from keras_seq.layers import CELLS, LSTM, VanillaRNNCell, bptt
from keras_seq.layers import unroll as unrolling
from keras_seq.layers.recurrences import Recurrence, recurrence_of
from keras_seq.layers.recurrences.vanilla import SLOPES
from keras_seq.layers.unroll import _by_hand, _general, unroll

pytestmark = pytest.mark.every_backend

BACKEND = keras.config.backend()
UNITS = 32  # as many as pay where a compiler has to be paid for

KINDS = [kind for kind in CELLS.values() if isinstance(kind, Recurrence) and kind.has_back(kind(1))]
LINES = {
    **{kind.name: (kind.cell_type, {}) for kind in KINDS},
    **{f"{kind.name}-no-bias": (kind.cell_type, {"use_bias": False}) for kind in KINDS},
    **{
        f"vanilla-{activation.__name__}": (VanillaRNNCell, {"activation": activation})
        for activation in SLOPES
        if activation is not keras.activations.tanh  # which is the default
    },
}
MASKS = {
    "right": MASK,
    "left": MASK[:, ::-1].copy(),
    "holes": np.array([[0, 1, 0, 1, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool),
    "nothing": np.zeros_like(MASK),
}


@pytest.fixture
def backward_steps(monkeypatch):
    """A list with the name of the recurrence for each step back that is computed or traced."""
    steps = []

    def noted(back):
        def note(self, *args):
            steps.append(self.name)
            return back(self, *args)

        return note

    for kind in map(type, KINDS):
        monkeypatch.setattr(kind, "back", noted(kind.back))
    bptt.by_hand.cache_clear()  # else an older trace serves, and nothing is noted
    yield steps
    bptt.by_hand.cache_clear()  # what was traced here notes


def made(name, units):
    """The built cell of one of `LINES`, none of its weights 0."""
    cell, options = LINES[name]
    cell = cell(units, bias_initializer="normal", **options)
    cell.build((B, D))
    return cell


def point(cell):
    """Everything that has a gradient; the initial state is not 0."""
    states = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
    return {
        "weights": [w.value for w in cell.trainable_variables],
        "inputs": ops.convert_to_tensor(floats(B, S, D)),
        "state": [ops.convert_to_tensor(floats(k + 2, B, n)[-1]) for k, n in enumerate(states)],
    }


def by_hand(cell, inputs, state, mask, reverse):
    recurrence = recurrence_of(cell)
    weights = recurrence.weights(cell)
    return _by_hand(recurrence, cell, inputs, state, weights, mask, reverse)


def general(cell, inputs, state, mask, reverse):
    return _general(cell, inputs, state, mask, reverse, False)


def results(run, cell, reverse, nest, mask=None):
    """Outputs, last state, and the gradients of all of them with respect to all of `nest`."""

    def call(nest):
        values = list(zip(cell.trainable_variables, nest["weights"], strict=True))
        with keras.StatelessScope(state_mapping=values):
            return run(cell, nest["inputs"], nest["state"], mask, reverse)

    return call(nest), gradient(lambda nest: weighted_sum(call(nest)), nest)[1]


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("name", LINES)
def test_by_hand_is_the_loop_over_the_cell(name, reverse, backward_steps):
    cell = made(name, 4)
    nest = point(cell)

    def paths():
        # JAX compiles for no mask and for any mask: two programs for each path.
        whole = [functools.partial(results, run, cell, reverse) for run in (by_hand, general)]
        return [compiled(one) for one in whole] if BACKEND == "jax" else whole

    hand, loop = paths()
    for mask in (None, *MASKS.values()):
        args = (nest,) if mask is None else (nest, ops.convert_to_tensor(mask))
        found = hand(*args)
        assert len(backward_steps) > 0
        noted = len(backward_steps)
        expected = loop(*args)
        assert len(backward_steps) == noted
        assert_close(found, expected)
        assert len(keras.tree.flatten(found[1])) == len(keras.tree.flatten(nest))


def test_every_activation_with_a_slope_has_its_derivative():
    x = ops.convert_to_tensor(floats(40))
    for activation, slope in SLOPES.items():
        _, expected = gradient(lambda x, f=activation: ops.sum(f(x)), x)
        assert_close(slope(activation(x)), expected)


@pytest.mark.skipif(BACKEND == "torch", reason="it has kernels of its own")
@pytest.mark.parametrize(
    "name, mask, reverse",
    [("lstm", "right", True), ("gru", "holes", False), ("vanilla-relu", None, True)],
)
def test_unroll_goes_by_hand_inside_a_graph(name, mask, reverse, backward_steps):
    cell = made(name, UNITS)
    nest = point(cell)
    mask = None if mask is None else ops.convert_to_tensor(MASKS[mask])

    def both(run):
        def flat(*leaves):
            nested = keras.tree.pack_sequence_as(nest, leaves)
            return results(run, cell, reverse, nested, mask)

        return compiled(flat)(*keras.tree.flatten(nest))

    expected = both(general)
    assert backward_steps == []
    found = both(unroll)
    assert set(backward_steps) == {recurrence_of(cell).name}
    assert_close(found, expected)


def test_a_model_without_a_length_trains_as_with_the_layer_of_keras(backward_steps):
    """Two batches of different lengths, a step of SGD on each."""

    def model(layer):
        inputs = keras.Input((None, D))
        hidden = layer(UNITS, return_sequences=True)(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
        return model

    ours, theirs = model(LSTM), model(keras.layers.LSTM)
    theirs.set_weights(ours.get_weights())
    for length in (3, 19):  # the second is not one of the lengths that are compiled
        x, y = floats(B, length, D), floats(B, length, 1)
        before = ours.get_weights()
        losses = ours.train_on_batch(x, y), theirs.train_on_batch(x, y)
        assert losses[0] == pytest.approx(losses[1], abs=1e-5)
        assert_close(ours.get_weights(), theirs.get_weights())
        assert all(np.any(w != old) for w, old in zip(ours.get_weights(), before, strict=True))
    assert set(backward_steps) == (set() if BACKEND == "torch" else {"lstm"})


def test_few_units_and_other_activations_do_not_go_by_hand(monkeypatch):
    def refuse(*args):
        raise AssertionError("by hand")

    monkeypatch.setattr(unrolling, "_by_hand", refuse)
    monkeypatch.setattr(unrolling, "hand_gradient_pays", lambda units: units >= UNITS)
    x = ops.convert_to_tensor(floats(B, S, D))
    mask = ops.convert_to_tensor(MASKS["holes"])  # no fused kernel serves it
    for units, options in [(4, {}), (UNITS, {"activation": "relu"})]:
        cell = keras.layers.LSTMCell(units, **options)
        cell.build((B, D))
        state = [ops.zeros((B, units))] * 2
        assert_close(unroll(cell, x, state, mask), _general(cell, x, state, mask, False, False))
    cell = keras.layers.LSTMCell(UNITS)
    cell.build((B, D))
    with pytest.raises(AssertionError, match="by hand"):
        unroll(cell, x, [ops.zeros((B, UNITS))] * 2, mask)


def test_portable_changes_no_number():
    cell = made("lstm", UNITS)
    x, state = floats(B, S, D), [floats(k + 2, B, UNITS)[-1] for k in range(2)]

    def run(x, *state):
        return unroll(cell, x, list(state))

    args = [ops.convert_to_tensor(x), *(ops.convert_to_tensor(s) for s in state)]
    outside = compiled(run, cell.variables)(*args)
    pays = hand_gradient_pays(UNITS)
    with portable():
        assert_close(compiled(run, cell.variables)(*args), outside)
    assert hand_gradient_pays(UNITS) is pays


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only its graphs have parts for a compiler")
def test_portable_graphs_have_no_part_for_a_compiler():
    import tensorflow as tf

    cell = made("lstm", UNITS)

    def parts():
        """How many functions of a new graph XLA must compile."""

        @tf.function
        def run(x):
            state = [tf.zeros((B, UNITS))] * 2
            return gradient(lambda x: ops.sum(unroll(cell, x, state)[0]), x)

        graph = run.get_concrete_function(tf.TensorSpec((B, None, D))).graph
        functions = graph.as_graph_def().library.function
        return sum(function.attr["_XlaMustCompile"].b for function in functions)

    assert parts() >= 2  # there and back
    with portable():
        assert parts() == 0
        with portable():
            assert parts() == 0
        assert parts() == 0
    with pytest.raises(KeyError), portable():
        raise KeyError
    assert parts() >= 2
