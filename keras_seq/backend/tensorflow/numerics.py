"""Numbers on TensorFlow: losses, scores and places."""

import tensorflow as tf

from keras_seq.backend.tensorflow.loops import rows


def additive_scores(query, keys, scale):
    # Outside of the scope in which Keras casts weights, as in a search, they may differ.
    query, scale = tf.cast(query, keys.dtype), tf.cast(scale, keys.dtype)
    meeting = tf.tanh(query + keys)
    # One product of two matrices is several times faster than one for each row.
    scores = tf.matmul(tf.reshape(meeting, (-1, scale.shape[0])), scale)
    return tf.reshape(scores, (rows(query), 1, meeting.shape[1] or tf.shape(meeting)[1]))


def cross_entropy(labels, logits, constant=False, smoothing=0.0):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    if smoothing:
        chosen = tf.gather(logits, labels, batch_dims=len(labels.shape))
        losses += smoothing * (chosen - tf.reduce_mean(logits, axis=-1))
    return losses


def predictions(logits):
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def top_k(x, k):
    return tf.math.top_k(x, k)


def last_valid_steps(mask):
    valid_first = tf.argsort(tf.cast(~mask, tf.int32), axis=1, stable=True)
    rank = tf.cumsum(tf.cast(mask, tf.int32), axis=1) - 1
    steps = tf.gather(valid_first, tf.maximum(rank, 0), axis=1, batch_dims=1)
    return tf.where(rank < 0, tf.range(tf.shape(mask)[1])[None], steps)
