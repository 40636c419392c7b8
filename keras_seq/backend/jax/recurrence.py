"""Recurrences on JAX: by hand always, and linear ones in chunks."""

import functools
import math

import jax
import jax.numpy as jnp


def hand_gradient_pays(units):
    return True


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def linear_scan(decay, inputs, state, reverse=False):
    return _chunked(decay, inputs, state, reverse, _chunk(inputs.shape[1]))


@linear_scan.defjvp
def _linear_scan_jvp(reverse, primals, tangents):
    # The tangent is a linear recurrence as well. Left to itself, JAX would keep every number of
    # all the loops for the backward pass: twice the time in chunks.
    decay, inputs, state = primals
    d_decay, d_inputs, d_state = tangents
    outputs = linear_scan(*primals, reverse)
    if reverse:
        before = jnp.concatenate([outputs, state[:, None]], axis=1)[:, 1:]
    else:
        before = jnp.concatenate([state[:, None], outputs], axis=1)[:, :-1]
    d_inputs = d_inputs + d_decay * before
    return outputs, _chunked(decay, d_inputs, d_state, reverse, _chunk(inputs.shape[1]))


def _chunk(length):
    """The number of steps in a chunk: on a CPU, where a step costs little, all of them."""
    return length if jax.default_backend() == "cpu" else max(64, math.isqrt(length))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _chunked(decay, inputs, state, reverse, chunk):
    """The chunks of `linear_scan`: loops over (steps of a chunk, batch, chunks, size)."""
    length = inputs.shape[1]
    chunk = max(1, min(length, chunk))
    count = -(-length // chunk)
    more = count * chunk - length

    def split(x, filling):
        widths = ((0, 0), (more, 0) if reverse else (0, more), (0, 0))
        x = jnp.pad(x, widths, constant_values=filling)
        return jnp.moveaxis(x.reshape(x.shape[0], count, chunk, x.shape[2]), 2, 0)

    def compose(whole, x):
        return (x[0] * whole[0], x[0] * whole[1] + x[1]), None

    def before(h, x):
        return x[0] * h + x[1], h

    def after(h, x):
        h = x[0] * h + x[1]
        return h, h

    run = functools.partial(jax.lax.scan, reverse=reverse)
    chunks = split(decay, 1), split(inputs, 0)
    if count == 1:
        starts = state[:, None]
    else:
        identity = jnp.ones_like(chunks[0][0]), jnp.zeros_like(chunks[0][0])
        whole, _ = run(compose, identity, chunks)
        _, starts = run(before, state, tuple(jnp.swapaxes(x, 0, 1) for x in whole))
        starts = jnp.swapaxes(starts, 0, 1)
    _, outputs = run(after, starts, chunks)
    outputs = jnp.moveaxis(outputs, 0, 2).reshape(inputs.shape[0], count * chunk, inputs.shape[2])
    return outputs[:, more:] if reverse else outputs[:, :length]
