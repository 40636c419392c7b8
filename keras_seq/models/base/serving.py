"""Steps between strings and the ids that models read, in a graph."""

from keras_seq._tensorflow import tensorflow
from keras_seq.text.tokenizer import SPECIAL_TOKENS, check_texts

NO_ANSWER = -1e9  # the score of an answer that there is not; JSON has no infinity


def check_examples(examples, tokenizer):
    """Return the texts of an example request: a list of them, or one of frequent tokens.

    Raises:
        ValueError: for anything but a list of strings, at least one.
    """
    if examples is None:
        first = len(SPECIAL_TOKENS)
        return [tokenizer.detokenize(list(range(first, min(first + 8, tokenizer.vocabulary_size))))]
    examples = check_texts(examples, "`examples` must be a list of texts")
    if not examples:
        raise ValueError("`examples` must hold a text; received none.")
    return examples


def dense(columns):
    """Return ragged columns as a model takes them: padded with 0, and at least one step long."""
    return {name: padded(rows) for name, rows in columns.items()}


def padded(rows, steps=None):
    """Return a ragged tensor padded to `steps`, to its longest row where `None`, and at least 1."""
    tf = tensorflow()
    if steps is None:
        steps = tf.maximum(tf.reduce_max(rows.row_lengths()), 1)
    steps = tf.cast(steps, rows.row_splits.dtype)
    return rows.to_tensor(shape=tf.stack([rows.nrows(), steps]))


def mended(strings):
    """Return strings with U+FFFD where they were no UTF-8."""
    return tensorflow().strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")


def run_search(model, sampler, inputs, limits, first_token_ids, end_token_id, max_length):
    """Return what a sampler finds, each row by itself.

    Every row is row 0 of its own list: what is drawn for it hangs on no other row of the batch.

    Args:
        model: one with `start` and `step`.
        sampler: a `samplers.Sampler`.
        inputs: what `model.start` takes, by name.
        limits: int32 `(batch,)`, how many tokens each row may get.
        first_token_ids: int32 `(batch,)`, what is fed first.
        end_token_id: what ends a row, an integer or a tuple of several.
        max_length: the room for tokens, a Python integer.

    Returns:
        `(token_ids, scores)`: a ragged tensor `(batch * answers, None)`, best answer of each row
        first, and float32 `(batch, answers)`: one answer where the sampler has no `n_best`.
    """
    tf = tensorflow()
    state, memory = model.start(**inputs)
    sequences = sampler.search(
        model.step,
        state,
        memory,
        first_token_ids,
        end_token_id,
        max_length,
        limits,
        tf.zeros_like(first_token_ids),
    )
    count = sampler.n_best or 1
    ids = tf.reshape(sequences["token_ids"][:, :count], (-1, max_length))
    lengths = tf.reshape(sequences["lengths"][:, :count], (-1,))
    scores = tf.cast(sequences["scores"][:, :count], "float32")
    scores = tf.where(tf.math.is_finite(scores), scores, NO_ANSWER)
    return tf.RaggedTensor.from_tensor(ids, lengths), scores


def shaped(answers, sampler):
    """Return strings or scores, `(batch * answers,)` or so, as `(batch,)` or `(batch, n_best)`."""
    tf = tensorflow()
    return tf.reshape(answers, (-1,) if sampler.n_best is None else (-1, sampler.n_best))


def answer_shape(sampler):
    """Return the shape of what `shaped` returns, behind the batch."""
    return () if sampler.n_best is None else (sampler.n_best,)
