"""Gradients on JAX."""

import functools

import jax
import jax.numpy as jnp


def custom_gradient(forward, backward):
    """Forward mode, as in `jax.jvp`, takes the plain way."""

    @jax.custom_vjp
    def with_gradient(*args):
        return forward(False, *args)[0]

    keeping = functools.partial(forward, True)
    with_gradient.defvjp(keeping, lambda kept, gradients: tuple(backward(kept, *gradients)))

    def function(*args):
        return forward(False, *args)[0] if goes_forward(args) else with_gradient(*args)

    return function


def goes_forward(*nests):
    """Whether `jax.jvp` or `jacfwd` differentiates: they know no way but the plain one.

    It is seen from outside of a `jax.jit` alone: `jvp(jit(f))` is refused by JAX, where
    `jit(jvp(f))` is right.
    """
    return any(map(_has_tangent, jax.tree.leaves(nests))) and _backward_is_told_apart()


def _has_tangent(x):
    while isinstance(x, jax.core.Tracer):
        kind = type(x).__name__
        if kind in ("JVPTracer", "LinearizeTracer"):
            return kind == "JVPTracer"
        x = getattr(x, "val", None)  # one of many, under `vmap`
    return False


@functools.cache
def _backward_is_told_apart():
    """Whether `jax.grad` looks otherwise than `jax.jvp`; before JAX 0.7 it does not."""
    seen = []
    jax.grad(lambda x: seen.append(_has_tangent(x)) or x)(1.0)
    return not any(seen)


def gradient(function, inputs):
    return jax.value_and_grad(function)(jax.tree.map(jnp.asarray, inputs))


def recomputed(function, variables=()):
    return jax.checkpoint(function)
