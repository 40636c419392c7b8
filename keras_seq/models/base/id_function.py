"""The parts of an id function: fields, metadata, and ids to compare by."""

import numpy as np

from keras_seq.export.signature import Field
from keras_seq.text.tokenizer import SPECIAL_TOKENS

# Longer than the chunks in which linear recurrences run.
LENGTHS = (3, 40)
BATCHES = (1, 3)


def ids_field(what):
    """Return the `Field` of a column of ids."""
    return Field("int32", f"ids of {what}, padded with 0 to one at least", (None,))


def id_metadata(model):
    """Return what there is to know of any model that reads `token_ids`."""
    return {
        "kind": type(model).__name__,
        "padding_id": str(model.tokenizer.pad_token_id),
        "unknown_id": str(model.tokenizer.unknown_token_id),
        "vocabulary_size": str(model.tokenizer.vocabulary_size),
        "max_length": str(model.max_length),
    }


def id_examples(model, columns=None):
    """Return inputs to compare by: two numbers of rows by two lengths, a list of dicts.

    Where there are several rows, they are of different lengths, and the last one is empty.

    Args:
        model: a task model with a `tokenizer` and a `max_length`.
        columns: `(draw, valid) -> dict`, the columns besides `token_ids`, where `valid`.
    """
    draw = np.random.default_rng(0).integers
    # What is cut in texts may be a limit of a layer.
    lengths = sorted({min(length, model.max_length) for length in LENGTHS})
    examples = []
    for rows in BATCHES:
        for steps in lengths:
            counts = np.linspace(steps, 0, rows).astype("int32")
            valid = np.arange(steps) < counts[:, None]
            ids = draw_ids(draw, model.tokenizer, (rows, steps))
            example = {"token_ids": np.where(valid, ids, 0).astype("int32")}
            examples.append({**example, **(columns(draw, valid) if columns else {})})
    return examples


def draw_ids(draw, tokenizer, shape):
    """Return random ids without special tokens, as far as there are others."""
    size = tokenizer.vocabulary_size
    return draw(min(len(SPECIAL_TOKENS), size - 1), size, shape)
