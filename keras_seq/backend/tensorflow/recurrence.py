"""Recurrences on TensorFlow: which gradient, and linear ones in chunks."""

import tensorflow as tf

from keras_seq.backend.tensorflow.gradients import with_gradient
from keras_seq.backend.tensorflow.graphs import compiled_graphs, portable_graphs
from keras_seq.backend.tensorflow.loops import scan

try:
    from tensorflow.python.eager.record import could_possibly_record  # whether a tape looks on
except ImportError:  # not public: without, a training loop of one's own has plain kernels

    def could_possibly_record():
        return False


def hand_gradient_pays(units):
    """Where XLA compiles it, but for few units: that takes longer than it saves."""
    if tf.executing_eagerly() or units < 32 or portable_graphs.top():
        return False
    # Nor where the graph may leave this process: nobody says that it will.
    return could_possibly_record() or bool(compiled_graphs.top()) or _is_step_of_keras()


# Functions of Keras in which `fit`, `evaluate` and `predict` run a model; an export has others.
_STEPS = {
    "one_step_on_data",
    "one_step_on_data_distributed",
    "multi_step_on_data",
    "one_step_on_iterator",
    "multi_step_on_iterator",
}


def _is_step_of_keras():
    """Whether the graph being made is one that trains or predicts, here and now."""
    graph = tf.compat.v1.get_default_graph()
    while graph is not None:
        if getattr(graph, "name", None) in _STEPS:
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


_CHUNK = 32  # steps of a linear recurrence that one part of the graph holds


@tf.autograph.experimental.do_not_convert  # it would look through the decorator of the gradient
def linear_scan(decay, inputs, state, reverse=False):
    """The sequence in chunks, side by side; the gradient is a linear recurrence backwards."""

    @with_gradient
    def scanned(decay, inputs, state):
        outputs = _chunked(decay, inputs, state, reverse)

        def backward(gradient):
            if reverse:
                before = tf.concat([outputs, state[:, None]], axis=1)[:, 1:]
                following = tf.concat([tf.ones_like(decay[:, :1]), decay[:, :-1]], axis=1)
            else:
                before = tf.concat([state[:, None], outputs], axis=1)[:, :-1]
                following = tf.concat([decay[:, 1:], tf.ones_like(decay[:, :1])], axis=1)
            total = linear_scan(following, gradient, tf.zeros_like(state), not reverse)
            first = slice(-1, None) if reverse else slice(1)
            of_state = tf.reduce_sum(decay[:, first] * total[:, first], axis=1)  # 0 if no steps
            return total * before, total, of_state

        return outputs, backward

    return scanned(decay, inputs, state)


def _chunked(decay, inputs, state, reverse):
    """The chunks of `linear_scan`, side by side.

    What a chunk makes of the state before it is known after as many operations as it has steps;
    the states between the chunks follow one from the other; then all run again, from the right
    state.
    """
    batch, steps, size = tf.unstack(tf.shape(inputs))
    time = inputs.shape[1]
    chunk = _CHUNK if time is None else max(1, min(_CHUNK, time))
    count = tf.maximum((steps + chunk - 1) // chunk, 1)  # `scan` needs a step
    more = count * chunk - steps

    def split(x, filling):
        widths = [[0, 0], [more, 0] if reverse else [0, more], [0, 0]]
        x = tf.reshape(
            tf.pad(x, widths, constant_values=filling), (batch, count, chunk, x.shape[2] or size)
        )
        x = tf.unstack(x, axis=2)  # chunk times (batch, count, size)
        return x[::-1] if reverse else x

    steps_of_chunk = list(zip(split(decay, 1), split(inputs, 0), strict=True))
    kept, total = tf.ones_like(steps_of_chunk[0][0]), tf.zeros_like(steps_of_chunk[0][0])
    for a, b in steps_of_chunk:
        kept, total = a * kept, a * total + b
    if reverse:
        kept, total = tf.reverse(kept, [1]), tf.reverse(total, [1])
    h, _ = scan(lambda x, h: (h, x[0] * h + x[1]), state, (kept, total))  # before each chunk
    if reverse:
        h = tf.reverse(h, [1])
    outputs = []
    for a, b in steps_of_chunk:
        h = a * h + b
        outputs.append(h)
    outputs = tf.stack(outputs[::-1] if reverse else outputs, axis=2)
    outputs = tf.reshape(outputs, (batch, count * chunk, inputs.shape[2] or size))
    outputs = outputs[:, more:] if reverse else outputs[:, :steps]
    outputs.set_shape(inputs.shape)
    return outputs
