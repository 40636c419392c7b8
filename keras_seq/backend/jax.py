"""The JAX side of `keras_seq.backend`."""

import jax
import jax.numpy as jnp
import keras

jit_pays = True


def scan(step, state, inputs):
    """Run `step` over the time axis of `inputs`; see the TensorFlow twin for the contract."""

    def body(state, x):
        output, new_state = step(x, state)
        return jax.tree.unflatten(jax.tree.structure(state), jax.tree.leaves(new_state)), output

    time_major = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), inputs)
    state, outputs = jax.lax.scan(body, state, time_major)
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), outputs), state


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """Return `None`: there is no fused recurrence here; see the PyTorch twin for the contract."""


def compiled(function, variables=()):
    """Compile `function` once for each shape of its arguments; see the TensorFlow twin."""
    variables = list(variables)

    @jax.jit
    def pure(values, *args):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(*args)

    # The values travel as arguments: what a jitted function closes over is frozen into it.
    return lambda *args: pure([v.value for v in variables], *args)


def gradient(function, inputs):
    """Return `function(inputs)`, a scalar, and its gradient with respect to the nest `inputs`."""
    return jax.value_and_grad(function)(jax.tree.map(jnp.asarray, inputs))


def synchronize(model):
    """Make the variables of `model` hold the newest values, which `fit` keeps aside."""
    model.jax_state_sync()


def random_state():
    """Return the states of the global generators: no layer of Keras draws from any here."""
    return []


def set_random_state(states):
    """Put the global generators into the states that `random_state` returned."""
