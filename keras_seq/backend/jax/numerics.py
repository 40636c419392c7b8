"""Numbers on JAX: losses, scores and places."""

import functools

import jax
import jax.numpy as jnp


@functools.partial(jax.checkpoint, prevent_cse=False)
def additive_scores(query, keys, scale):
    # Computed again on the way back: to keep (batch, time, units) for each step costs more.
    return (jnp.tanh(query + keys) @ scale[:, 0])[:, None]


def cross_entropy(labels, logits, constant=False, smoothing=0.0):
    # Less the largest first: what is left of two large numbers is not exact.
    logits = logits - jax.lax.stop_gradient(logits.max(axis=-1, keepdims=True))
    chosen = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    losses = jnp.log(jnp.sum(jnp.exp(logits), axis=-1)) - chosen
    return losses + smoothing * (chosen - jnp.mean(logits, axis=-1)) if smoothing else losses


def predictions(logits):
    return jnp.argmax(logits, axis=-1).astype("int32")


def top_k(x, k):
    return jax.lax.top_k(x, k)


def tanh(x):
    """Keras's own is float32 for float64."""
    return jnp.tanh(x)


def last_valid_steps(mask):
    steps = jnp.arange(mask.shape[1], dtype="int32")[None]
    last = jax.lax.cummax(jnp.where(mask, steps, -1), axis=1)
    return jnp.where(last < 0, steps, last)
