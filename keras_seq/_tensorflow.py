"""TensorFlow and TensorFlow Text, imported on first use; on the CPU beside another backend."""

import contextlib
import functools

import keras


@functools.cache
def tensorflow():
    """Import TensorFlow on first use, and keep it off the GPU when another backend computes.

    Returns:
        The module `tensorflow`.
    """
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        # RuntimeError: somebody has started TensorFlow already, and its devices are settled.
        with contextlib.suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
    return tf


@functools.cache
def tensorflow_text():
    """Import TensorFlow Text on first use, after `tensorflow()`.

    Returns:
        The module `tensorflow_text`.
    """
    tensorflow()
    import tensorflow_text

    return tensorflow_text


def to_utf8(text: str) -> bytes:
    """UTF-8 of a str, with U+FFFD for lone surrogates, which UTF-8 cannot hold."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode()
