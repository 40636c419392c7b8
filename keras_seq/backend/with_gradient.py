"""TensorFlow functions with a gradient of their own, which is forgotten with their graph."""

import functools
import weakref

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
    found = weakref.ref(graph)

    def gradient(op, *gradients):
        return found()._keras_seq_gradients[name](op, *gradients)

    entries[name]["type"] = gradient
    weakref.finalize(graph, entries.pop, name, None).atexit = False
