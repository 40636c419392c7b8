"""`keras_seq.backend` does the same on every backend."""

import keras
import numpy as np
import pytest
from checks import array, assert_close, compiled_call
from keras import ops

from keras_seq.backend import compiled, gradient, scan

pytestmark = pytest.mark.every_backend

W = np.random.default_rng(0).normal(size=(3, 3)).astype("float32") * 0.5


def step(x, state):
    """A recurrence with nested outputs of other shapes than the state."""
    h = ops.tanh(ops.matmul(state["h"], W) + x)
    count = state["n"][0] + 1.0
    return (h, ops.sum(h, axis=-1)), {"h": h, "n": [count]}


def start(batch):
    return {"h": ops.zeros((batch, 3)), "n": [ops.zeros((batch, 1))]}


def by_hand(inputs):
    h, outputs = np.zeros((len(inputs), 3), "float32"), []
    for x in np.swapaxes(inputs, 0, 1):
        h = np.tanh(h @ W + x)
        outputs.append(h)
    return np.stack(outputs, axis=1), h


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_scan_is_a_loop(steps):
    inputs = np.random.default_rng(1).normal(size=(2, steps, 3)).astype("float32")
    (outputs, sums), state = scan(step, start(2), ops.convert_to_tensor(inputs))
    expected, last = by_hand(inputs)
    assert_close(outputs, expected)
    assert_close(sums, expected.sum(-1))
    assert_close(state["h"], last)
    assert array(state["n"][0]).tolist() == [[steps]] * 2


def test_scan_over_nothing():
    (outputs, sums), state = scan(step, start(2), ops.zeros((2, 0, 3)))
    assert tuple(outputs.shape) == (2, 0, 3) and tuple(sums.shape) == (2, 0)
    assert_close(state["h"], np.zeros((2, 3)))


def test_gradient_through_scan_is_that_of_finite_differences():
    inputs = np.random.default_rng(2).normal(size=(2, 5, 3)).astype("float32")

    def loss(nest):
        (outputs, _), state = scan(step, start(2), nest["x"])
        return ops.sum(outputs[:, 1] * 2.0) + ops.sum(state["h"] ** 2)

    value, gradients = gradient(loss, {"x": inputs})
    run = compiled_call(lambda x: loss({"x": x}), [])
    assert float(value) == pytest.approx(float(run(inputs)))
    found = array(gradients["x"])
    for index in np.ndindex(*inputs.shape):
        values = []
        for change in (1e-2, -1e-2):
            shifted = inputs.copy()
            shifted[index] += change
            values.append(float(run(shifted)))
        assert found[index] == pytest.approx((values[0] - values[1]) / 2e-2, abs=5e-3)


def test_gradient_of_what_is_not_used_is_zero():
    _, (used, unused) = gradient(lambda nest: ops.sum(nest[0] ** 2), (np.ones(2), np.ones(3)))
    assert_close(used, np.array([2.0, 2.0]))
    assert_close(unused, np.zeros(3))


def test_compiled_sees_new_values_of_variables():
    variable = keras.Variable(np.array([1.0, 2.0], "float32"))
    traces = []

    def double(x):
        traces.append(1)
        return {"y": x * variable * 2.0}

    function = compiled(double, [variable])
    x = ops.convert_to_tensor(np.array([1.0, 1.0], "float32"))
    assert_close(function(x)["y"], np.array([2.0, 4.0]))
    variable.assign([5.0, 5.0])
    assert_close(function(x)["y"], np.array([10.0, 10.0]))
    if keras.config.backend() != "torch":  # which has nothing to compile
        assert len(traces) == 1


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="AutoGraph is TensorFlow's")
def test_a_function_of_a_user_may_branch_on_a_value_in_graphs_of_tensorflow():
    def mirrored(x):
        if ops.sum(x) < 0:
            x = -x
        return x

    call = compiled(mirrored)
    for values in ([1.0, -3.0], [-1.0, 3.0]):
        np.testing.assert_array_equal(array(call(ops.array(values))), [-1.0, 3.0])


@pytest.mark.skipif(keras.config.backend() != "jax", reason="others compile nothing for one row")
def test_one_row_is_compiled_with_fewer_passes(monkeypatch):
    """By itself at the top level; with several rows, or within another program, as ever."""
    import jax

    from keras_seq.backend.jax import graphs

    options, jit = [], jax.jit

    def noted(function, **given):
        options.append(given.get("compiler_options"))
        return jit(function, **given)

    monkeypatch.setattr(jax, "jit", noted)
    run = compiled(lambda x, count: ops.tanh(ops.matmul(x, W)) * count)
    two = np.ones((2, 3), "float32")
    expected = np.tanh(two @ W) * 2
    assert_close(run(two, np.float32(2)), expected)
    assert not any(options)
    assert_close(run(two[:1], np.float32(2)), expected[:1])
    assert options[-1] == graphs._for_one_row() is not None
    assert_close(jit(lambda x: run(x, np.float32(2)))(two[:1]), expected[:1])


@pytest.mark.skipif(keras.config.backend() != "jax", reason="others compile nothing for one row")
def test_a_version_of_xla_without_the_option(monkeypatch):
    from keras_seq.backend.jax import graphs

    monkeypatch.setattr(graphs, "_ONE_ROW", {"xla_cpu_that_does_not_exist": False})
    graphs._for_one_row.cache_clear()
    assert graphs._for_one_row() is None
    graphs._for_one_row.cache_clear()
