"""What the steps of every task model have in common: the manifest, and ids to compare by."""

import keras
import numpy as np

from keras_seq.export.step_model import describe_tokenizer
from keras_seq.models.base.id_function import BATCHES, LENGTHS, draw_ids
from keras_seq.models.base.stop_tokens import end_token_ids

ABOUT = {
    "token_ids": "the tokens that are read, one in each row",
    "logits": "of the next token: their softmax is how probable each is",
    "rows": "one number for each row, whatever it is",
    "coverage": "the sum of the attention weights so far, and 1 where the source is padding",
    "fed": "the last readout, which is fed too",
    "attention": "how much each source token counted, float; the sum is 1",
}


def task_manifest(model, kind, tokenizers):
    """Return what the manifest of every task says.

    Args:
        model: the task model.
        kind: the name of the class that a reader knows.
        tokenizers: from roles to tokenizers.
    """
    described = {role: describe_tokenizer(tokenizer) for role, tokenizer in tokenizers.items()}
    return {"kind": kind, "class": type(model).__name__, "tokenizers": described}


def writing_manifest(tokenizer, sampler, max_length, stop_tokens):
    """Return what the manifest of a model that writes says of the search besides.

    Args:
        tokenizer: that of what is written.
        sampler: a `samplers.Sampler`.
        max_length: the most tokens to write, or `None`.
        stop_tokens: as in `generate`.
    """
    ends = end_token_ids(tokenizer, stop_tokens)
    return {
        "sampler": {"name": sampler_name(sampler), "config": sampler.get_config()},
        "max_length": max_length,
        "end_ids": [ends] if isinstance(ends, int) else list(ends),
    }


def sampler_name(sampler):
    """The name by which a reader knows a sampler; that of its class for one of a user."""
    registered = keras.saving.get_registered_name(type(sampler))
    package, _, name = registered.partition(">")
    return name.lower() if package == "keras_seq" else type(sampler).__name__


def drawn_ids(tokenizer, rows_and_steps=None):
    """Return ids of unequal rows to compare by, each row padded: int32 arrays, one a shape.

    The last row of several is padding but for its first token.
    """
    draw = np.random.default_rng(0).integers
    shapes = rows_and_steps or list(zip(BATCHES, LENGTHS, strict=True))
    found = []
    for rows, steps in shapes:
        counts = np.linspace(steps, 1, rows).astype("int32")
        ids = draw_ids(draw, tokenizer, (rows, steps))
        found.append(np.where(np.arange(steps) < counts[:, None], ids, 0).astype("int32"))
    return found
