"""Classifiers and taggers as functions of ids, for runtimes without strings such as ONNX's."""

import json

import numpy as np
from keras import ops

from keras_seq.export.id_function import IdFunction
from keras_seq.export.signature import Field
from keras_seq.text.tokenizer import SPECIAL_TOKENS

# Longer than the chunks in which linear recurrences run.
LENGTHS = (3, 40)
BATCHES = (1, 3)


def classifier_ids(model):
    """Return the `IdFunction` of a `TextClassifier`: ids to probabilities."""

    def classify(token_ids):
        logits = ops.cast(model({"token_ids": token_ids}, training=False), "float32")
        found = ops.sigmoid(logits) if model.multi_label else ops.softmax(logits)
        return {"probabilities": found}

    each = "of each class by itself" if model.multi_label else "of the classes, which sum to 1"
    inputs = {"token_ids": _ids("tokens")}
    outputs = {"probabilities": Field("float32", each, (len(model.class_names),))}
    metadata = {
        **_metadata(model),
        "class_names": json.dumps(model.class_names, ensure_ascii=False),
        "multi_label": json.dumps(model.multi_label),
    }
    if model.multi_label:
        metadata["threshold"] = str(model.threshold)
    return IdFunction(classify, inputs, outputs, id_examples(model), metadata)


def tagger_ids(model):
    """Return the `IdFunction` of a `TextTagger`: ids to tags and probabilities."""

    def tag(**inputs):
        tags, probabilities = model.answer(inputs)
        return {
            "tags": ops.cast(tags, "int32"),
            "probabilities": ops.cast(probabilities, "float32"),
        }

    inputs = {"token_ids": _ids("words")}
    metadata = {
        **_metadata(model),
        "tag_names": json.dumps(model.tag_names, ensure_ascii=False),
        "scheme": json.dumps(model.scheme),
        "zero_digits": json.dumps(bool(model.zero_digits)),
    }
    if model.character_tokenizer is not None:
        inputs["char_ids"] = _ids("the characters of all words, one behind the other")
        about = "how many of the characters of its row there are up to the end of each word"
        inputs["char_ends"] = Field("int32", about, (None,))
        metadata["max_word_length"] = str(model.max_word_length)
    outputs = {
        "tags": Field("int32", "the number of the tag of each word, from 0", (None,)),
        "probabilities": Field("float32", "of all tags", (None, len(model.tag_names))),
    }
    return IdFunction(tag, inputs, outputs, id_examples(model), metadata)


def _ids(what):
    return Field("int32", f"ids of {what}, padded with 0 to one at least", (None,))


def _metadata(model):
    return {
        "kind": type(model).__name__,
        "padding_id": str(model.tokenizer.pad_token_id),
        "unknown_id": str(model.tokenizer.unknown_token_id),
        "vocabulary_size": str(model.tokenizer.vocabulary_size),
        "max_length": str(model.max_length),
    }


def id_examples(model):
    """Return inputs to compare by: two numbers of rows by two lengths, a list of dicts.

    Where there are several rows, they are of different lengths, and the last one is empty.
    """
    draw = np.random.default_rng(0).integers
    # What is cut in texts may be a limit of a layer.
    lengths = sorted({min(length, model.max_length) for length in LENGTHS})
    found = []
    for rows in BATCHES:
        for steps in lengths:
            counts = np.linspace(steps, 0, rows).astype("int32")
            valid = np.arange(steps) < counts[:, None]
            ids = _drawn(draw, model.tokenizer, (rows, steps))
            example = {"token_ids": np.where(valid, ids, 0).astype("int32")}
            if getattr(model, "character_tokenizer", None) is not None:
                example.update(_characters(draw, model, valid))
            found.append(example)
    return found


def _drawn(draw, tokenizer, shape):
    """Random ids without special tokens, as far as there are others."""
    size = tokenizer.vocabulary_size
    return draw(min(len(SPECIAL_TOKENS), size - 1), size, shape)


def _characters(draw, model, valid):
    """The columns of the characters, for words where `valid`, some of them long."""
    sizes = np.where(valid, draw(1, model.max_word_length + 1, valid.shape), 0)
    ends = np.cumsum(sizes, axis=1)
    ids = _drawn(draw, model.character_tokenizer, (len(valid), ends.max()))
    inside = np.arange(ids.shape[1]) < ends[:, -1:]
    return {
        "char_ids": np.where(inside, ids, 0).astype("int32"),
        "char_ends": ends.astype("int32"),
    }
