"""Check the vocabulary, the texts and the ids that a tokenizer is given."""

import itertools
import sys
from collections.abc import Iterable, Iterator
from numbers import Integral

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.text.forms import (
    is_column,
    is_iterator,
    is_missing,
    is_readable,
    one_by_one,
    single_text,
)

SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>")
NORMALIZATIONS = (None, "NFC", "NFKC")


def check_normalization(normalization: str | None) -> str | None:
    """A Unicode normal form that the tokenizers know, or a ValueError."""
    if normalization not in NORMALIZATIONS:
        raise ValueError(
            f"`normalization` must be one of {NORMALIZATIONS}; received {normalization!r}"
        )
    return normalization


def check_max_vocabulary(max_vocabulary: int | None) -> None:
    """A ValueError unless there is room for one token besides the special ones."""
    if max_vocabulary is not None and max_vocabulary <= len(SPECIAL_TOKENS):
        raise ValueError(
            f"max_vocabulary counts the {len(SPECIAL_TOKENS)} special tokens and must be larger; "
            f"received {max_vocabulary}"
        )


def check_vocabulary(vocabulary: Iterable[str]) -> list[str]:
    if isinstance(vocabulary, str) or not isinstance(vocabulary, Iterable):
        raise ValueError(f"a vocabulary is a list of str; received {describe(vocabulary)}")
    tokens = list(vocabulary)
    for position, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ValueError(
                f"a vocabulary is a list of str; received {describe(token)} at position {position}"
            )
    if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
        raise ValueError(
            f"a vocabulary begins with {', '.join(SPECIAL_TOKENS)}; received {tokens[:4]}; "
            "from_texts() builds one from a corpus"
        )
    return tokens


def check_corpus(texts: Iterable[str]) -> Iterator[str]:
    """The texts of a corpus one by one; a ValueError when it is empty or holds something else."""
    expected, position = "from_texts() takes an iterable of str", -1
    if single_text(texts) is not None:
        raise ValueError(f"{expected}; received {describe(texts)}")
    source = one_by_one(texts)
    try:
        first = next(source, source)
    except TypeError as error:
        raise ValueError(f"{expected}; received {describe(texts)}") from error
    if first is not source:
        for position, text in enumerate(itertools.chain([first], source)):
            yield text if type(text) is str else _text(text, position, expected)
    if position < 0:
        read = "; it can be read once only, and may have been read before: give a list"
        raise ValueError(
            "from_texts() needs at least one text; received an empty corpus"
            + (f", a {type(texts).__name__}{read}" if is_iterator(texts) else "")
        )


def check_texts(texts, expected: str) -> list[str]:
    """A list of str; a ValueError that says what was expected, what came instead, and where."""
    if not isinstance(texts, list | tuple):
        if single_text(texts) is not None or not (is_column(texts) or is_readable(texts)):
            raise ValueError(f"{expected}; received {describe(texts)}")
        texts = one_by_one(texts)
    return [
        text if type(text) is str else _text(text, position, expected)
        for position, text in enumerate(texts)
    ]


def _text(value, position: int, expected: str) -> str:
    """The str that a value is; a ValueError where it is none."""
    try:
        text = single_text(value)
    except UnicodeDecodeError as error:
        where = f"at position {position}: no UTF-8"
        raise ValueError(f"{expected}; received {describe(value)} {where}") from error
    if text is None:
        missing = ", a missing value" if is_missing(value) else ""
        raise ValueError(f"{expected}; received {describe(value)} at position {position}{missing}")
    return text


def check_ids(ids, vocabulary_size: int) -> tuple[list[np.ndarray], bool]:
    """Python ids -> their rows, and whether they were one row alone."""
    if hasattr(ids, "dtype") and hasattr(ids, "shape"):
        array = np.asarray(keras.ops.convert_to_numpy(ids))
        if array.ndim not in (1, 2):
            raise ValueError(f"detokenize() takes ids of rank 1 or 2; received {describe(ids)}")
        single, rows = array.ndim == 1, np.atleast_2d(array)
    elif isinstance(ids, list | tuple):
        single = not ids or isinstance(ids[0], Integral)
        rows = [ids] if single else ids
    else:
        raise ValueError(f"detokenize() takes ids; received {describe(ids)}")
    return [_check_row(row, i, vocabulary_size) for i, row in enumerate(rows)], single


def _check_row(row, position: int, vocabulary_size: int) -> np.ndarray:
    try:
        array = np.asarray(keras.ops.convert_to_numpy(row) if hasattr(row, "shape") else row)
    except ValueError:  # rows of different depth
        array = np.empty((), object)
    if array.shape == (0,):
        return np.empty(0, "int64")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            "detokenize() takes a list of ids, or a list of such lists; "
            f"row {position} is {describe(row)}"
        )
    wrong = array[(array < 0) | (array >= vocabulary_size)]
    if wrong.size:
        raise ValueError(
            f"detokenize() takes ids from 0 to {vocabulary_size - 1}; "
            f"received {wrong[0]} in row {position}"
        )
    return array


def is_tensor(value) -> bool:
    """Whether this is TensorFlow's; where nobody has imported TensorFlow, nothing is."""
    return "tensorflow" in sys.modules and tensorflow().is_tensor(value)


def describe(value) -> str:
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        dtype = getattr(value.dtype, "name", value.dtype)
        kind = "tensor" if is_tensor(value) else "array"
        return f"{dtype} {kind} of shape {value.shape}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
