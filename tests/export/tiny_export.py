"""A SavedModel made by hand, with what lies around it."""

import functools
import tempfile

from keras_seq._tensorflow import tensorflow
from keras_seq.export import Field, Signature, load
from keras_seq.export.description import describe, write_json
from keras_seq.export.warm_up import write_warm_up

TEXT = {"text": Field("string", "the texts, UTF-8")}
EXAMPLE = {"text": ["a naïve 日本 😀", "b"]}
ABOUT = {"kind": "tiny", "backend": "none"}


def answer(text):
    tf = tensorflow()
    length = tf.cast(tf.strings.length(text, "UTF8_CHAR"), "float32")
    return {"outputs": tf.strings.upper(text, "utf-8"), "scores": -length / 3}


def attend(text):
    tf = tensorflow()
    tokens = tf.strings.split(text)
    weights = tf.ones_like(tokens, "float32") / tf.cast(tokens.row_lengths(), "float32")[:, None]
    return {"tokens": tokens.to_tensor(), "attention": weights.to_tensor()}


def weigh(number, factor):
    tf = tensorflow()
    positive = tf.debugging.assert_non_negative(number, "a negative number")
    with tf.control_dependencies([positive]):
        return {"weights": tf.cast(number, "float32") * factor}


def crowd(text):
    """No answer to be served: it depends on the other rows."""
    tf = tensorflow()
    return {"count": tf.fill(tf.shape(text), tf.size(text))}


SIGNATURES = [
    Signature(
        "serving_default",
        "Says it louder.",
        answer,
        TEXT,
        {"outputs": Field("string", "loud"), "scores": Field("float32", "how loud")},
        EXAMPLE,
    ),
    Signature(
        "attend",
        "Reads.",
        attend,
        TEXT,
        {
            "tokens": Field("string", "words", (None,)),
            "attention": Field("float32", "weights", (None,)),
        },
        EXAMPLE,
    ),
    Signature(
        "weigh",
        "Multiplies.",
        weigh,
        {"number": Field("int32", "how many"), "factor": Field("float32", "how much each")},
        {"weights": Field("float32", "the product")},
        {"number": [7, 1], "factor": [2, 0.1]},
    ),
]
CROWD = Signature(
    "crowd", "Counts rows.", crowd, TEXT, {"count": Field("int32", "rows")}, {"text": ["a"]}
)


def write(folder, signatures):
    """Write a SavedModel and its `signature.json`; returns the latter's content."""
    tf = tensorflow()
    module = tf.Module()
    traced = {one.name: graph_of(one) for one in signatures}
    tf.saved_model.save(module, str(folder), signatures=traced)
    description = describe(signatures, ABOUT, load(folder))
    write_json(folder, description)
    return description


def graph_of(signature):
    """The traced function of a signature."""
    tf = tensorflow()
    specs = {
        name: tf.TensorSpec((None, *field.shape), field.dtype, name=name)
        for name, field in signature.inputs.items()
    }
    return tf.function(signature.function).get_concrete_function(**specs)


@functools.cache
def tiny():
    """The folder of all versions, with version 3 in it, made once; only to be read."""
    path = _folder().name
    write(f"{path}/3", SIGNATURES)
    write_warm_up(f"{path}/3", "tiny", SIGNATURES)
    return path


@functools.cache
def served():
    """The export, loaded once."""
    return load(tiny())


@functools.cache
def _folder():
    """A folder that goes with this process."""
    return tempfile.TemporaryDirectory(prefix="keras_seq_tiny_")
