"""Compiled functions on JAX, and what is known while one is traced."""

import contextlib
import functools

import jax
import jax.numpy as jnp
import keras

compiles_singly = True
jit_pays = True
_ONE_ROW = {"xla_cpu_use_fusion_emitters": False}


def compiled(function, variables=(), reading=None):
    variables = list(variables)

    def pure(values, *args):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(*args)

    several, one = jax.jit(pure), []

    def call(*args):
        run = several
        if _is_one_row(args):
            if not one:
                one.append(jax.jit(pure, compiler_options=_for_one_row()))
            (run,) = one
        with contextlib.nullcontext() if reading is None else reading():
            # As arguments: what a jitted function closes over is frozen into it.
            return run([v.value for v in variables], *args)

    return call


def _is_one_row(args):
    """Whether somebody waits for one row: arrays, not tracers of another function."""
    leaves = jax.tree.leaves(args)
    return all(jnp.shape(x)[:1] in ((), (1,)) for x in leaves) and not any(
        isinstance(x, jax.core.Tracer) for x in leaves
    )


@functools.cache
def _for_one_row():
    """What XLA is told of a program for one row, for which somebody waits: less to compile.

    It needs half the time without its newer emitters. One row is computed as fast, several rows and
    training are slower by a seventh. At the top level alone: a jitted function inside of another
    one takes no options.
    """
    try:
        jax.jit(lambda x: x, compiler_options=_ONE_ROW).lower(0).compile()
    except (ValueError, RuntimeError):  # another version of XLA, another device
        return None
    return _ONE_ROW


def static_step(jit_compile):
    return bool(jit_compile)


def choose(mask, arrays):
    if isinstance(mask, jax.core.Tracer):
        return tuple(arrays)
    return tuple(array[mask] for array in map(jnp.asarray, arrays))


def run_if(condition, function):
    if isinstance(condition, jax.core.Tracer) or bool(condition):
        function()
