"""What is dropped in training: features, and whole tokens."""

import keras
from keras import ops


def dropout_layer(rate, variational, dtype):
    """Return a layer that drops features of `(batch, steps, features)`.

    Args:
        rate: a number in [0, 1).
        variational: whether it drops the same features at all steps of a row (Gal & Ghahramani,
            2016, arXiv:1512.05287).
        dtype: a dtype policy.
    """
    kind = keras.layers.SpatialDropout1D if variational else keras.layers.Dropout
    return kind(rate, dtype=dtype)


def ones_dropped(layer, inputs, size):
    """Return ones without those that a dropout layer drops, `(batch, steps, size)`."""
    ones = ops.ones((*ops.shape(inputs)[:2], size), dtype=layer.compute_dtype)
    return layer(ones, training=True)


def masks_between(layer, cells):
    """Return a mask per sequence for each boundary between two cells; `None` where none is needed.

    Args:
        layer: a dropout layer.
        cells: for each cell the list of its state tensors, the output first.
    """
    if not layer.rate:
        return None
    tops = [ops.ones_like(tensors[0], dtype=layer.compute_dtype) for tensors in cells[:-1]]
    return [keras.random.dropout(top, layer.rate, seed=layer.seed_generator) for top in tops]


def some_unknown(token_ids, rate, unknown_token_id, seed, first=None):
    """Return the ids, each with the probability `rate` replaced by that of the unknown token.

    The vector of the unknown token is learnt, as the replacement in Stanza's taggers is: the other
    vectors are not scaled, and a word that is unknown later is nothing new. AWD-LSTM puts 0 in the
    place of a token wherever it stands in a batch and scales the others, which is
    `embedding_dropout` of a `LanguageModel`.

    Args:
        token_ids: integers of any shape.
        rate: a number in [0, 1).
        unknown_token_id: that id.
        seed: a `keras.random.SeedGenerator`.
        first: ids below it stay; where `None` those up to the unknown token, which are the special
            ones, padding among them.

    References:
        - Gal & Ghahramani, 2016, arXiv:1512.05287 (tokens dropped as a whole).
        - Bowman et al., 2016, "Generating sentences from a continuous space", arXiv:1511.06349
          (the unknown token in their place).
    """
    first = unknown_token_id + 1 if first is None else first
    drawn = keras.random.uniform(ops.shape(token_ids), seed=seed)
    dropped = ops.logical_and(token_ids >= first, drawn < rate)
    return ops.where(dropped, ops.full_like(token_ids, unknown_token_id), token_ids)
