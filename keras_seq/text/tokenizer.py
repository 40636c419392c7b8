"""What all tokenizers share: special ids, checks, the way from Python into TensorFlow."""

import itertools
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any, ClassVar

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow, tensorflow_text, to_utf8
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
_SILENT = frozenset(SPECIAL_TOKENS[:3])

# One TensorFlow call takes about this much text: enough to be fast, little enough for memory.
_CHUNK_TEXTS = 16_384
_CHUNK_CHARACTERS = 1_000_000

_MAKING = threading.RLock()  # a table made twice would be destroyed once too early


class Tokenizer:
    """Base of the tokenizers: strings to ids and back, in TensorFlow operations.

    The same object turns Python strings into lists on every Keras backend, maps a `tf.data`
    dataset, and is traced into a SavedModel. It is a plain object, no layer: call `tokenize` and
    `detokenize`. Its config holds the vocabulary, so a model's config alone rebuilds it. TensorFlow
    is imported when something is first tokenised; its lookup tables belong to one object and
    travel neither with a copy nor with a pickle.

    The ids of the special tokens are the same in every tokenizer, and no text gives one of the
    first three: the text `"</s>"` is four characters, not an end.

    | id | token   | attribute          |
    |----|---------|--------------------|
    | 0  | `<pad>` | `pad_token_id`     |
    | 1  | `<s>`   | `start_token_id`   |
    | 2  | `</s>`  | `end_token_id`     |
    | 3  | `<unk>` | `unknown_token_id` |

    A subclass writes `_make_resources` (tables, made once outside of any graph), `_split`
    (strings to token strings), `_join` and `_join_tensor` (token strings to a string), `_to_ids`
    (strings to ids), `_to_text` (ids to strings) and extends `get_config`.

    Args:
        vocabulary: list of distinct str, the special tokens first; the index of a token is its id.

    Raises:
        ValueError: when the vocabulary is not such a list.
    """

    pad_token_id: ClassVar[int] = 0
    start_token_id: ClassVar[int] = 1
    end_token_id: ClassVar[int] = 2
    unknown_token_id: ClassVar[int] = 3
    spells_every_word: ClassVar[bool] = False  # by pieces, so that none is unknown

    def __init__(self, vocabulary: Iterable[str]):
        self._vocabulary = _check_vocabulary(vocabulary)
        self._index = {token: i for i, token in enumerate(self._vocabulary)}
        if len(self._index) < len(self._vocabulary):
            twice = next(t for i, t in enumerate(self._vocabulary) if self._index[t] != i)
            raise ValueError(f"the tokens of a vocabulary must be distinct, got {twice!r} twice")
        self._resources: dict[str, Any] = {}

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        max_vocabulary: int | None = None,
        min_count: int = 1,
        **options,
    ) -> "Tokenizer":
        """Build the vocabulary from texts: most frequent tokens first, ties by code point.

        Args:
            texts: iterable of str, the corpus, also a `Series`, an array, or a `tf.data.Dataset` of
                strings; read once.
            max_vocabulary: largest number of ids, the 4 special ones included; None for no limit.
            min_count: a token must occur this often to enter the vocabulary.
            **options: further arguments of the constructor, such as `lowercase`.

        Returns:
            A tokenizer of this class.

        Raises:
            ValueError: when `texts` is empty, one str, or holds something else than str, and when
                no token is left.
        """
        check_max_vocabulary(max_vocabulary)
        probe = cls(SPECIAL_TOKENS, **options)
        counts: Counter[str] = Counter()
        for chunk in _chunks(check_corpus(texts)):
            counts.update(probe._count(chunk))
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        kept = [token for token in ranked if counts[token] >= min_count and token not in probe]
        if not kept:
            raise ValueError(
                f"from_texts() found no token that occurs min_count={min_count} times or more"
            )
        if max_vocabulary is not None:
            kept = kept[: max_vocabulary - len(SPECIAL_TOKENS)]
        return cls([*SPECIAL_TOKENS, *kept], **options)

    @property
    def vocabulary(self) -> list[str]:
        """The tokens; the index of a token is its id."""
        return list(self._vocabulary)

    @property
    def vocabulary_size(self) -> int:
        """The number of ids, the special ones included."""
        return len(self._vocabulary)

    def id_to_token(self, token_id: int) -> str:
        """The token of an id; a ValueError when there is no such id."""
        if not 0 <= token_id < self.vocabulary_size:
            raise ValueError(f"ids go from 0 to {self.vocabulary_size - 1}, got {token_id}")
        return self._vocabulary[token_id]

    def ids_to_tokens(self, ids):
        """The tokens of ids in a graph: a ragged integer tensor to a ragged string tensor.

        An id that there is not counts as unknown.
        """
        tf = tensorflow()
        flat = tf.cast(ids.flat_values, tf.int32)
        known = (flat >= 0) & (flat < self.vocabulary_size)
        flat = tf.where(known, flat, self.unknown_token_id)
        tokens = tf.constant([to_utf8(token) for token in self._vocabulary])
        return ids.with_flat_values(tf.gather(tokens, flat))

    def token_to_id(self, token: str) -> int:
        """The id of a token; `unknown_token_id` when the vocabulary does not hold it."""
        return self._index.get(token, self.unknown_token_id)

    def __contains__(self, token: str) -> bool:
        return token in self._index

    def tokenize(self, texts):
        """Text to ids, without start and end tokens.

        Broken UTF-8 in a tensor and lone surrogates in a str become U+FFFD first.

        Args:
            texts: a str; a list of str, or what holds them like one, such as an array or a `Series`
                of pandas (bytes count as UTF-8); or a `tf.Tensor` of strings, eager or symbolic, of
                rank 0 or 1.

        Returns:
            list of int; list of lists of int; or, for a tensor, a 1-D int32 tensor (rank 0) or an
            int32 `tf.RaggedTensor` of shape (batch, None) (rank 1). Empty text has no ids.

        Raises:
            ValueError: when something else than text comes.
        """
        if _is_tensor(texts):
            return self._tokenize_tensor(texts)
        if (text := single_text(texts)) is not None:
            return self._encode([text])[0].tolist()
        texts = check_texts(texts, "tokenize() takes text: a str, a list or a 1-D array of str")
        return [ids.tolist() for ids in self._encode(texts)]

    def encode(self, texts) -> list[np.ndarray]:
        """Many Python texts to ids, fast: 170,000 sentences take seconds.

        Args:
            texts: list of str, or what holds them like one.

        Returns:
            list of 1-D int32 arrays, one for each text.

        Raises:
            ValueError: when something else than a list of str comes.
        """
        return self._encode(check_texts(texts, "encode() takes a list or a 1-D array of str"))

    def split(self, texts):
        """The tokens of texts as strings, for the axes of a plot.

        There are as many as `tokenize(texts)` gives ids; where an id is unknown, this shows the
        text itself.

        Args:
            texts: a str; a list, tuple or 1-D array of str; or a `tf.Tensor` of strings of rank 1,
                eager or symbolic.

        Returns:
            list of str; list of such lists; or, for a tensor, a `tf.RaggedTensor` of strings.

        Raises:
            ValueError: when something else than text comes.
        """
        if _is_tensor(texts):
            return self._split(texts)
        single = single_text(texts) is not None
        texts = [texts] if single else texts
        texts = check_texts(texts, "split() takes text: a str, a list or a 1-D array of str")
        rows = self._split_texts(texts)
        return rows[0] if single else rows

    def join(self, tokens):
        """The text of tokens: the inverse of `split`, up to the normalisation of text.

        `<pad>`, `<s>` and `</s>` have no text, and `<unk>` becomes what `detokenize` writes for an
        unknown token. So for tokens of the vocabulary, up to an end token, this is `detokenize` of
        their ids; any others are written as they are.

        Args:
            tokens: list of str; or a `tf.RaggedTensor` of strings, `(batch, None)`, eager or
                symbolic.

        Returns:
            A str; or a string tensor `(batch,)`.

        Raises:
            ValueError: when something else than a list of str comes.
        """
        if _is_tensor(tokens):
            return self._join_tensor(_without(tokens, SPECIAL_TOKENS[:3]))
        tokens = check_texts(tokens, "join() takes a list of tokens, each a str")
        return self._join([token for token in tokens if token not in _SILENT])

    def detokenize(self, ids):
        """Ids to text: up to the first end token, without pad and start tokens.

        Args:
            ids: list of int or a 1-D integer array; list of such rows or a 2-D integer array; or
                an integer `tf.Tensor` of rank 1 or 2 or a `tf.RaggedTensor`, eager or symbolic.

        Returns:
            A str (also for an empty list); a list of str; or, for a tensor, a string tensor of
            rank 0 or 1.

        Raises:
            ValueError: when something else than ids comes, or, from Python, an id out of range.
                In a tensor such an id counts as unknown.
        """
        if _is_tensor(ids):
            return self._detokenize_tensor(ids)
        rows, single = self._check_ids(ids)
        if not rows:
            return []
        tf = tensorflow()
        lengths = [len(row) for row in rows]
        flat = np.concatenate(rows).astype("int32")
        with tf.init_scope(), tf.device("CPU:0"):
            ragged = tf.RaggedTensor.from_row_lengths(flat, lengths)
            texts = [text.decode() for text in self._detokenize_ragged(ragged).numpy()]
        return texts[0] if single else texts

    def resources(self) -> dict[str, Any]:
        """The TensorFlow objects behind the operations, made on first use.

        A `tf.Module` whose traced functions tokenise must hold these in an attribute, or TensorFlow
        refuses to save it.

        Returns:
            dict of trackable objects by name; the same objects at each call.
        """
        tf = tensorflow()
        with _MAKING:
            if not self._resources:
                # A table made while a graph is traced would live and die in that graph.
                with tf.init_scope(), tf.device("CPU:0"):
                    self._resources = self._make_resources()
        return self._resources

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, ready for JSON."""
        return {"vocabulary": self.vocabulary}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Tokenizer":
        """The tokenizer of a config."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_resources": {}}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {self.vocabulary_size} ids>"

    # What a subclass writes.

    def _make_resources(self) -> dict[str, Any]:
        raise NotImplementedError

    def _split(self, strings):
        """String tensor (batch,) -> ragged string tensor (batch, None)."""
        raise NotImplementedError

    def _join(self, tokens: list[str]) -> str:
        """Tokens as `_split` gives them, or `<unk>`, in Python -> text."""
        raise NotImplementedError

    def _join_tensor(self, tokens):
        """The same for a ragged string tensor (batch, None) -> string tensor (batch,)."""
        raise NotImplementedError

    def _to_ids(self, strings):
        """String tensor (batch,) -> ragged int32 tensor (batch, None)."""
        raise NotImplementedError

    def _to_text(self, ids):
        """Ragged int32 tensor (batch, None), all ids valid -> string tensor (batch,)."""
        raise NotImplementedError

    # Shared steps.

    def _encode(self, texts: list[str]) -> list[np.ndarray]:
        result = []
        for chunk in _chunks(texts):
            rows = self._eagerly(self._to_ids, chunk)
            ids, splits = rows.flat_values.numpy(), rows.row_splits.numpy().tolist()
            result += [ids[a:b] for a, b in itertools.pairwise(splits)]
        return result

    def _split_texts(self, texts: list[str]) -> list[list[str]]:
        result = []
        for chunk in _chunks(texts):
            rows = self._eagerly(self._split, chunk)
            pieces = [piece.decode() for piece in rows.flat_values.numpy().tolist()]
            splits = rows.row_splits.numpy().tolist()
            result += [pieces[a:b] for a, b in itertools.pairwise(splits)]
        return result

    def _count(self, chunk: list[bytes]) -> Counter[str]:
        pieces = Counter(self._eagerly(self._split, chunk).flat_values.numpy().tolist())
        return Counter({piece.decode(): count for piece, count in pieces.items()})

    def _eagerly(self, function, chunk: list[bytes]):
        """Run on the CPU at once, even when the caller is being traced into a graph."""
        tf = tensorflow()
        with tf.init_scope(), tf.device("CPU:0"):
            return function(tf.constant(chunk, tf.string, shape=(len(chunk),)))

    def _tokenize_tensor(self, texts):
        tf = tensorflow()
        if isinstance(texts, tf.RaggedTensor) or texts.dtype != tf.string:
            raise ValueError(f"tokenize() takes a dense tensor of strings, got {_describe(texts)}")
        if texts.shape.rank not in (0, 1):
            raise ValueError(f"tokenize() takes a tensor of rank 0 or 1, got {_describe(texts)}")
        with tf.device("CPU:0"):
            rows = self._to_ids(tf.reshape(texts, [-1]))
            return rows.flat_values if texts.shape.rank == 0 else rows

    def _detokenize_tensor(self, ids):
        tf = tensorflow()
        ragged = isinstance(ids, tf.RaggedTensor)
        if not ids.dtype.is_integer or ids.shape.rank not in (1, 2):
            raise ValueError(f"detokenize() takes ids of rank 1 or 2, got {_describe(ids)}")
        with tf.device("CPU:0"):
            if ids.shape.rank == 1:
                return self._detokenize_ragged(tf.RaggedTensor.from_tensor(ids[None]))[0]
            return self._detokenize_ragged(ids if ragged else tf.RaggedTensor.from_tensor(ids))

    def _detokenize_ragged(self, ids):
        """Ragged integers (batch, None) -> string tensor (batch,)."""
        tf = tensorflow()
        flat = tf.cast(ids.flat_values, tf.int64)
        known = (flat >= 0) & (flat < self.vocabulary_size)
        flat = tf.where(known, tf.cast(flat, tf.int32), self.unknown_token_id)
        # An id is kept while its row has had no more end tokens than there were before the row.
        ends = _running_count(flat == self.end_token_id)
        before = tf.gather(ends, tf.gather(ids.row_starts(), ids.value_rowids()))
        keep = (ends[1:] == before) & (flat != self.pad_token_id) & (flat != self.start_token_id)
        splits = tf.gather(_running_count(keep), ids.row_splits)
        kept = tf.RaggedTensor.from_row_splits(
            tf.gather(flat, tf.where(keep)[:, 0]), splits, validate=False
        )
        return self._to_text(kept)

    def _check_ids(self, ids) -> tuple[list[np.ndarray], bool]:
        """Python ids -> their rows, and whether they were one row alone."""
        if hasattr(ids, "dtype") and hasattr(ids, "shape"):
            array = np.asarray(keras.ops.convert_to_numpy(ids))
            if array.ndim not in (1, 2):
                raise ValueError(f"detokenize() takes ids of rank 1 or 2, got {_describe(ids)}")
            single, rows = array.ndim == 1, np.atleast_2d(array)
        elif isinstance(ids, list | tuple):
            single = not ids or isinstance(ids[0], Integral)
            rows = [ids] if single else ids
        else:
            raise ValueError(f"detokenize() takes ids, got {_describe(ids)}")
        return [self._check_row(row, i) for i, row in enumerate(rows)], single

    def _check_row(self, row, position: int) -> np.ndarray:
        try:
            array = np.asarray(keras.ops.convert_to_numpy(row) if hasattr(row, "shape") else row)
        except ValueError:  # rows of different depth
            array = np.empty((), object)
        if array.shape == (0,):
            return np.empty(0, "int64")
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(
                "detokenize() takes a list of ids, or a list of such lists; "
                f"row {position} is {_describe(row)}"
            )
        wrong = array[(array < 0) | (array >= self.vocabulary_size)]
        if wrong.size:
            raise ValueError(
                f"detokenize() takes ids from 0 to {self.vocabulary_size - 1}, "
                f"got {wrong[0]} in row {position}"
            )
        return array


def clean_strings(strings, normalization: str | None, lowercase: bool):
    """Mend broken UTF-8 (U+FFFD), normalise to a Unicode form, lower the case.

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


def _running_count(flags):
    """Booleans (n,) -> int64 (n + 1,): how many of the first 0, 1, ... n are true."""
    tf = tensorflow()
    return tf.concat([[0], tf.cumsum(tf.cast(flags, tf.int64))], 0)


def _without(tokens, unwanted):
    """A ragged string tensor (batch, None) without some strings."""
    tf = tensorflow()
    same = tokens.flat_values[:, None] == tf.constant(unwanted)
    keep = tokens.with_flat_values(~tf.reduce_any(same, axis=1))
    return tf.ragged.boolean_mask(tokens, keep)


def check_normalization(normalization: str | None) -> str | None:
    """A Unicode normal form that the tokenizers know, or a ValueError."""
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization must be one of {NORMALIZATIONS}, got {normalization!r}")
    return normalization


def check_max_vocabulary(max_vocabulary: int | None) -> None:
    """A ValueError unless there is room for one token besides the special ones."""
    if max_vocabulary is not None and max_vocabulary <= len(SPECIAL_TOKENS):
        raise ValueError(
            f"max_vocabulary counts the {len(SPECIAL_TOKENS)} special tokens and must be larger, "
            f"got {max_vocabulary}"
        )


def check_corpus(texts: Iterable[str]) -> Iterator[str]:
    """The texts of a corpus one by one; a ValueError when it is empty or holds something else."""
    expected, position = "from_texts() takes an iterable of str", -1
    if single_text(texts) is not None:
        raise ValueError(f"{expected}, got {_describe(texts)}")
    source = one_by_one(texts)
    try:
        first = next(source, source)
    except TypeError as error:
        raise ValueError(f"{expected}, got {_describe(texts)}") from error
    if first is not source:
        for position, text in enumerate(itertools.chain([first], source)):
            yield text if type(text) is str else _text(text, position, expected)
    if position < 0:
        read = "; it can be read once only, and may have been read before: give a list"
        raise ValueError(
            "from_texts() needs at least one text, got an empty corpus"
            + (f", a {type(texts).__name__}{read}" if is_iterator(texts) else "")
        )


def check_texts(texts, expected: str) -> list[str]:
    """A list of str; a ValueError that says what was expected, what came instead, and where."""
    if not isinstance(texts, list | tuple):
        if single_text(texts) is not None or not (is_column(texts) or is_readable(texts)):
            raise ValueError(f"{expected}, got {_describe(texts)}")
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
        raise ValueError(f"{expected}, got {_describe(value)} {where}") from error
    if text is None:
        missing = ", a missing value" if is_missing(value) else ""
        raise ValueError(f"{expected}, got {_describe(value)} at position {position}{missing}")
    return text


def _check_vocabulary(vocabulary: Iterable[str]) -> list[str]:
    if isinstance(vocabulary, str) or not isinstance(vocabulary, Iterable):
        raise ValueError(f"a vocabulary is a list of str, got {_describe(vocabulary)}")
    tokens = list(vocabulary)
    for position, token in enumerate(tokens):
        if not isinstance(token, str):
            raise ValueError(
                f"a vocabulary is a list of str, got {_describe(token)} at position {position}"
            )
    if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
        raise ValueError(
            f"a vocabulary begins with {', '.join(SPECIAL_TOKENS)}, got {tokens[:4]}; "
            "from_texts() builds one from a corpus"
        )
    return tokens


def _chunks(texts: Iterable[str]) -> Iterator[list[bytes]]:
    """Texts as UTF-8, in lists that one TensorFlow call can take."""
    chunk, characters = [], 0
    for text in texts:
        chunk.append(to_utf8(text))
        characters += len(text)
        if len(chunk) >= _CHUNK_TEXTS or characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _is_tensor(value) -> bool:
    """Whether this is TensorFlow's; where nobody has imported TensorFlow, nothing is."""
    return "tensorflow" in sys.modules and tensorflow().is_tensor(value)


def _describe(value) -> str:
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        dtype = getattr(value.dtype, "name", value.dtype)
        kind = "tensor" if _is_tensor(value) else "array"
        return f"{dtype} {kind} of shape {value.shape}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
