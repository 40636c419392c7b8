"""Task models as functions of ids, for runtimes without strings such as ONNX."""

import json

import numpy as np
from keras import ops

from keras_seq.export.onnx_model import write_onnx
from keras_seq.export.signature import Field
from keras_seq.models.text_classifier import TextClassifier
from keras_seq.models.text_tagger import TextTagger
from keras_seq.text.tokenizer import SPECIAL_TOKENS

# Longer than the chunks in which linear recurrences run.
LENGTHS = (3, 40)
BATCHES = (1, 3)


def write_ids(path, model, verbose=False):
    """Write a classifier or a tagger as an ONNX file; see `export.onnx_model.write_onnx`.

    The Keras backend must be TensorFlow. The file takes what `call` takes, int32 ids as
    `model.encode_examples` makes them of texts, padded with 0, and gives what follows from them:

    - a classifier: `probabilities`, float32 `(batch, classes)`;
    - a tagger: `tags`, int32 `(batch, words)`, numbers into `tag_names`, found as `tag` finds them,
      and `probabilities`, float32 `(batch, words, tags)`; both anything where padding.

    Its metadata say the names of the classes or tags (as JSON), and what else there is to know to
    prepare ids; see `id_metadata`.

    Args:
        path: the file.
        model: a `TextClassifier` or a `TextTagger`.
        verbose: whether to print the report.

    Returns:
        The report, a list of lines.

    Raises:
        ValueError: for a model of another kind or in half precision, for what cannot be converted,
            and without the packages.

    Example:

    ```python
    write_ids("reviews.onnx", model)
    session = onnxruntime.InferenceSession("reviews.onnx")
    names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
    (ids,) = model.encode_examples(["a fine film"]).inputs["token_ids"]
    (probabilities,) = session.run(["probabilities"], {"token_ids": ids[None]})
    ```
    """
    function, inputs, outputs = model_ids(model)
    return write_onnx(
        path,
        function,
        inputs,
        outputs,
        id_examples(model),
        verbose,
        model.weights,
        f"A {type(model).__name__} of keras_seq.",
        id_metadata(model),
    )


def model_ids(model):
    """Return `(function, inputs, outputs)` of a model, as `write_onnx` takes them.

    Raises:
        ValueError: for a model of another kind, or in half precision.
    """
    if not isinstance(model, (TextClassifier, TextTagger)):
        raise ValueError(
            f"A {type(model).__name__} cannot be exported as ONNX, only a TextClassifier or a "
            "TextTagger: it writes until an end token, with a search over its own answers, which "
            "is no function of ids alone. Export it as a SavedModel, format='tf_saved_model', "
            "which holds the search and the tokenizers."
        )
    if model.compute_dtype != "float32":
        raise ValueError(
            f"Only models that compute in float32 can be exported as ONNX; the dtype policy of "
            f"this one is {model.dtype_policy.name}: make it anew with dtype='float32', and give "
            "it the weights by `set_weights(model.get_weights())`."
        )
    make = classifier_ids if isinstance(model, TextClassifier) else tagger_ids
    return make(model)


def classifier_ids(model):
    """Return `(function, inputs, outputs)` of a `TextClassifier`: ids to probabilities."""

    def classify(token_ids):
        logits = ops.cast(model({"token_ids": token_ids}, training=False), "float32")
        found = ops.sigmoid(logits) if model.multi_label else ops.softmax(logits)
        return {"probabilities": found}

    each = "of each class by itself" if model.multi_label else "of the classes, which sum to 1"
    inputs = {"token_ids": _ids("tokens")}
    outputs = {"probabilities": Field("float32", each, (len(model.class_names),))}
    return classify, inputs, outputs


def tagger_ids(model):
    """Return `(function, inputs, outputs)` of a `TextTagger`: ids to tags and probabilities."""

    def tag(**inputs):
        tags, probabilities = model.answer(inputs)
        return {
            "tags": ops.cast(tags, "int32"),
            "probabilities": ops.cast(probabilities, "float32"),
        }

    inputs = {"token_ids": _ids("words")}
    if model.character_tokenizer is not None:
        inputs["char_ids"] = _ids("the characters of all words, one behind the other")
        about = "how many of the characters of its row there are up to the end of each word"
        inputs["char_ends"] = Field("int32", about, (None,))
    outputs = {
        "tags": Field("int32", "the number of the tag of each word, from 0", (None,)),
        "probabilities": Field("float32", "of all tags", (None, len(model.tag_names))),
    }
    return tag, inputs, outputs


def _ids(what):
    return Field("int32", f"ids of {what}, padded with 0 to one at least", (None,))


def id_metadata(model):
    """Return what a file says of a model, a dict of str; lists as JSON."""
    found = {
        "kind": type(model).__name__,
        "padding_id": str(model.tokenizer.pad_token_id),
        "unknown_id": str(model.tokenizer.unknown_token_id),
        "vocabulary_size": str(model.tokenizer.vocabulary_size),
        "max_length": str(model.max_length),
    }
    if isinstance(model, TextClassifier):
        found["class_names"] = json.dumps(model.class_names, ensure_ascii=False)
        found["multi_label"] = json.dumps(model.multi_label)
        if model.multi_label:
            found["threshold"] = str(model.threshold)
        return found
    found["tag_names"] = json.dumps(model.tag_names, ensure_ascii=False)
    found["scheme"] = json.dumps(model.scheme)
    found["zero_digits"] = json.dumps(bool(model.zero_digits))
    if model.character_tokenizer is not None:
        found["max_word_length"] = str(model.max_word_length)
    return found


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
