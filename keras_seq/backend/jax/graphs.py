"""Compiled functions on JAX, and what is known while one is traced."""

import contextlib

import jax
import jax.numpy as jnp
import keras

compiles_singly = True
jit_pays = True


def compiled(function, variables=(), reading=None):
    variables = list(variables)

    @jax.jit
    def pure(values, *args):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(*args)

    def call(*args):
        with contextlib.nullcontext() if reading is None else reading():
            # As arguments: what a jitted function closes over is frozen into it.
            return pure([v.value for v in variables], *args)

    return call


def static_step(jit_compile):
    return bool(jit_compile)


def choose(mask, arrays):
    if isinstance(mask, jax.core.Tracer):
        return tuple(arrays)
    return tuple(array[mask] for array in map(jnp.asarray, arrays))


def run_if(condition, function):
    if isinstance(condition, jax.core.Tracer) or bool(condition):
        function()
