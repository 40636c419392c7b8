"""Operations that tokenizers share: on strings of TensorFlow, and on lists."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from keras_seq._tensorflow import tensorflow, tensorflow_text

# One TensorFlow call takes about this much text: enough to be fast, little enough for memory.
_CHUNK_TEXTS = 16_384
_CHUNK_CHARACTERS = 1_000_000


def clean_strings(strings, normalization: str | None, lowercase: bool):
    """Mend broken UTF-8 (U+FFFD), normalise to a Unicode form, lower the case.

    `characters.clean` does it in Python.

    Args:
        strings: string tensor.
        normalization: None, "NFC" or "NFKC".
        lowercase: whether to lower the case, by the rules of Unicode.

    Returns:
        A string tensor of the same shape.
    """
    tf = tensorflow()
    strings = tf.strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")
    if normalization is not None:
        strings = tensorflow_text().normalize_utf8(strings, normalization)
    return tf.strings.lower(strings, encoding="utf-8") if lowercase else strings


def running_count(flags):
    """Booleans (n,) -> int64 (n + 1,): how many of the first 0, 1, ... n are true."""
    tf = tensorflow()
    return tf.concat([[0], tf.cumsum(tf.cast(flags, tf.int64))], 0)


def without(tokens, unwanted):
    """A ragged string tensor (batch, None) without some strings."""
    tf = tensorflow()
    same = tokens.flat_values[:, None] == tf.constant(unwanted)
    keep = tokens.with_flat_values(~tf.reduce_any(same, axis=1))
    return tf.ragged.boolean_mask(tokens, keep)


def chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in lists that one TensorFlow call can take."""
    chunk, characters = [], 0
    for text in texts:
        chunk.append(text)
        characters += len(text)
        if len(chunk) >= _CHUNK_TEXTS or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def cut_rows(flat: np.ndarray, lengths: Iterable[int]) -> list[np.ndarray]:
    """What stands one behind the other, as arrays of these lengths.

    >>> [row.tolist() for row in cut_rows(np.arange(3), [2, 0, 1])]
    [[0, 1], [], [2]]
    """
    splits = itertools.accumulate(lengths, initial=0)
    return [flat[a:b] for a, b in itertools.pairwise(splits)]
