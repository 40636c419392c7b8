"""Loops over time on TensorFlow: `tf.while_loop`, in a graph and outside of it."""

import keras
import tensorflow as tf

from keras_seq.backend.products import inside, multiply
from keras_seq.backend.tensorflow.gradients import with_gradient
from keras_seq.backend.tensorflow.graphs import portable_graphs

SMALL = 2**15  # numbers in a batch of matrices


def loop(step, state, inputs, reverse=False):
    turned = reverse and bool(portable_graphs.top())
    if turned:
        # ONNX has no list that a loop fills from its end.
        inputs = keras.tree.map_structure(lambda x: tf.reverse(x, [0]), inputs)
    leaves = keras.tree.flatten(inputs)
    time = leaves[0].shape[0]
    steps = tf.shape(leaves[0])[0] if time is None else time
    # Only the structure and the dtypes of this call are used; the graph optimiser drops the rest.
    pattern, _ = step(
        keras.tree.map_structure(lambda x: tf.zeros_like(x[0]) if time else _blank(x), inputs),
        state,
    )
    arrays = [
        tf.TensorArray(leaf.dtype, size=steps, element_shape=leaf.shape)
        for leaf in keras.tree.flatten(pattern)
    ]
    sources = [tf.TensorArray(x.dtype, size=steps).unstack(x) for x in leaves]

    def body(t, arrays, state):
        here = steps - 1 - t if reverse and not turned else t
        x = keras.tree.pack_sequence_as(inputs, [source.read(here) for source in sources])
        output, new_state = step(x, state)
        leaves = keras.tree.flatten(output)
        arrays = [array.write(here, leaf) for array, leaf in zip(arrays, leaves, strict=True)]
        return t + 1, arrays, keras.tree.pack_sequence_as(state, keras.tree.flatten(new_state))

    _, arrays, state = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), arrays, state),
        maximum_iterations=steps,
        parallel_iterations=32,
    )
    outputs = [array.stack() for array in arrays]
    if turned:
        outputs = [tf.reverse(x, [0]) for x in outputs]
    for output, leaf in zip(outputs, keras.tree.flatten(pattern), strict=True):
        output.set_shape((time, *leaf.shape))
    return keras.tree.pack_sequence_as(pattern, outputs), state


def scan(step, state, inputs, matrices=()):
    inputs = keras.tree.map_structure(_swap, inputs)
    calls = _products_of(step, state, inputs, matrices)
    if calls:
        outputs, state = _loop_with_products(step, state, inputs, calls)
    else:
        outputs, state = loop(step, state, inputs)
    return keras.tree.map_structure(_swap, outputs), state


def product(left, right):
    return multiply(left, right, _contract)


def _contract(left, right):
    if right.shape.rank == 3:
        return _row_by_row(left, right)
    if left.shape.rank == 2:
        return tf.matmul(left, right)
    middle, size = left.shape[1:-1], right.shape[0]
    if not middle.is_fully_defined():
        return tf.tensordot(left, right, 1)
    # `tensordot` finds the shapes anew in each step of a loop.
    result = tf.matmul(tf.reshape(left, (-1, size)), right)
    return tf.reshape(result, (rows(left), *middle, right.shape[1]))


def _row_by_row(left, right):
    """The product of each row of `(batch, n)` with a matrix of its own, `(batch, n, m)`."""

    right = tf.cast(right, left.dtype)

    def by_kernel():
        # An index of `[:, 0]` would be four nodes in the graph of a loop.
        return tf.squeeze(tf.matmul(tf.expand_dims(left, 1), right), 1)

    def by_sum():
        return tf.reduce_sum(tf.expand_dims(left, 2) * right, 1)

    if not portable_graphs.top():
        return by_kernel()
    # The kernel takes 46 us for one row and more, whatever the size: a server has batches of 1.
    return tf.cond(tf.size(right) < SMALL, by_sum, by_kernel)


def _products_of(step, state, inputs, matrices):
    """The `(right, result)` of each product of one step whose gradient can wait, else `None`."""
    known = {id(matrix) for matrix in matrices}
    calls = []

    def note(left, right):
        right_is_variable = isinstance(right, keras.Variable)
        value = tf.convert_to_tensor(right.value) if right_is_variable else right
        result = _contract(left, keras.ops.convert_to_tensor(right))
        waits = (right_is_variable or id(right) in known) and value.dtype == left.dtype
        calls.append((value, result) if waits else None)
        return result

    if tf.executing_eagerly() or keras.tree.flatten(inputs)[0].shape[0] == 0:
        return []  # a step by itself takes longer than its products
    with inside(note), tf.GradientTape(watch_accessed_variables=False):
        step(keras.tree.map_structure(lambda x: tf.zeros_like(x[0]), inputs), state)
    return calls if any(calls) else []


def _loop_with_products(step, state, inputs, calls):
    """`loop`, with the gradient of each matrix as one product over all steps after the loop.

    What is multiplied with a matrix is kept for every step, and to the result of every product
    zeros are added: the gradient of the zeros is that of the result. All of that has a gradient in
    its turn, that of the matrix included: a step gives it none only on the first way back.
    """
    steps = tf.shape(keras.tree.flatten(inputs)[0])[0]
    kept = []

    def zeros_for(number, matrix, result):
        shape = tf.concat([[steps], tf.shape(result)], axis=0)

        @with_gradient
        def zeros(matrix):
            def backward(gradient):
                # The loop is over when this is called: what it kept is here.
                return _sum_of_products(kept[number], gradient, matrix.shape.rank)

            return tf.zeros(shape, result.dtype), backward

        per_step = zeros(matrix)
        per_step.set_shape((None, *result.shape))
        return per_step

    waiting = [call for call in calls if call]
    zeros = [zeros_for(number, *call) for number, call in enumerate(waiting)]
    products = [_product_with(matrix) for matrix, _ in waiting]

    def with_zeros(x, state):
        x, zeros = x
        lefts = []
        remaining = iter(calls)
        rights = iter(zip(products, zeros, strict=True))

        def by_rule(left, right):
            if next(remaining) is None:
                return _contract(left, keras.ops.convert_to_tensor(right))
            multiplied, zero = next(rights)
            lefts.append(left)
            return multiplied(left) + zero

        with inside(by_rule):
            output, state = step(x, state)
        return (output, lefts), state

    (outputs, lefts), state = loop(with_zeros, state, (inputs, zeros))
    kept.extend(lefts)
    return outputs, state


def _product_with(matrix):
    """The product with `matrix`, which hands no gradient to it, but its gradient does."""

    @with_gradient
    def multiplied(left):
        def backward(gradient):
            return _contract(gradient, tf.linalg.matrix_transpose(matrix))

        return _contract(left, matrix), backward

    return multiplied


def _sum_of_products(left, right, rank):
    """The gradient of a matrix, or of one for each row, from all steps, `(time, batch, ...)`."""
    if rank == 3:
        return tf.einsum("tbn,tbm->bnm", left, right)
    left = tf.reshape(left, (-1, left.shape[-1]))
    return tf.matmul(left, tf.reshape(right, (-1, right.shape[-1])), transpose_a=True)


def rows(x):
    """The size of the first axis, for `tf.reshape`: what is known must stay so in a loop."""
    return -1 if x.shape[0] is None else x.shape[0]


def _swap(x):
    """Exchange the batch and the time axis."""
    return tf.transpose(x, (1, 0, *range(2, len(x.shape))))


def _blank(inputs):
    """One step of zeros for inputs that may have no step, time first."""
    blank = tf.zeros(tf.shape(inputs)[1:], inputs.dtype)
    blank.set_shape(inputs.shape[1:])
    return blank
