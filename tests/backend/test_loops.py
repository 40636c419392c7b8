"""Loops whose weight gradients wait for one product, and the parts of their steps."""

import collections

import keras
import numpy as np
import pytest
from cases import B, S, U, floats, lengths_mask
from checks import array, assert_close, log_softmax, sigmoid, weighted_sum
from keras import ops

from keras_seq.backend import (
    additive_scores,
    compiled,
    cross_entropy,
    custom_gradient,
    fused_step,
    gradient,
    loop,
    predictions,
    product,
    scan,
)
from keras_seq.layers.recurrences.gru import gru
from keras_seq.layers.recurrences.lstm import lstm
from keras_seq.models import Perplexity, TokenAccuracy, TokenCrossEntropy

pytestmark = pytest.mark.every_backend

BACKEND = keras.config.backend()
K = 2  # keys of each row
MASK = ops.convert_to_tensor(lengths_mask(4, 2, 0))
# What the steps below multiply with, and what they take from outside without that.
NEST = {
    "matrix": floats(U, U) / 2,
    "rows": floats(B, U, U) / 2,
    "variable": floats(U, U + 1)[:, :U] / 2,
    "bias": floats(U),
    "keys": floats(B, K, U),
    "inputs": floats(B, S, U),
    "state": floats(B, U),
}


def plain(left, right):
    """What `product` computes."""
    right = ops.convert_to_tensor(right)
    return ops.matmul(left[:, None], right)[:, 0] if len(right.shape) == 3 else left @ right


def tensors(nest):
    return keras.tree.map_structure(ops.convert_to_tensor, nest)


def with_steps(number):
    return tensors({**NEST, "inputs": NEST["inputs"][:, :number]})


def make_loss(multiply, declared=("matrix", "rows"), wanted="all", masked=True):
    """A function from `NEST` to one number: a loop with five products in each step."""
    variable = keras.Variable(NEST["variable"])

    def loss(nest):
        nest = tensors({**NEST, **nest})

        def step(x, state):
            (h,) = state
            x, valid = x
            z = multiply(h, nest["matrix"]) + nest["bias"]
            z = z + multiply(ops.tanh(x), nest["matrix"])
            z = z + multiply(h, nest["rows"])
            meeting = multiply(h[:, None] * nest["keys"], variable)  # (B, K, U)
            new = ops.tanh(z + ops.sum(meeting, axis=1) + multiply(x, variable))
            if masked:
                new = ops.where(valid[:, None], new, h)
            return {"h": new, "meeting": meeting}, [new]

        with keras.StatelessScope(state_mapping=[(variable, nest["variable"])]):
            steps = (nest["inputs"], MASK[:, : nest["inputs"].shape[1]])
            outputs, state = scan(step, [nest["state"]], steps, [nest[name] for name in declared])
        return weighted_sum(state if wanted == "last" else [outputs, state])

    return loss


def value_and_gradients(loss, nest, graph=None):
    """Both as one list; in a graph where that is quicker, or as asked."""
    if graph is None:
        graph = BACKEND == "jax"
    names = sorted(nest)

    def run(*leaves):
        value, gradients = gradient(loss, dict(zip(names, leaves, strict=True)))
        return [value, *(gradients[name] for name in names)]

    return (compiled(run) if graph else run)(*(nest[name] for name in names))


graphs = pytest.mark.parametrize(
    "graph", [True] if BACKEND == "jax" else [False] if BACKEND == "torch" else [False, True]
)


@graphs
@pytest.mark.parametrize(
    "declared", [("matrix", "rows"), ("rows",), ()], ids=["both", "one", "none"]
)
def test_gradients_are_those_of_plain_products(declared, graph):
    nest = tensors(NEST)
    found = value_and_gradients(make_loss(product, declared), nest, graph)
    expected = value_and_gradients(make_loss(plain), nest, graph)
    assert_close(found, expected)
    assert all(array(x).any() for x in found)


@pytest.mark.parametrize("steps", [0, 1])
def test_few_steps(steps):
    nest = with_steps(steps)
    found = value_and_gradients(make_loss(product), nest)
    assert_close(found, value_and_gradients(make_loss(plain), nest))
    of_matrix = found[1 + sorted(nest).index("matrix")]
    assert array(of_matrix).any() == bool(steps)


@graphs
def test_only_the_last_state_is_wanted(graph):
    nest = tensors(NEST)
    found = value_and_gradients(make_loss(product, wanted="last"), nest, graph)
    assert_close(found, value_and_gradients(make_loss(plain, wanted="last"), nest, graph))


@pytest.mark.parametrize("constant", ["matrix", "rows", "variable"])
def test_a_matrix_without_a_gradient(constant):
    nest = {name: x for name, x in tensors(NEST).items() if name != constant}
    found = value_and_gradients(make_loss(product), nest)
    assert_close(found, value_and_gradients(make_loss(plain), nest))


def test_two_calls_do_not_add_up():
    nest, loss, plain_loss = tensors(NEST), make_loss(product), make_loss(plain)
    first, second = value_and_gradients(loss, nest), value_and_gradients(loss, nest)
    assert_close(first, second)

    def twice(loss):
        return lambda nest: loss(nest) + loss({**nest, "inputs": 2.0 * nest["inputs"]})

    found, expected = (value_and_gradients(twice(one), nest) for one in (loss, plain_loss))
    assert_close(found, expected)


def test_the_gradient_of_a_variable_that_is_trained():
    """The variable itself, not a tensor in its place: a layer in a step of training."""

    class Looping(keras.layers.Layer):
        def __init__(self, multiply):
            super().__init__()
            self.multiply = multiply

        def build(self, shape):
            self.matrix = self.add_weight(shape=(U, U), initializer="zeros")

        def call(self, inputs):
            def step(x, state):
                h = ops.tanh(self.multiply(state[0] + x, self.matrix) + x)
                return h, [h]

            return scan(step, [ops.zeros_like(inputs[:, 0])], inputs)[0]

    found = []
    for multiply in (product, plain):
        inputs = keras.Input((None, U))
        model = keras.Model(inputs, Looping(multiply)(inputs))
        model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
        model.set_weights([NEST["matrix"]])
        model.train_on_batch(NEST["inputs"], floats(S, B, U).swapaxes(0, 1))
        model.train_on_batch(NEST["inputs"][:, :2], floats(2, B, U).swapaxes(0, 1))
        found.append(model.get_weights())
    assert_close(*found)
    assert np.abs(found[0][0] - NEST["matrix"]).max() > 1e-3


@graphs
def test_a_loop_inside_a_step(graph):
    """Each loop has a matrix of its own, both use a third, and one closes over the other's."""

    def make(multiply):
        variable = keras.Variable(NEST["variable"])

        def loss(nest):
            def step(x, state):
                (h,) = state
                x, valid = x

                def inner_step(key, inner):
                    q = multiply(inner[0] + key, nest["rows"]) + multiply(h, nest["matrix"])
                    q = ops.tanh(q + multiply(key, variable) + nest["bias"])
                    q = ops.where(valid[:, None], q, inner[0])
                    return q, [q]

                h = ops.tanh(multiply(h, nest["matrix"]) + x)
                seen, (q,) = scan(inner_step, [h], nest["keys"], [nest["rows"]])
                h = ops.tanh(multiply(q, nest["matrix"]) + multiply(h, variable))
                return ops.sum(seen, axis=1) + h, [h]

            with keras.StatelessScope(state_mapping=[(variable, nest["variable"])]):
                steps = nest["inputs"], MASK
                return weighted_sum(scan(step, [nest["state"]], steps, [nest["matrix"]]))

        return loss

    nest = tensors(NEST)
    found = value_and_gradients(make(product), nest, graph)
    assert_close(found, value_and_gradients(make(plain), nest, graph))
    assert all(array(x).any() for x in found)


def test_a_product_outside_any_loop():
    scan(lambda x, state: (product(x, NEST["matrix"]), state), [], tensors(NEST["inputs"]))
    variable = keras.Variable(NEST["variable"])
    for left, right in [("state", "matrix"), ("state", "rows"), ("keys", "matrix")]:
        nest = tensors({"left": NEST[left], "right": NEST[right]})
        found, expected = (
            value_and_gradients(
                lambda nest, f=f: weighted_sum(f(nest["left"], nest["right"])), nest
            )
            for f in (product, plain)
        )
        assert_close(found, expected)
    assert_close(
        product(ops.convert_to_tensor(NEST["state"]), variable), NEST["state"] @ NEST["variable"]
    )


def test_a_step_that_fails_leaves_nothing_behind():
    def fail(x, state):
        raise KeyError

    x, matrix = tensors(NEST["inputs"]), tensors(NEST["matrix"])
    with pytest.raises(KeyError):
        scan(fail, [x[:, 0]], x, [matrix])
    assert_close(product(x[:, 0], matrix), NEST["inputs"][:, 0] @ NEST["matrix"])


def test_values_inside_compiled():
    names = sorted(NEST)

    loss = make_loss(product)
    found = compiled(lambda *leaves: loss(dict(zip(names, leaves, strict=True))))(
        *(ops.convert_to_tensor(NEST[name]) for name in names)
    )
    assert_close(found, make_loss(plain)(NEST))


@pytest.mark.skipif(BACKEND == "torch", reason="it compiles nothing")
def test_the_gradient_of_what_is_compiled():
    """The rules of the gradient are run when the function itself has been traced."""
    nest = tensors(NEST)
    names = sorted(nest)
    loss = make_loss(product)
    run = compiled(lambda *leaves: loss(dict(zip(names, leaves, strict=True))))
    value, found = gradient(lambda nest: run(*(nest[name] for name in names)), nest)
    expected = value_and_gradients(make_loss(plain), nest)
    assert_close([value, *(found[name] for name in names)], expected)


@pytest.mark.skipif(BACKEND != "torch", reason="the names of the steps of autograd")
@pytest.mark.parametrize("declared", [("matrix", "rows"), ()], ids=["declared", "not"])
def test_products_wait_on_torch(declared):
    leaves = {name: x.requires_grad_() for name, x in tensors(NEST).items()}
    nodes, names = [make_loss(product, declared)(leaves).grad_fn], collections.Counter()
    seen = set()
    while nodes:
        node = nodes.pop()
        if node is not None and node not in seen:
            seen.add(node)
            names[node.name()] += 1
            nodes += [one for one, _ in node.next_functions]
    assert names["_TokenBackward"] == len(declared) + 1  # and the variable
    assert names["_ProductBackward"] == (5 if declared else 2) * S


@pytest.mark.skipif(BACKEND != "torch", reason="other backends have no graph to go back twice")
def test_one_graph_gone_back_twice_on_torch():
    import torch

    def parts(multiply):
        nest = {name: x.clone().requires_grad_() for name, x in tensors(NEST).items()}
        loss, rest = make_loss(multiply)(nest), list(nest.values())
        of_state = torch.autograd.grad(loss, nest["state"], retain_graph=True)
        again = torch.autograd.grad(loss, rest, retain_graph=True)
        return [*of_state, *again, *torch.autograd.grad(loss, rest)]

    assert_close(parts(product), parts(plain))


@pytest.mark.skipif(BACKEND != "jax", reason="the loops of a program of JAX")
def test_products_wait_on_jax():
    import jax

    def carried(loss):
        """The shapes of all that the loops of a step of training carry along."""
        shapes = set()

        def look(found):
            if hasattr(found, "eqns"):
                for step in found.eqns:
                    if step.primitive.name == "scan":
                        first = step.params["num_consts"]
                        state = step.invars[first : first + step.params["num_carry"]]
                        shapes.update(x.aval.shape for x in state)
                    look(list(step.params.values()))
            elif isinstance(found, (list, tuple)):
                for one in found:
                    look(one)

        look(jax.make_jaxpr(jax.grad(loss))(tensors(NEST)))
        return shapes

    matrices = {(U, U), (B, U, U)}
    assert matrices <= carried(make_loss(plain))  # a sum of gradients, one more at each step
    assert (B, U, U) in carried(make_loss(product, declared=("matrix",)))
    assert not matrices & carried(make_loss(product))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the graph of TensorFlow")
def test_products_wait_on_tensorflow():
    import tensorflow as tf

    def summed(loss):
        """How many products in the loops of a step of training are a matrix's gradient."""
        names = sorted(NEST)

        @tf.function
        def run(*leaves):
            return gradient(loss, dict(zip(names, leaves, strict=True)))

        graph = run.get_concrete_function(*(tensors(NEST)[name] for name in names)).graph
        graph = graph.as_graph_def()
        functions = {function.signature.name: function for function in graph.library.function}
        nodes = [*graph.node, *(n for function in functions.values() for n in function.node_def)]
        bodies = {n.attr["body"].func.name for n in nodes if n.op in ("While", "StatelessWhile")}
        count = 0
        for body in bodies:
            by_name = {node.name: node for node in functions[body].node_def}
            wanted, seen = [*functions[body].ret.values()], set()
            while wanted:  # the others are not computed
                name = wanted.pop().lstrip("^").split(":")[0]
                if name in by_name and name not in seen:
                    seen.add(name)
                    wanted += by_name[name].input
                    attributes = by_name[name].attr
                    count += attributes["transpose_a"].b or attributes["adj_x"].b
        return count

    assert summed(make_loss(plain)) == 5
    assert summed(make_loss(product, declared=("matrix",))) == 1
    assert summed(make_loss(product)) == 0


def test_loop_is_time_first_and_runs_both_ways():
    x = ops.convert_to_tensor(floats(S, B, U))

    def step(x, state):
        h = 0.5 * state["h"] + x["x"]
        return [h, ops.sum(h, axis=-1)], {"h": h}

    for reverse in (False, True):
        (outputs, sums), state = loop(step, {"h": ops.ones((B, U))}, {"x": x}, reverse)
        h, expected = np.ones((B, U)), [None] * S
        for t in reversed(range(S)) if reverse else range(S):
            expected[t] = h = 0.5 * h + floats(S, B, U)[t]
        assert_close(outputs, np.stack(expected))
        assert_close(sums, np.stack(expected).sum(-1))
        assert_close(state["h"], h)


def test_a_gradient_of_its_own():
    """Not that of the function, so that it is seen whose it is."""

    def forward(keep, x, nothing, flag):
        assert nothing is None
        return (ops.where(flag, x * x, x), 3.0 * x), {"x": x, "rest": [flag, None]}

    def backward(kept, first, second):
        flag, _ = kept["rest"]
        return ops.where(flag, 10.0 * first, kept["x"] * second), None, None

    function = custom_gradient(forward, backward)
    x = floats(6)
    flag = np.array([1, 0, 1, 0, 1, 0], bool)

    def loss(x):
        one, other = function(x, None, ops.convert_to_tensor(flag))
        return ops.sum(one) + 2.0 * ops.sum(other)

    def run(x):
        return gradient(loss, x)

    runs = [run] if BACKEND == "torch" else [run, compiled(run)]
    for run in runs:
        value, found = run(ops.convert_to_tensor(x))
        assert float(value) == pytest.approx(np.where(flag, x * x, x).sum() + 6 * x.sum(), abs=1e-4)
        assert_close(found, np.where(flag, 10.0, 2.0 * x).astype("float32"))


def test_additive_scores():
    query, keys, scale = floats(B, 1, U), floats(B, S, U), floats(U, 1)

    def by_ops(query, keys, scale):
        return ops.sum(scale[:, 0] * ops.tanh(query + keys), axis=-1)[:, None]

    assert_close(
        additive_scores(*tensors([query, keys, scale])),
        (np.tanh(query + keys) @ scale)[:, None, :, 0],
    )
    assert_same_gradients(additive_scores, by_ops, query, keys, scale)


def one_step(recurrence, outer, inner, state):
    """The state after one step, in one operation where the backend has that."""
    fused = fused_step(recurrence.fused)
    if fused is not None:
        return fused(outer, inner, state)
    return recurrence.step(outer, inner, state, recurrence.functions(recurrence(U)))[0]


def test_a_step_of_an_lstm():
    z, c = floats(B, 4 * U), floats(B, U)

    def by_ops(z, c):
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c

    i, f, g, o = np.split(z, 4, axis=-1)
    expected = sigmoid(f) * c + sigmoid(i) * np.tanh(g)

    def step(z, c):
        return one_step(lstm, z, None, [None, c])

    assert_close(step(*tensors([z, c])), [sigmoid(o) * np.tanh(expected), expected])
    assert_same_gradients(step, by_ops, z, c)
    # An output that nobody uses has no gradient.
    for k in (0, 1):
        assert_same_gradients(
            lambda z, c, k=k: step(z, c)[k], lambda z, c, k=k: by_ops(z, c)[k], z, c
        )


def test_a_step_of_a_gru():
    x, inner, h = floats(B, 3 * U), floats(B, 3 * U, 2)[..., 0], floats(B, U)

    def by_ops(x, inner, h):
        x_z, x_r, x_n = ops.split(x, 3, axis=-1)
        h_z, h_r, h_n = ops.split(inner, 3, axis=-1)
        z, r = ops.sigmoid(x_z + h_z), ops.sigmoid(x_r + h_r)
        return z * h + (1 - z) * ops.tanh(x_n + r * h_n)

    z, r, _ = (sigmoid(k) for k in np.split(x + inner, 3, axis=-1))
    n = np.tanh(x[:, 2 * U :] + r * inner[:, 2 * U :])

    def step(x, inner, h):
        return one_step(gru, x, inner, [h])[0]

    assert_close(step(*tensors([x, inner, h])), z * h + (1 - z) * n)
    assert_same_gradients(step, by_ops, x, inner, h)


def assert_same_gradients(function, other, *args):
    """The gradients of all that two functions return are the same, and none of them is 0."""
    found, expected = (
        gradient(lambda args, f=f: weighted_sum(f(*args)), list(args))[1] for f in (function, other)
    )
    assert_close(found, expected)
    assert all(array(x).any() for x in found)


LABELS = np.array([[1, 0, 6], [3, 3, 2]], "int32")
LOGITS = floats(2, 3, 7)


def surprise(labels, logits):
    """-log softmax, by NumPy."""
    return -np.take_along_axis(log_softmax(logits), labels[..., None], axis=-1)[..., 0]


def assert_surprise(found, labels, logits):
    np.testing.assert_allclose(array(found), surprise(labels, logits), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("constant", [False, True])
def test_cross_entropy(constant):
    found = cross_entropy(*tensors([LABELS, LOGITS]), constant)
    assert_surprise(found, LABELS, LOGITS)
    labels, logits = LABELS[0, 0], LOGITS[:, 0]  # one axis less
    assert_surprise(cross_entropy(*tensors([LABELS[:, 0], logits]), constant), LABELS[:, 0], logits)
    huge = np.array([[1e30, -1e30, 0.0], [-1e30, -1e30, -1e30]], "float32")
    labels = np.array([0, 2], "int32")
    assert_close(
        cross_entropy(*tensors([labels, huge]), constant), np.array([0, np.log(3)], "float32")
    )


def test_gradient_of_cross_entropy():
    weights = np.cos(np.arange(6.0)).reshape(2, 3).astype("float32")
    factors = ops.convert_to_tensor(weights)
    labels = ops.convert_to_tensor(LABELS)
    _, found = gradient(lambda x: ops.sum(cross_entropy(labels, x) * factors), LOGITS)
    expected = np.exp(log_softmax(LOGITS)) - np.eye(7)[LABELS]
    assert_close(found, (expected * weights[..., None]).astype("float32"))


def test_a_constant_cross_entropy_is_never_an_old_one():
    labels, logits = tensors([LABELS, LOGITS])
    assert_surprise(cross_entropy(labels, logits), LABELS, LOGITS)
    assert_surprise(cross_entropy(labels, logits, constant=True), LABELS, LOGITS)
    others = (LABELS + 1) % 7
    found = cross_entropy(ops.convert_to_tensor(others), logits, constant=True)
    assert_surprise(found, others, LOGITS)
    assert_surprise(cross_entropy(labels, logits, constant=True), LABELS, LOGITS)
    found = cross_entropy(labels[:, :2], logits[:, :2], constant=True)
    assert_surprise(found, LABELS[:, :2], LOGITS[:, :2])
    for k in range(5):  # one after the other at perhaps the same address
        fresh = ops.convert_to_tensor(LOGITS * k)
        assert_surprise(cross_entropy(labels, fresh, constant=True), LABELS, LOGITS * k)
        assert array(predictions(fresh)).tolist() == (LOGITS * k).argmax(-1).tolist()
        del fresh


@pytest.mark.skipif(BACKEND != "torch", reason="only its tensors change in place")
def test_changes_in_place_are_seen_on_torch():
    labels, logits = (x.clone() for x in tensors([LABELS, LOGITS]))
    change = floats(2, 3, 7, 1)[..., 0]
    cross_entropy(labels, logits)
    predictions(logits)
    logits.add_(ops.convert_to_tensor(change))
    assert_surprise(cross_entropy(labels, logits, constant=True), LABELS, LOGITS + change)
    assert array(predictions(logits)).tolist() == (LOGITS + change).argmax(-1).tolist()
    others = (LABELS + 1) % 7
    labels.copy_(ops.convert_to_tensor(others))
    assert_surprise(cross_entropy(labels, logits, constant=True), others, LOGITS + change)


@pytest.mark.skipif(BACKEND != "torch", reason="only there is a result remembered")
def test_a_constant_cross_entropy_is_not_computed_again_on_torch(monkeypatch):
    import torch

    labels, logits = tensors([LABELS, LOGITS])
    logits.requires_grad_()
    loss = cross_entropy(labels, logits)
    assert loss.requires_grad

    def refuse(*args, **kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(torch, "log_softmax", refuse)
    found = cross_entropy(labels.clone(), logits, constant=True)
    assert not found.requires_grad
    assert_close(found, loss)
    # A metric sees a view of its own.
    found = cross_entropy(labels.flatten(), logits.reshape(-1, logits.shape[-1]), constant=True)
    assert_close(found, loss.flatten())
    with pytest.raises(AssertionError, match="again"):
        cross_entropy(labels, logits.clone(), constant=True)


def test_predictions_are_the_lowest_of_equals():
    logits = np.array([[[0, 2, 2], [1, 1, 1]], [[-1, -2, -1], [0, 0, 5]]], "float32")
    found = predictions(ops.convert_to_tensor(logits))
    assert keras.backend.standardize_dtype(found.dtype) == "int32"
    assert array(found).tolist() == [[1, 0], [0, 2]]


def test_fit_reports_what_numpy_finds():
    """Three batches, weights, and a model that stands still."""
    x, y = floats(6, 4, 3), np.random.default_rng(0).integers(0, 7, (6, 4)).astype("int32")
    weights = lengths_mask(4, 3, 1, 2, 4, 1, longest=4).astype("float32")
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.Dense(7)])
    model.compile(
        keras.optimizers.SGD(0.0),
        TokenCrossEntropy(),
        metrics=[Perplexity(name="unweighted")],
        weighted_metrics=[Perplexity(), TokenAccuracy()],
        jit_compile=False,
    )
    logs = model.fit(x, y, batch_size=2, sample_weight=weights, epochs=2, shuffle=False, verbose=0)
    kernel, bias = model.get_weights()
    logits = x @ kernel + bias
    losses, right = surprise(y, logits), logits.argmax(-1) == y
    expected = {
        "perplexity": np.exp((losses * weights).sum() / weights.sum()),
        "unweighted": np.exp(losses.mean()),
        "token_accuracy": (right * weights).sum() / weights.sum(),
    }
    for name, value in expected.items():
        assert logs.history[name] == pytest.approx([value] * 2, rel=1e-5)
    batches = [slice(0, 2), slice(2, 4), slice(4, 6)]
    means = [(losses[b] * weights[b]).sum() / weights[b].sum() for b in batches]
    # Keras weighs the batches of a loss by their rows.
    assert logs.history["loss"] == pytest.approx([np.mean(means)] * 2, rel=1e-5)
    found = model.evaluate(x, y, batch_size=2, sample_weight=weights, verbose=0, return_dict=True)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5)
