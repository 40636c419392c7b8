"""What JAX does to functions, done to layers: forward mode, batches of calls, recomputation."""

import keras
import numpy as np
import pytest
from checks import array, assert_close

from keras_seq.layers import GRU, LSTM, Bidirectional, MinGRU, RNNStack, VanillaRNN

pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.skipif(keras.config.backend() != "jax", reason="transformations of JAX alone"),
]
LAYERS = {
    "lstm": lambda: LSTM(4, return_sequences=True),
    "gru": lambda: GRU(4),
    "vanilla": lambda: VanillaRNN(40),
    "both": lambda: Bidirectional(GRU(3, return_sequences=True)),
    "min": lambda: MinGRU(4),
    "stack": lambda: RNNStack("lstm", 4, num_layers=2, layer_norm=True),
}
RNG = np.random.default_rng(0)
X, V = (RNG.normal(size=(2, 5, 3)).astype("float32") for _ in range(2))
MASK = np.arange(5) < np.array([[5], [3]])


@pytest.fixture(params=LAYERS)
def function(request):
    """A layer as a function from its weights and inputs to its outputs, and these weights."""
    layer = LAYERS[request.param]()
    layer(X)
    weights = [variable.value for variable in layer.trainable_variables]

    def run(weights, x):
        mapping = list(zip(layer.trainable_variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return layer(x, mask=MASK)

    return run, weights


def test_forward_mode_is_the_transpose_of_backward_mode(function):
    """<u, J v> = <J^T u, v>, of inputs and of weights; whole matrices row by row are equal."""
    import jax
    import jax.numpy as jnp

    run, weights = function
    directions = [jnp.cos(1.0 + w) for w in weights]
    value, forward = jax.jit(lambda w, x: jax.jvp(run, (w, x), (directions, V)))(weights, X)
    u = jnp.sin(1.0 + jnp.arange(value.size)).reshape(value.shape)

    @jax.jit
    def backward(weights, x):
        value, pull = jax.vjp(run, weights, x)
        return value, *pull(u)

    again, of_weights, of_inputs = backward(weights, X)
    expected = jnp.sum(of_inputs * V)
    expected += sum(jnp.sum(g * d) for g, d in zip(of_weights, directions, strict=True))
    assert_close(value, again)
    assert abs(float(jnp.sum(forward * u))) > 1e-3
    np.testing.assert_allclose(float(jnp.sum(forward * u)), float(expected), rtol=1e-4)


def test_matrices_of_derivatives(function):
    import jax

    run, weights = function

    def total(x):
        return keras.ops.sum(run(weights, x) ** 2, axis=(0, -1))

    by_column, by_row = jax.jit(jax.jacfwd(total))(X), jax.jit(jax.jacrev(total))(X)
    assert np.abs(array(by_row)).max() > 1e-3
    assert_close(by_column, by_row, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_batches_of_calls_and_recomputation(function):
    import jax

    run, weights = function

    def loss(x):
        return keras.ops.sum(run(weights, x) ** 2)

    many = np.stack([X, V])
    gradients, slope = jax.jit(jax.vmap(jax.grad(loss)))(many), jax.jit(jax.grad(loss))
    assert_close(gradients, np.stack([array(slope(x)) for x in many]), atol=1e-4)
    assert_close(jax.jit(jax.grad(jax.checkpoint(loss)))(X), gradients[0], atol=1e-4)
    forward = jax.vmap(lambda x, v: jax.jvp(loss, (x,), (v,))[1])
    tangents = jax.jit(forward)(many, many[::-1])
    expected = [np.sum(array(g) * v) for g, v in zip(gradients, many[::-1], strict=True)]
    np.testing.assert_allclose(array(tangents), expected, rtol=1e-4)


def test_forward_over_backward_and_backward_over_forward(function):
    """The product of the second derivatives and a vector, in both orders."""
    import jax

    run, weights = function

    def loss(x):
        return keras.ops.sum(run(weights, x) ** 2)

    def slope(x):
        return jax.jvp(loss, (x,), (V,))[1]

    one = jax.jit(lambda x: jax.jvp(jax.grad(loss), (x,), (V,))[1])(X)
    assert np.abs(array(one)).max() > 1e-3
    assert_close(one, jax.jit(jax.grad(slope))(X), atol=1e-4, rtol=1e-3)
