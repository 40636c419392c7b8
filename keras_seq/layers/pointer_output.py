"""The output of a decoder that may point at source tokens."""

from keras import ops

TINY = 1e-9  # added to probabilities, so that none has an infinite logarithm


def pointer_memory(copy_ids, mask, vocabulary_size):
    """Return what a pointer needs to know of the source, a dict of tensors, batch first.

    Args:
        copy_ids: integers `(batch, time)`: which token each source token is, see `Decoder`.
        mask: boolean `(batch, time)`, `False` where padding.
        vocabulary_size: the number of tokens that are not positions of the source.

    Returns:
        `copies`, float32 `(batch, time, vocabulary_size + time)`, 1 where a source token is a
        token, and `possible`, boolean `(batch, vocabulary_size + time)`: a position where no token
        stands for the first time is no token.

    Raises:
        ValueError: where `copy_ids` is `None`.
    """
    if copy_ids is None:
        raise ValueError("A decoder with copy=True needs `copy_ids`; received none.")
    copy_ids = ops.where(mask, copy_ids, 0)
    copies = ops.one_hot(copy_ids, vocabulary_size + ops.shape(mask)[1], dtype="float32")
    copies = copies * ops.cast(mask, "float32")[:, :, None]
    known = ops.arange(ops.shape(copies)[-1]) < vocabulary_size
    return {"copies": copies, "possible": ops.logical_or(known, ops.any(copies > 0, axis=1))}


def mixed_log_probabilities(logits, gate, weights, copies):
    """Return the log-probabilities of writing or copying each token, of one step or of all.

        log(g softmax(logits) + (1 - g) sum_(s: x_s = w) alpha_s)

    Args:
        logits: `(batch[, steps], vocabulary_size)`.
        gate: g, `(batch[, steps], 1)`.
        weights: alpha, `(batch[, steps], time)`.
        copies: as `pointer_memory` returns them.

    Returns:
        `(batch[, steps], vocabulary_size + time)`.
    """
    written = gate * ops.softmax(logits, axis=-1)
    weights = ops.cast(weights, written.dtype)
    written = ops.concatenate([written, ops.zeros_like(weights)], axis=-1)
    copies = ops.cast(copies, written.dtype)
    one_step = len(weights.shape) == 2
    copied = ops.matmul(weights[:, None] if one_step else weights, copies)
    copied = copied[:, 0] if one_step else copied
    return ops.log(written + (1 - gate) * copied + TINY)
