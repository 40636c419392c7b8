"""Check the vocabulary, the texts and the ids that a tokenizer is given."""

import itertools
import sys
from collections.abc import Iterable, Iterator
from numbers import Integral

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq._tensorflow import tensorflow
from keras_seq.text.forms import (
    describe,
    is_column,
    is_iterator,
    is_missing,
    is_readable,
    one_by_one,
    single_text,
)

SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>")
NORMALIZATIONS = (None, "NFC", "NFKC")


def check_max_vocabulary(max_vocabulary: int | None) -> None:
    """A ValueError unless there is room for one token besides the special ones."""
    if max_vocabulary is not None:
        special = len(SPECIAL_TOKENS)
        check_at_least("max_vocabulary", max_vocabulary, special + 1, f"{special} are special")


def check_vocabulary(vocabulary: Iterable[str]) -> list[str]:
    expected = "`vocabulary` must be a list of str"
    if isinstance(vocabulary, str) or not isinstance(vocabulary, Iterable):
        raise ValueError(f"{expected}; received {describe(vocabulary)}.")
    tokens = list(vocabulary)
    for position, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ValueError(f"{expected}; received {describe(token)} at position {position}.")
    if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
        raise ValueError(
            f"`vocabulary` must begin with {', '.join(SPECIAL_TOKENS)}; received {tokens[:4]}. "
            "`from_texts` builds one from a corpus."
        )
    return tokens


def check_corpus(texts: Iterable[str]) -> Iterator[str]:
    """The texts of a corpus one by one; a ValueError when it is empty or holds something else."""
    expected, position = "`texts` must be an iterable of str", -1
    if single_text(texts) is not None:
        raise ValueError(f"{expected}; received {describe(texts)}.")
    source = one_by_one(texts)
    try:
        first = next(source, source)
    except TypeError as error:
        raise ValueError(f"{expected}; received {describe(texts)}.") from error
    if first is not source:
        for position, text in enumerate(itertools.chain([first], source)):
            yield text if type(text) is str else _text(text, position, expected)
    if position < 0:
        read = "it can be read once only, and may have been read before. Give a list."
        raise ValueError(
            "`texts` must hold at least one text; received an empty corpus"
            + (f", a {type(texts).__name__}: {read}" if is_iterator(texts) else ".")
        )


def check_texts(texts, expected: str) -> list[str]:
    """A list of str; a ValueError that says what was expected, what came instead, and where."""
    if not isinstance(texts, list | tuple):
        if single_text(texts) is not None or not (is_column(texts) or is_readable(texts)):
            raise ValueError(f"{expected}; received {describe(texts)}.")
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
        raise ValueError(f"{expected}; received {describe(value)} {where}.") from error
    if text is None:
        missing = ", a missing value" if is_missing(value) else ""
        raise ValueError(f"{expected}; received {describe(value)} at position {position}{missing}.")
    return text


def check_ids(ids, vocabulary_size: int) -> tuple[list[np.ndarray], bool]:
    """Python ids -> their rows, and whether they were one row alone."""
    if hasattr(ids, "dtype") and hasattr(ids, "shape"):
        array = _array(ids)
        if array.ndim not in (1, 2):
            raise ValueError(f"`ids` must be of rank 1 or 2; received {describe(ids)}.")
        single, rows = array.ndim == 1, np.atleast_2d(array)
    elif isinstance(ids, list | tuple):
        single = not ids or isinstance(ids[0], Integral)
        rows = [ids] if single else ids
    else:
        raise ValueError(f"`ids` must be a list or an array of ids; received {describe(ids)}.")
    return [_check_row(row, i, vocabulary_size) for i, row in enumerate(rows)], single


def _check_row(row, position: int, vocabulary_size: int) -> np.ndarray:
    try:
        array = _array(row) if hasattr(row, "shape") else np.asarray(row)
    except ValueError:  # rows of different depth
        array = np.empty((), object)
    if array.shape == (0,):
        return np.empty(0, "int64")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            "`ids` must be a list of ids, or a list of such lists; received "
            f"{describe(row)} in row {position}."
        )
    wrong = array[(array < 0) | (array >= vocabulary_size)]
    if wrong.size:
        raise ValueError(
            f"`ids` must be from 0 to {vocabulary_size - 1}; received {wrong[0]} in row {position}."
        )
    return array


def _array(values) -> np.ndarray:
    """An array or a tensor as an array of NumPy."""
    if not isinstance(values, np.ndarray):
        import keras  # not above: text in Python does without

        values = keras.ops.convert_to_numpy(values)
    return np.asarray(values)


def written_ids(ids: np.ndarray) -> list[int]:
    """The ids that have a text: those before the first end token, without padding and start.

    >>> written_ids(np.array([1, 5, 0, 3, 2, 4]))
    [5, 3]
    """
    row = ids.tolist()
    row = row[: row.index(2)] if 2 in row else row
    return [token_id for token_id in row if token_id > 1]


def is_tensor(value) -> bool:
    """Whether this is TensorFlow's; where nobody has imported TensorFlow, nothing is."""
    return "tensorflow" in sys.modules and tensorflow().is_tensor(value)
