"""Small tools of the tests: nests of arrays, gradients, configs."""

import keras
import numpy as np

from keras_seq.backend import compiled, gradient


def arrays(nest):
    """The leaves of a nest of tensors as NumPy arrays; `None` leaves are left out."""
    leaves = [leaf for leaf in keras.tree.flatten(nest) if leaf is not None]
    return [keras.ops.convert_to_numpy(leaf) for leaf in leaves]


def array(tensor):
    """One tensor as a NumPy array."""
    return keras.ops.convert_to_numpy(tensor)


def assert_close(actual, expected, atol=1e-5, rtol=1e-5):
    """Assert that two nests of tensors or arrays hold the same numbers in the same shapes."""
    actual, expected = arrays(actual), arrays(expected)
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=atol, rtol=rtol)


def weighted_sum(nest):
    """A scalar that every number in a nest of float tensors enters with its own weight."""
    total = 0.0
    for k, leaf in enumerate(x for x in keras.tree.flatten(nest) if x is not None):
        # Not one weight for all: the sum of a softmax has no gradient.
        weights = np.cos(1.0 + k + np.arange(np.prod(leaf.shape))).reshape(leaf.shape)
        weights = keras.ops.cast(weights, leaf.dtype)
        total = total + keras.ops.cast(keras.ops.sum(leaf * weights), "float32")
    return total


def build(case, layer):
    """Make the weights of the layer of a line of `cases` without computing anything."""

    def symbol(x):
        dtype = keras.backend.standardize_dtype(x.dtype)
        return keras.KerasTensor(x.shape, keras.config.floatx() if "float" in dtype else dtype)

    if case.build is not None:
        case.build(layer)
    else:
        case.call(layer, **keras.tree.map_structure(symbol, case.inputs))
    return layer


def runner(case, layer):
    """A function from the inputs of a line of `cases` to the results of its built layer."""

    def run(inputs):
        return case.call(layer, **inputs)

    # JAX compiles each operation by itself where it is not asked to compile all of them.
    return compiled(run, layer.variables) if keras.config.backend() == "jax" else run


def compiled_call(function, variables):
    """`function` of arrays, compiled where one operation at a time is slow."""
    run = compiled(function, variables) if keras.config.backend() == "jax" else function
    return lambda *args: run(*(keras.ops.convert_to_tensor(x) for x in args))


def weight_gradients(variables, function):
    """The gradients of the scalar `function()` with respect to Keras variables, as arrays."""

    def of_values(values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function()

    def gradients(values):
        return gradient(of_values, values)[1]

    if keras.config.backend() == "jax":
        gradients = compiled(gradients)
    return arrays(gradients([variable.value for variable in variables]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    """Softmax in float64; -inf is weight 0, and a row of nothing else is all 0."""
    largest = np.max(x, axis=axis, keepdims=True)
    powers = np.exp(x - np.where(np.isfinite(largest), largest, 0))
    total = powers.sum(axis=axis, keepdims=True)
    return powers / np.where(total == 0, 1, total)


def log_softmax(x):
    x = np.asarray(x, "float64")
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
