"""Base of the tokenizers: special ids, and both ways, in Python and in TensorFlow."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from keras_seq._tensorflow import tensorflow, to_utf8
from keras_seq.text.forms import describe, single_text
from keras_seq.text.operations import chunks, running_count, without
from keras_seq.text.token_checks import (
    SPECIAL_TOKENS,
    check_corpus,
    check_ids,
    check_max_vocabulary,
    check_texts,
    check_vocabulary,
    is_tensor,
    written_ids,
)

EXPECTED = "`texts` must be a str, or a list or a 1-D array of str"
_SILENT = frozenset(SPECIAL_TOKENS[:3])
_MAKING = threading.RLock()  # a table made twice would be destroyed once too early


class Tokenizer:
    """Base of the tokenizers: strings to ids and back, in Python and in TensorFlow operations.

    The same object turns Python strings into lists on every Keras backend, maps a `tf.data`
    dataset, and is traced into a SavedModel. It is a plain object, no layer: call `tokenize` and
    `detokenize`. Its config holds the vocabulary, so a model's config alone rebuilds it. Python
    strings need no TensorFlow, and have the ids that a tensor of the same strings has. Lookup
    tables of TensorFlow belong to one object and travel neither with a copy nor with a pickle.

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
    (strings to ids), `_to_text` (ids to strings) and extends `get_config`. Python strings go the
    way of these too, unless it writes `_encode`, `_split_texts` and `_write` besides.

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

    def __init_subclass__(cls, **options):
        """Let a class that changes what a graph does, and not Python's twin, have one way only."""
        super().__init_subclass__(**options)
        if any(name in vars(cls) for name in ("_make_resources", "_split", "_to_ids", "_to_text")):
            for name in ("_encode", "_split_texts", "_write"):
                if name not in vars(cls):
                    setattr(cls, name, vars(Tokenizer)[name])

    def __init__(self, vocabulary: Iterable[str]):
        self._vocabulary = check_vocabulary(vocabulary)
        self._index = {token: i for i, token in enumerate(self._vocabulary)}
        if len(self._index) < len(self._vocabulary):
            twice = next(t for i, t in enumerate(self._vocabulary) if self._index[t] != i)
            raise ValueError(f"`vocabulary` must hold distinct tokens; received {twice!r} twice.")
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
        for chunk in chunks(check_corpus(texts)):
            counts.update(itertools.chain(*probe._split_texts(chunk)))
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        kept = [token for token in ranked if counts[token] >= min_count and token not in probe]
        if not kept:
            raise ValueError(
                f"`texts` must hold a token that occurs {min_count} times or more (`min_count`); "
                "received none."
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
            raise ValueError(
                f"`token_id` must be from 0 to {self.vocabulary_size - 1}; received {token_id}."
            )
        return self._vocabulary[token_id]

    def ids_to_tokens(self, ids: Any) -> Any:
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

    def tokenize(self, texts: Any) -> Any:
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
        if is_tensor(texts):
            return self._tokenize_tensor(texts)
        if (text := single_text(texts)) is not None:
            return self._encode([text])[0].tolist()
        texts = check_texts(texts, EXPECTED)
        return [ids.tolist() for ids in self._encode(texts)]

    def encode(self, texts: Any) -> list[np.ndarray]:
        """Many Python texts to ids, fast: 170,000 sentences take seconds.

        Args:
            texts: list of str, or what holds them like one.

        Returns:
            list of 1-D int32 arrays, one for each text.

        Raises:
            ValueError: when something else than a list of str comes.
        """
        return self._encode(check_texts(texts, "`texts` must be a list or a 1-D array of str"))

    def split(self, texts: Any) -> Any:
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
        if is_tensor(texts):
            return self._split(texts)
        single = single_text(texts) is not None
        texts = [texts] if single else texts
        texts = check_texts(texts, EXPECTED)
        rows = self._split_texts(texts)
        return rows[0] if single else rows

    def join(self, tokens: Any) -> Any:
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
        if is_tensor(tokens):
            return self._join_tensor(without(tokens, SPECIAL_TOKENS[:3]))
        tokens = check_texts(tokens, "`tokens` must be a list of str")
        return self._join([token for token in tokens if token not in _SILENT])

    def detokenize(self, ids: Any) -> Any:
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
        if is_tensor(ids):
            return self._detokenize_tensor(ids)
        rows, single = check_ids(ids, self.vocabulary_size)
        if not rows:
            return []
        texts = self._write([written_ids(row) for row in rows])
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

    # The twins of `_to_ids`, `_split` and `_to_text` for Python; here they run these.

    def _encode(self, texts: list[str]) -> list[np.ndarray]:
        """Texts -> a 1-D int32 array for each."""
        result = []
        for chunk in chunks(texts):
            rows = self._eagerly(self._to_ids, chunk)
            ids, splits = rows.flat_values.numpy(), rows.row_splits.numpy().tolist()
            result += [ids[a:b] for a, b in itertools.pairwise(splits)]
        return result

    def _split_texts(self, texts: list[str]) -> list[list[str]]:
        """Texts -> the tokens of each, as strings."""
        result = []
        for chunk in chunks(texts):
            rows = self._eagerly(self._split, chunk)
            pieces = [piece.decode() for piece in rows.flat_values.numpy().tolist()]
            splits = rows.row_splits.numpy().tolist()
            result += [pieces[a:b] for a, b in itertools.pairwise(splits)]
        return result

    def _write(self, rows: list[list[int]]) -> list[str]:
        """Rows of valid ids, none of them padding, start or end -> the text of each."""
        tf = tensorflow()
        flat = np.array([token_id for row in rows for token_id in row], "int32")
        with tf.init_scope(), tf.device("CPU:0"):
            ids = tf.RaggedTensor.from_row_lengths(flat, [len(row) for row in rows])
            return [text.decode() for text in self._to_text(ids).numpy()]

    # Shared steps.

    def _eagerly(self, function, chunk: list[str]):
        """Run on the CPU at once, even when the caller is being traced into a graph."""
        tf = tensorflow()
        with tf.init_scope(), tf.device("CPU:0"):
            strings = list(map(to_utf8, chunk))
            return function(tf.constant(strings, tf.string, shape=(len(chunk),)))

    def _tokenize_tensor(self, texts):
        tf = tensorflow()
        if isinstance(texts, tf.RaggedTensor) or texts.dtype != tf.string:
            raise ValueError(
                f"`texts` must be a dense tensor of strings; received {describe(texts)}."
            )
        if texts.shape.rank not in (0, 1):
            raise ValueError(f"`texts` must be of rank 0 or 1; received {describe(texts)}.")
        with tf.device("CPU:0"):
            rows = self._to_ids(tf.reshape(texts, [-1]))
            return rows.flat_values if texts.shape.rank == 0 else rows

    def _detokenize_tensor(self, ids):
        tf = tensorflow()
        ragged = isinstance(ids, tf.RaggedTensor)
        if not ids.dtype.is_integer or ids.shape.rank not in (1, 2):
            raise ValueError(f"`ids` must be integers of rank 1 or 2; received {describe(ids)}.")
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
        ends = running_count(flat == self.end_token_id)
        before = tf.gather(ends, tf.gather(ids.row_starts(), ids.value_rowids()))
        keep = (ends[1:] == before) & (flat != self.pad_token_id) & (flat != self.start_token_id)
        splits = tf.gather(running_count(keep), ids.row_splits)
        kept = tf.RaggedTensor.from_row_splits(
            tf.gather(flat, tf.where(keep)[:, 0]), splits, validate=False
        )
        return self._to_text(kept)
