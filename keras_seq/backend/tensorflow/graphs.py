"""Graphs of TensorFlow: compiled, portable, and what is known while one is made."""

import threading

import tensorflow as tf

from keras_seq.backend.stack import Stack

takes_tf_data = True
portable_graphs = Stack()
compiled_graphs = Stack()  # true while `compiled` makes a graph
# While a graph is made, cells hold tensors of it, such as what they drop out: one at a time.
_TRACING = threading.RLock()


def compiled(function, variables=(), reading=None):
    del variables, reading  # captured by reference
    traced = {}

    def trace(key):
        with _TRACING, compiled_graphs.holding(True):
            if key not in traced:  # by another thread meanwhile
                specs = [tf.TensorSpec(shape, dtype) for shape, dtype in key]
                traced[key] = _traced(function, specs)
        return traced[key]

    def call(*args):
        # One graph for each shape on purpose; left to itself, tf.function warns of it.
        key = tuple((tuple(x.shape), x.dtype) for x in args)
        return (traced.get(key) or trace(key))(*args)

    return call


def _traced(function, specs):
    """The graph of a function; only one that branches on a value in Python needs AutoGraph.

    To look through all functions for such branches takes seconds.
    """
    try:
        return tf.function(function, autograph=False).get_concrete_function(*specs)
    except tf.errors.OperatorNotAllowedInGraphError:
        return tf.function(function).get_concrete_function(*specs)


def round_products(dtype):
    if dtype == "bfloat16":
        raise ValueError(
            "TensorFlow rounds the factors of float32 products to tensorfloat32, or not at all; "
            "received 'bfloat16'."
        )
    tf.config.experimental.enable_tensor_float_32_execution(dtype == "tensorfloat32")


def portable():
    return portable_graphs.holding(True)


def static_step(jit_compile):
    if jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU"))
    return bool(jit_compile)


def choose(mask, arrays):
    return tuple(tf.boolean_mask(array, mask) for array in arrays)


def run_if(condition, function):
    def run():
        function()
        return 0

    tf.cond(condition, run, lambda: 0)
