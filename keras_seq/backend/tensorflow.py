"""The TensorFlow side of `keras_seq.backend`."""

import keras
import tensorflow as tf

# XLA compiles a training step once more for each shape of a batch, in seconds, and then is no
# faster here.
jit_pays = False


def scan(step, state, inputs):
    """Run `step` over the time axis of `inputs`.

    Args:
        step: `(x_t, state) -> (output, state)`; nests of tensors, batch first.
        state: the initial state, a nest of tensors `(batch, ...)`.
        inputs: a nest of tensors `(batch, time, ...)`.

    Returns:
        `(outputs, state)`: every output stacked to `(batch, time, ...)`, and the last state.
    """
    leaves = keras.tree.flatten(inputs)
    time, steps = leaves[0].shape[1], tf.shape(leaves[0])[1]
    # Only the structure and the dtypes of this call are used; the graph optimiser drops the rest.
    pattern, _ = step(
        keras.tree.map_structure(lambda x: tf.zeros_like(x[:, 0]) if time else _blank(x), inputs),
        state,
    )
    arrays = [
        tf.TensorArray(leaf.dtype, size=steps, element_shape=leaf.shape)
        for leaf in keras.tree.flatten(pattern)
    ]
    sources = [tf.TensorArray(x.dtype, size=steps).unstack(_swap(x)) for x in leaves]

    def body(t, arrays, state):
        x = keras.tree.pack_sequence_as(inputs, [source.read(t) for source in sources])
        output, new_state = step(x, state)
        leaves = keras.tree.flatten(output)
        arrays = [array.write(t, leaf) for array, leaf in zip(arrays, leaves, strict=True)]
        return t + 1, arrays, keras.tree.pack_sequence_as(state, keras.tree.flatten(new_state))

    _, arrays, state = tf.while_loop(
        lambda t, *_: t < steps,
        body,
        (tf.constant(0), arrays, state),
        maximum_iterations=steps,
        parallel_iterations=32,
    )
    outputs = [_swap(array.stack()) for array in arrays]
    for output, leaf in zip(outputs, keras.tree.flatten(pattern), strict=True):
        output.set_shape((leaf.shape[0], time, *leaf.shape[1:]))
    return keras.tree.pack_sequence_as(pattern, outputs), state


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    """Return `None`: there is no fused recurrence here; see the PyTorch twin for the contract."""


def _swap(x):
    """Exchange the batch and the time axis."""
    return tf.transpose(x, (1, 0, *range(2, len(x.shape))))


def _blank(inputs):
    """One step of zeros for inputs without any step."""
    shape = tf.shape(inputs)
    return tf.zeros(tf.concat([shape[:1], shape[2:]], axis=0), inputs.dtype)


def compiled(function, variables=()):
    """Compile `function` once for each shape of its arguments.

    Args:
        function: takes tensors and returns a nest of them; it may read variables, not write them.
        variables: the Keras variables that it reads.

    Returns:
        A callable with the same arguments, which always sees the current values of `variables`.
    """
    del variables  # captured by reference
    traced = {}

    def call(*args):
        # One graph for each shape on purpose; left to itself, tf.function warns of it.
        key = tuple((tuple(x.shape), x.dtype) for x in args)
        if key not in traced:
            specs = [tf.TensorSpec(shape, dtype) for shape, dtype in key]
            traced[key] = tf.function(function).get_concrete_function(*specs)
        return traced[key](*args)

    return call


def gradient(function, inputs):
    """Return `function(inputs)`, a scalar, and its gradient with respect to the nest `inputs`."""
    inputs = keras.tree.map_structure(tf.convert_to_tensor, inputs)
    with tf.GradientTape() as tape:
        tape.watch(keras.tree.flatten(inputs))
        value = function(inputs)
    return value, tape.gradient(value, inputs, unconnected_gradients="zero")


def synchronize(model):
    """Make the variables of `model` hold the newest values: here they always do."""


def random_state():
    """Return the states of the global generators: no layer of Keras draws from any here."""
    return []


def set_random_state(states):
    """Put the global generators into the states that `random_state` returned."""
