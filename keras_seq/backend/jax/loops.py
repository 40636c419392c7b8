"""Loops over time on JAX: `jax.lax.scan`."""

import functools

import jax
import jax.numpy as jnp
import keras

from keras_seq.backend.jax.gradients import goes_forward
from keras_seq.backend.products import inside, multiply


def loop(step, state, inputs, reverse=False):
    def body(state, x):
        output, new_state = step(x, state)
        return jax.tree.unflatten(jax.tree.structure(state), jax.tree.leaves(new_state)), output

    state, outputs = jax.lax.scan(body, state, inputs, reverse=reverse)
    return outputs, state


def scan(step, state, inputs, matrices=()):
    inputs = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), inputs)
    calls = _products_of(step, state, inputs, matrices)
    if calls:
        outputs, state = _scan_with_products(step, state, inputs, calls)
    else:
        outputs, state = loop(step, state, inputs)
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), outputs), state


def product(left, right):
    return multiply(left, right, _contract)


def _contract(left, right):
    """`(batch, ..., n) @ (n, m)`, or `(batch, n) @ (batch, n, m)` row by row."""
    if right.ndim == 2:
        return jnp.matmul(left, right)
    return jnp.matmul(left[:, None], right)[:, 0]


def _products_of(step, state, inputs, matrices):
    """The `(right, shape of the result)` of each product of one step whose gradient can wait."""
    known = {id(matrix) for matrix in matrices}
    calls = []

    def note(left, right):
        result = _contract(left, keras.ops.convert_to_tensor(right))
        waits = isinstance(right, keras.Variable) or id(right) in known
        calls.append((right, result) if waits and right.dtype == left.dtype else None)
        return result

    if jax.tree.leaves(inputs)[0].shape[0] == 0:
        return []

    def one_step(x, state):
        with inside(note):
            step(x, state)

    jax.eval_shape(one_step, jax.tree.map(lambda x: x[0], inputs), state)
    # Only here: within the trace, Keras might cast a variable, and the result would leak.
    calls = [call and (_value(call[0]), call[1]) for call in calls]
    return calls if any(calls) else []


def _value(matrix):
    return matrix.value if isinstance(matrix, keras.Variable) else matrix


def _scan_with_products(step, state, inputs, calls):
    """`loop`, with the gradient of each matrix as one product over all steps after the loop.

    What is multiplied with a matrix is kept for every step, and to the result of every product
    zeros are added: the gradient of the zeros is that of the result.
    """
    steps = jax.tree.leaves(inputs)[0].shape[0]
    matrices = [call[0] for call in calls if call]
    zeros = [jnp.zeros(call[1].shape, call[1].dtype) for call in calls if call]

    first = jax.tree.map(lambda x: x[0], inputs)
    traced, pattern = _traced_step(step, calls, first, state, matrices, zeros)
    constants = traced.consts

    if goes_forward(matrices, constants, state, inputs):
        return loop(step, state, inputs)

    def run(matrices, constants, state, inputs, zeros):
        def body(state, x):
            x, zero = x
            leaves = jax.tree.leaves((x, state, matrices, zero))
            leaves = jax.core.eval_jaxpr(traced.jaxpr, constants, *leaves)
            output, state, lefts = jax.tree.unflatten(pattern, leaves)
            return state, (output, lefts)

        state, (outputs, lefts) = jax.lax.scan(body, state, (inputs, zeros))
        return (outputs, state), lefts

    def all_zeros():
        return [jnp.zeros((steps, *zero.shape), zero.dtype) for zero in zeros]

    @jax.custom_vjp
    def apply(matrices, constants, state, inputs):
        return run(matrices, constants, state, inputs, all_zeros())[0]

    def forward(matrices, constants, state, inputs):
        results, pull, lefts = jax.vjp(
            functools.partial(run, matrices), constants, state, inputs, all_zeros(), has_aux=True
        )
        return results, (pull, lefts)

    def backward(kept, gradients):
        pull, lefts = kept
        *others, rights = pull(gradients)
        return [
            _sum_of_products(left, right, matrix.ndim)
            for left, right, matrix in zip(lefts, rights, matrices, strict=True)
        ], *others

    apply.defvjp(forward, backward)
    return apply(matrices, constants, state, inputs)


def _traced_step(step, calls, *arguments):
    """The step with zeros added to its products, as a jaxpr, and the structure of its results.

    What it takes from outside becomes an argument, also where it has no gradient: the rules of
    `apply` may be run when the trace that a closed-over tracer belongs to is over.
    """

    def with_zeros(x, state, matrices, zeros):
        lefts = []
        rights = iter(zip(matrices, zeros, strict=True))
        remaining = iter(calls)

        def by_rule(left, right):
            if next(remaining) is None:
                return _contract(left, keras.ops.convert_to_tensor(right))
            matrix, zero = next(rights)
            lefts.append(left)
            return _contract(left, matrix) + zero

        with inside(by_rule):
            output, new_state = step(x, state)
        new_state = jax.tree.unflatten(jax.tree.structure(state), jax.tree.leaves(new_state))
        return output, new_state, lefts

    traced, results = jax.make_jaxpr(with_zeros, return_shape=True)(*arguments)
    return traced, jax.tree.structure(results)


def _sum_of_products(left, right, rank):
    """The gradient of a matrix, or of one for each row, from all steps, `(time, batch, ...)`."""
    if rank == 3:
        return jnp.einsum("tbn,tbm->bnm", left, right)
    axes = tuple(range(left.ndim - 1))
    return jax.lax.dot_general(left, right, ((axes, axes), ((), ())))
