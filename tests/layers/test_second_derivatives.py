"""Gradients of gradients: against finite differences, and against Keras's layers in `fit`."""

import os

import keras
import numpy as np
import pytest
from cases import lengths_mask
from checks import array, assert_close
from keras import ops

from keras_seq import layers
from keras_seq.layers import CRF, GRU, LSTM, Bidirectional, RNNStack, VanillaRNN, bptt
from keras_seq.layers.recurrences.gru import gru
from keras_seq.layers.recurrences.lstm import lstm
from keras_seq.layers.recurrences.vanilla import vanilla

BACKEND = keras.config.backend()
EXACT = BACKEND != "jax" or "JAX_ENABLE_X64" in os.environ
FLOAT = "float64" if EXACT else "float32"
B, T, D = 2, 3, 2
MASKS = {
    "all": None,
    "right": lengths_mask(3, 1, longest=T),
    "holes": np.array([[1, 0, 1], [0, 1, 1]], bool),
}
ALL = {"return_sequences": True, "return_state": True, "dtype": FLOAT}


def numbers(*shape, seed=0):
    """Normal numbers that belong to the shape and the seed."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(FLOAT) / 2


def value_and_gradients(function, leaves):
    """The scalar `function(leaves)` and its gradients, which have gradients themselves."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(leaves)
            value = function(leaves)
        return value, tape.gradient(value, leaves, unconnected_gradients="zero")
    if BACKEND == "jax":
        import jax

        return jax.value_and_grad(function)(leaves)
    import torch

    with torch.enable_grad():
        leaves = [x if x.requires_grad else x.detach().requires_grad_() for x in leaves]
        value = function(leaves)
        found = torch.autograd.grad(value, leaves, create_graph=True, allow_unused=True)
    found = [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]
    return value, found


def runner(function, mode):
    """`function` of a list of tensors as one of arrays."""
    if BACKEND == "tensorflow" and mode != "eager":
        import tensorflow as tf

        function = tf.function(function, jit_compile=mode == "jit", reduce_retracing=False)
    if BACKEND == "jax":
        import jax

        function = jax.jit(function)

    def run(values):
        found = function([ops.convert_to_tensor(x) for x in values])
        return [array(x.detach() if BACKEND == "torch" else x) for x in found]

    return run


@pytest.fixture
def exact_products(monkeypatch):
    """On PyTorch and JAX, Keras computes `ops.matmul` of float64 in float32."""
    if BACKEND != "tensorflow":
        tensor = ops.convert_to_tensor
        monkeypatch.setattr(ops, "matmul", lambda x, y: tensor(x) @ tensor(y))


def check(loss, values, mode="eager", rtol=1e-6):
    """Compare derivatives of the norm of the gradient of `loss` with finite differences."""

    def penalty(leaves):
        _, gradients = value_and_gradients(loss, leaves)
        return sum(ops.sum(g * g) * (1.0 + k) for k, g in enumerate(gradients))

    def both(leaves):
        value, gradients = value_and_gradients(penalty, leaves)
        return [value, *gradients]

    run = runner(both, mode)
    directions = [numbers(*x.shape, seed=7 + k) for k, x in enumerate(values)]
    step = 1e-5 if EXACT else 1e-2
    ends = [
        run([x + sign * step * v for x, v in zip(values, directions, strict=True)])[0]
        for sign in (1, -1)
    ]
    expected = (float(ends[0]) - float(ends[1])) / (2 * step)
    gradients = run(values)[1:]
    found = sum(float(np.sum(g * v)) for g, v in zip(gradients, directions, strict=True))
    scale = sum(float(np.sum(np.abs(g * v))) for g, v in zip(gradients, directions, strict=True))
    assert found == pytest.approx(expected, abs=(rtol if EXACT else 2e-2) * max(1.0, scale))
    assert abs(found) > 1e-3


def loss_of(call, variables, power):
    """A function of the weights and of the other arguments of `call` to one number.

    With `power` 1 the gradient that comes from behind is a constant.
    """

    def loss(leaves):
        leaves = list(leaves)
        mapping = list(zip(variables, leaves, strict=False))
        with keras.StatelessScope(state_mapping=mapping):
            results = call(*leaves[len(variables) :])
        total = 0.0
        for k, leaf in enumerate(keras.tree.flatten(results)):
            weights = ops.convert_to_tensor(numbers(*leaf.shape, seed=k), dtype=leaf.dtype)
            total = total + ops.sum((leaf if power == 1 else leaf * leaf) * weights)
        return total

    return loss


def check_layer(layer, states, mask, power, mode="eager", rtol=1e-6):
    """`check` of the weights of a recurrent layer, its inputs and its initial state."""
    layer.build((B, T, D))
    variables = layer.trainable_variables
    mask = None if mask is None else ops.convert_to_tensor(mask)
    firsts = keras.tree.flatten(states)

    def call(x, *firsts):
        given = {}
        if firsts:
            given["initial_state"] = keras.tree.pack_sequence_as(states, list(firsts))
        return layer(x, mask=mask, **given)

    weights = [numbers(*w.shape, seed=k) for k, w in enumerate(variables)]
    values = [*weights, numbers(B, T, D), *firsts]
    check(loss_of(call, variables, power), values, mode, rtol)


def states(*sizes):
    return [numbers(B, size, seed=k) for k, size in enumerate(sizes)]


# On PyTorch, Keras's cells compute products in float32.
INSIDE = 1e-6 if BACKEND == "tensorflow" else 1e-3
# How to make a layer, its initial state, and how exact the numbers are that Keras computes inside.
LAYERS = {
    "LSTM": (lambda: LSTM(4, **ALL), states(4, 4), 1e-6),
    "LSTM-elu": (lambda: LSTM(4, "elu", go_backwards=True, **ALL), states(4, 4), 1e-6),
    "GRU": (lambda: GRU(4, go_backwards=True, **ALL), states(4), 1e-6),
    "GRU-elu": (lambda: GRU(4, "elu", **ALL), states(4), 1e-6),
    "VanillaRNN": (lambda: VanillaRNN(4, **ALL), states(4), 1e-6),
    "VanillaRNN-elu": (lambda: VanillaRNN(4, "elu", **ALL), states(4), 1e-6),
    "Bidirectional": (lambda: Bidirectional(GRU(4, **ALL), dtype=FLOAT), states(4, 4), 1e-6),
    "RNNStack": (
        lambda: RNNStack("lstm", 4, num_layers=2, residual=True, **ALL),
        [states(4, 4), states(4, 4)],
        1e-6,
    ),
    "RNNStack-gru": (
        lambda: RNNStack("gru", 4, num_layers=2, bidirectional=True, **ALL),
        [states(4, 4), states(4, 4)],
        1e-6,
    ),
    "MinGRU": (lambda: layers.MinGRU(4, **ALL), states(4), 1e-6),
    "MinLSTM": (lambda: layers.MinLSTM(4, go_backwards=True, **ALL), states(4), 1e-6),
    "TimeSkip": (
        lambda: RNNStack(layers.TimeSkipCell("gru", skip=2, units=4, dtype=FLOAT), **ALL),
        [],
        INSIDE,
    ),
}


@pytest.mark.parametrize("power, masked", [(1, "holes"), (2, "right"), (2, "all")])
@pytest.mark.parametrize("name", LAYERS)
def test_recurrent_layers(name, power, masked, exact_products):
    if BACKEND == "jax" and masked == "right":
        pytest.skip("each case is compiled, and no path depends on the kind of mask")
    if name == "MinLSTM" and not EXACT:
        pytest.skip("its slope has a step within the wide differences of float32")
    make, first, rtol = LAYERS[name]
    check_layer(make(), first, MASKS[masked], power, rtol=rtol)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others have one path")
@pytest.mark.parametrize(
    "name, units, mode",
    [
        ("GRU-elu", 4, "graph"),
        ("MinGRU", 4, "graph"),
        ("VanillaRNN-elu", 4, "jit"),
        ("LSTM", 33, "graph"),
    ],
)
def test_in_a_graph(name, units, mode):
    make, first, rtol = LAYERS[name]
    if units != 4:  # by the loops that XLA compiles
        make, first = (lambda: LSTM(units, **ALL)), states(units, units)
    check_layer(make(), first, MASKS["holes"], 2, mode, rtol)


@pytest.mark.parametrize("recurrence", [lstm, gru, vanilla], ids=lambda one: one.name)
def test_by_hand(recurrence, exact_products):
    """The gradients by hand, which not every backend uses by itself."""
    columns = 3 * max(len(recurrence.columns), 1)
    functions = recurrence.functions(recurrence(3))
    run = bptt.by_hand(recurrence, functions, True, False)
    mask = ops.convert_to_tensor(MASKS["holes"].T)
    biases = [(columns,)] * recurrence.bias_rows
    shapes = [(T, B, D), (D, columns), (3, columns), *biases, *[(B, 3)] * len(recurrence.states)]

    def call(x, kernel, recurrent, *others):
        bias, *others = others
        recurrent_bias = others.pop(0) if recurrence.bias_rows == 2 else None
        return run(x, kernel, recurrent, bias, recurrent_bias, mask, *others)

    values = [numbers(*shape, seed=k) for k, shape in enumerate(shapes)]
    check(loss_of(call, [], 1), values)


ATTENTIONS = {
    "Bahdanau": lambda: layers.BahdanauAttention(4, dtype=FLOAT),
    "Luong": lambda: layers.LuongAttention("general", dtype=FLOAT),
}


@pytest.mark.parametrize("name, power, mode", [("Bahdanau", 1, "graph"), ("Luong", 2, "eager")])
def test_attention(name, power, mode, exact_products):
    """One query at a time in a loop, as in a decoder."""
    cell = layers.AttentionCell(["gru"], ATTENTIONS[name](), units=3, dtype=FLOAT)
    cell.build((B, D), (B, 4, D))
    source_mask = ops.convert_to_tensor(lengths_mask(4, 2, longest=4))

    def call(x, values, first):
        memory = cell.memory(values, source_mask)
        return cell.unroll(x, cell.start([[first]], memory), memory)

    variables = cell.trainable_variables
    weights = [numbers(*w.shape, seed=k) for k, w in enumerate(variables)]
    values = [*weights, numbers(B, T, D), numbers(B, 4, D), numbers(B, 3)]
    check(loss_of(call, variables, power), values, mode, INSIDE)


def test_crf():
    crf = CRF(3, dtype=FLOAT)
    crf.build((B, T, 3))
    mask = ops.convert_to_tensor(MASKS["holes"])
    tags = ops.convert_to_tensor([[0, 2, 1], [1, 1, 0]], dtype="int32")
    variables = crf.trainable_variables
    weights = [numbers(*w.shape, seed=k) for k, w in enumerate(variables)]
    loss = loss_of(lambda x: crf.log_likelihood(x, tags, mask), variables, 2)
    check(loss, [*weights, numbers(B, T, 3)])


class Penalised(keras.layers.Layer):
    """A recurrent layer that adds the norm of the gradient of its inputs to the loss."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def build(self, shape):
        self.inner.build(shape)

    def compute_output_spec(self, x, **kwargs):
        return keras.KerasTensor((x.shape[0], self.inner.units), x.dtype)

    def call(self, x):
        _, (gradient,) = value_and_gradients(lambda leaves: ops.sum(self.inner(leaves[0])), [x])
        self.add_loss(ops.mean(gradient * gradient))
        return self.inner(x)


@pytest.mark.parametrize("units", [4, 33] if BACKEND == "tensorflow" else [4])
def test_a_gradient_penalty_in_fit(units):
    """The weights after two steps are those of Keras's layer."""
    x = numbers(2, T, D).astype("float32") * 4
    y = np.ones((2, units), "float32")
    first, trained = None, []
    for layer in (keras.layers.GRU(units, unroll=True), GRU(units)):
        model = keras.Sequential([Penalised(layer)])
        model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
        model.build(x.shape)
        first = first or model.get_weights()
        model.set_weights(first)
        model.fit(x, y, epochs=2, batch_size=2, verbose=0)
        trained.append(model.get_weights())
    assert_close(trained[1], trained[0], atol=1e-5)
    assert np.abs(trained[1][0] - first[0]).max() > 1e-3
    # The penalty does something.
    plain = keras.Sequential([GRU(units)])
    plain.build(x.shape)
    plain.set_weights(first)
    plain.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False, run_eagerly=True)
    plain.fit(x, y, epochs=2, batch_size=2, verbose=0)
    assert np.abs(plain.get_weights()[0] - trained[1][0]).max() > 1e-3
