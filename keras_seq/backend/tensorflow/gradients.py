"""Gradients on TensorFlow, which forgets its custom ones with the graph that has them."""

import functools
import weakref

import keras
import tensorflow as tf
from tensorflow.python.framework import ops


def with_gradient(function):
    """`tf.custom_gradient` of a function of tensors, without what that keeps for ever.

    In a graph, TensorFlow writes the gradient function of every call into a list of the process,
    and with it all the tensors that it needs, their graph, and the weights of the model. Here the
    graph itself has the function, and the list finds it there as long as there is a graph.
    """
    differentiable = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*args):
        result = differentiable(*args)
        if not tf.executing_eagerly():
            _move_to_graph(tf.nest.flatten(result)[0])
        return result

    return call


def _move_to_graph(result):
    """Let the graph of a result of `tf.custom_gradient` have the gradient function."""
    graph, name = result.graph, tf.compat.as_str(result.op.get_attr("_gradient_op_type"))
    # There is no public way to it; without, all is right but for the memory.
    registry = getattr(ops, "gradient_registry", None)
    entries = getattr(registry, "_registry", {})
    if name not in entries:
        return
    if not hasattr(graph, "_keras_seq_gradients"):
        graph._keras_seq_gradients = {}
    graph._keras_seq_gradients[name] = entries[name]["type"]
    graph_reference = weakref.ref(graph)

    def gradient(op, *gradients):
        return graph_reference()._keras_seq_gradients[name](op, *gradients)

    entries[name]["type"] = gradient
    weakref.finalize(graph, entries.pop, name, None).atexit = False


def custom_gradient(forward, backward):
    """Inside a graph XLA compiles both directions, each once per shape."""
    keeping = functools.partial(forward, True)
    run_forward = tf.function(keeping, jit_compile=True)
    run_backward = tf.function(backward, jit_compile=True)

    def function(*args):
        present = [x is not None for x in args]
        eager = tf.executing_eagerly()

        def with_none(tensors):
            tensors = iter(tensors)
            return [next(tensors) if there else None for there in present]

        def plain(*tensors):
            return forward(False, *with_none(tensors))[0]

        @with_gradient
        def apply(*tensors):
            # A tape that looked on would want the insides of what XLA compiles.
            hidden = tensors if eager else [tf.stop_gradient(x) for x in tensors]
            outputs, kept = (keeping if eager else run_forward)(*with_none(hidden))

            def pull(*gradients):
                if eager:
                    derivatives = backward(kept, *gradients)
                else:
                    derivatives = run_backward(kept, *(tf.stop_gradient(x) for x in gradients))
                return [x for x, there in zip(derivatives, present, strict=True) if there]

            return outputs, _differentiable(pull, plain, tensors)

        return apply(*(tf.convert_to_tensor(x) for x in args if x is not None))

    return function


def _differentiable(pull, plain, inputs):
    """Give a backward function a gradient: that of what TensorFlow derives from `plain`.

    Args:
        pull: from the gradients of the outputs to those of the inputs, or `None` for some.
        plain: from the inputs to the outputs, in operations that have gradients.
        inputs: a list of tensors.
    """
    count = len(inputs)

    def pull_derived(*tensors):
        inputs, gradients = tensors[:count], tensors[count:]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = plain(*inputs)
        return tape.gradient(outputs, inputs, gradients, unconnected_gradients="zero")

    def apply(*gradients):
        wanted = []  # which inputs have a gradient

        @with_gradient
        def pulled(*tensors):
            derivatives = pull(*tensors[count:])
            wanted.extend(x is not None for x in derivatives)

            def pull_again(*gradients):
                with tf.GradientTape() as tape:
                    tape.watch(tensors)
                    derived = pull_derived(*tensors)
                    derived = [x for x, there in zip(derived, wanted, strict=True) if there]
                return tape.gradient(derived, tensors, gradients)

            return [x for x in derivatives if x is not None], pull_again

        derivatives = iter(pulled(*inputs, *gradients))
        return [next(derivatives) if there else None for there in wanted]

    return apply


def gradient(function, inputs):
    inputs = keras.tree.map_structure(tf.convert_to_tensor, inputs)
    with tf.GradientTape() as tape:
        tape.watch(keras.tree.flatten(inputs))
        value = function(inputs)
    return value, tape.gradient(value, inputs, unconnected_gradients="zero")


def recomputed(function, variables=()):
    def call(*args):
        values = [tf.convert_to_tensor(variable.value) for variable in variables]
        leaves = keras.tree.flatten([list(args), values])
        floating = [x.dtype.is_floating for x in leaves]
        pattern = []

        def plain(*tensors):
            tensors = iter(tensors)
            whole = [
                next(tensors) if there else x for there, x in zip(floating, leaves, strict=True)
            ]
            args_now, values_now = keras.tree.pack_sequence_as([list(args), values], whole)
            mapping = list(zip(variables, values_now, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                results = function(*args_now)
            pattern[:] = [results]
            return keras.tree.flatten(results)

        @with_gradient
        def apply(*tensors):
            def pull(*gradients):
                with tf.GradientTape() as tape:
                    tape.watch(tensors)
                    outputs = plain(*tensors)
                return tape.gradient(
                    outputs, tensors, list(gradients), unconnected_gradients="zero"
                )

            return plain(*(tf.stop_gradient(x) for x in tensors)), pull

        results = apply(*(x for there, x in zip(floating, leaves, strict=True) if there))
        return keras.tree.pack_sequence_as(pattern[0], results)

    return call
