"""Ids for frequent words and for the pieces of rare ones."""

import base64
import binascii
import copy
import functools
import hashlib
import io
import itertools
import random
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_seq._checks import check_choice, check_positive
from keras_seq._registration import registered
from keras_seq._tensorflow import tensorflow, tensorflow_text
from keras_seq.text.characters import mended
from keras_seq.text.forms import describe
from keras_seq.text.operations import chunks, clean_strings, cut_rows
from keras_seq.text.subword_sampling import current_sampling
from keras_seq.text.token_checks import SPECIAL_TOKENS, check_corpus, check_max_vocabulary
from keras_seq.text.tokenizer import Tokenizer
from keras_seq.text.unigram import Unigram, is_unigram

MODEL_TYPES = ("unigram", "bpe")
# sentencepiece drops, silently, a sentence of more than 4192 bytes: these are shorter.
_MAX_CHARACTERS = 1000


@registered
class SubwordTokenizer(Tokenizer):
    r"""One id for a frequent word, several for the pieces of a rare one: sentencepiece.

    Text is normalised (a variant of NFKC; white space becomes single spaces) and split into the
    pieces that are most probable together ("unigram") or were merged first ("bpe"). A space is
    written "▁" at the beginning of a piece. Text that is NFKC, has single spaces, and is made of
    characters seen in training survives the way to ids and back exactly, except that "▁" and U+FFFD
    become spaces, zero-width and control characters disappear, and, if trained with `lowercase`,
    the case is folded. Unknown characters come back as " ⁇ ".

    Source: Kudo and Richardson, "SentencePiece" (2018); Kudo, "Subword Regularization" (2018);
    Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units"
    (2016).

    Args:
        model_proto: bytes of a sentencepiece model, or the same in base64 as str. The ids of its
            special tokens must be pad 0, start 1, end 2, unknown 3, as `from_texts` makes them.

    Raises:
        ValueError: when the bytes are no such model.

    Example:
        >>> texts = ["low lower lowest", "new newer newest", "wide wider widest"]
        >>> tokenizer = SubwordTokenizer.from_texts(texts, max_vocabulary=24)
        >>> tokenizer.detokenize(tokenizer.tokenize("wide new slower"))
        'wide new slower'
        >>> "".join(tokenizer.split("wide new"))
        '▁wide▁new'
    """

    spells_every_word = True

    def __init__(self, model_proto: bytes | str):
        self._proto = _proto_bytes(model_proto)
        super().__init__(_vocabulary(self._proto))

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        max_vocabulary: int = 8000,
        lowercase: bool = False,
        model_type: str = "unigram",
        character_coverage: float = 1.0,
        max_sentences: int = 1_000_000,
    ) -> "SubwordTokenizer":
        """Train the pieces on texts; the same texts give the same pieces.

        Args:
            texts: iterable of str, the corpus; read once.
            max_vocabulary: largest number of ids, the 4 special ones included. A small corpus
                gives fewer.
            lowercase: whether to fold the case of text first, by the rules of Unicode ("ß" becomes
                "ss").
            model_type: "unigram" or "bpe".
            character_coverage: the part of the characters of the corpus that must be known; 0.9995
                is usual for Chinese and Japanese, whose rare characters fill a vocabulary.
            max_sentences: how many lines of text are kept in memory; of more, a sample is drawn,
                each line as likely as any other.

        Returns:
            A SubwordTokenizer.

        Raises:
            ValueError: when `texts` is empty, one str, or holds something else than str; when
                `model_type` is unknown; and when `max_vocabulary` is smaller than the characters.
        """
        check_max_vocabulary(max_vocabulary)
        check_choice("model_type", model_type, MODEL_TYPES)
        if not 0 < character_coverage <= 1:
            raise ValueError(
                f"`character_coverage` must be in (0, 1]; received {character_coverage!r}."
            )
        lines = (line for text in check_corpus(texts) for line in _lines(text))
        sentences = _sample(lines, check_positive("max_sentences", max_sentences))
        if not sentences:
            raise ValueError("`texts` must hold more than white space; received nothing else.")
        options = {
            "vocab_size": max_vocabulary,
            "model_type": model_type,
            "character_coverage": character_coverage,
            "normalization_rule_name": "nmt_nfkc_cf" if lowercase else "nmt_nfkc",
        }
        return cls(_train(sentences, options))

    @property
    def model_proto(self) -> bytes:
        """The sentencepiece model, as its own tools read it."""
        return self._proto

    def get_config(self) -> dict[str, Any]:
        return {"model_proto": base64.b64encode(self._proto).decode("ascii")}

    def _make_resources(self) -> dict[str, Any]:
        tokenizer = _sentencepiece(self._proto)
        pieces = copy.copy(tokenizer)
        pieces.out_type = tensorflow().string
        return {"sentencepiece": tokenizer, "pieces": pieces}

    def _split_texts(self, texts: list[str]) -> list[list[str]]:
        texts = [*map(mended, texts)]
        rows = _load(self._proto).encode(texts, out_type=str)
        return [
            settled or row for settled, row in zip(_settled(self._proto, texts), rows, strict=True)
        ]

    def _encode(self, texts: list[str]) -> list[np.ndarray]:
        texts, processor, sampling = [*map(mended, texts)], _load(self._proto), current_sampling()
        if sampling is not None:
            return [row for chunk in chunks(texts) for row in sampling.rows(processor, chunk)]
        rows = processor.encode(texts, out_type=int, num_threads=1)
        for i, pieces in enumerate(_settled(self._proto, texts)):
            if pieces is not None:
                rows[i] = [self.token_to_id(piece) for piece in pieces]
        return cut_rows(np.fromiter(itertools.chain(*rows), "int32"), map(len, rows))

    def _write(self, rows: list[list[int]]) -> list[str]:
        return _load(self._proto).decode(rows)

    def _join(self, tokens: list[str]) -> str:
        return _load(self._proto).decode(tokens)

    def _split(self, strings):
        strings = clean_strings(strings, normalization=None, lowercase=False)
        return self.resources()["pieces"].tokenize(strings)

    def _join_tensor(self, tokens):
        return self.resources()["pieces"].detokenize(tokens)

    def _to_ids(self, strings):
        strings = clean_strings(strings, normalization=None, lowercase=False)
        sampling = current_sampling()
        if sampling is not None:
            return sampling.ids(_load(self._proto), strings)
        return self.resources()["sentencepiece"].tokenize(strings)

    def _to_text(self, ids):
        return self.resources()["sentencepiece"].detokenize(ids)


def _settled(proto: bytes, texts: list[str]) -> list[list[str] | None]:
    """The pieces of those texts whose most probable split another one comes close to."""
    unigram = _unigram(proto)
    return [None] * len(texts) if unigram is None else [unigram.settle(text) for text in texts]


@functools.lru_cache(maxsize=16)
def _unigram(proto: bytes) -> Unigram | None:
    return Unigram(_load(proto)) if is_unigram(proto) else None


def _sample(lines: Iterable[str], size: int) -> list[str]:
    """At most `size` of the lines, in their order: the same ones at each call (algorithm R)."""
    rng = random.Random(0)
    kept: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        if number < size:
            kept.append((number, line))
        elif (place := rng.randrange(number + 1)) < size:
            kept[place] = (number, line)
    return [line for _, line in sorted(kept)]


@functools.cache
def _sentencepiece(proto: bytes):
    """The TensorFlow tokenizer of a model: one for all objects with this model, kept for ever.

    tensorflow-text lets the kernel that made the model own it, and TensorFlow drops its kernels at
    each `tf.random.set_seed`, so after `keras.utils.set_random_seed` the model would be gone. A
    model with a shared name is owned by the process.
    """
    tf, text = tensorflow(), tensorflow_text()
    tokenizer = text.SentencepieceTokenizer(proto, out_type=tf.int32)
    module = sys.modules[type(tokenizer).__module__]
    name = f"keras_seq_{hashlib.sha256(proto).hexdigest()}"

    class Model(type(tokenizer._model_resource)):
        def _create_resource(self):
            make = module.gen_sentencepiece_tokenizer.sentencepiece_op
            return make(model=proto, shared_name=name)

    tokenizer._model_resource = Model(proto, name)
    return tokenizer


def _proto_bytes(model_proto: bytes | str) -> bytes:
    if isinstance(model_proto, bytes):
        return model_proto
    if not isinstance(model_proto, str):
        raise ValueError(
            f"`model_proto` must be bytes or base64; received {describe(model_proto)}."
        )
    try:
        return base64.b64decode(model_proto, validate=True)
    except binascii.Error as error:
        raise ValueError(f"`model_proto` must be bytes or base64: {error}.") from error


@functools.lru_cache(maxsize=16)
def _load(proto: bytes):
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_proto=proto)
    except RuntimeError as error:
        raise ValueError(f"`model_proto` must be a sentencepiece model: {error}") from error


def _vocabulary(proto: bytes) -> list[str]:
    model = _load(proto)
    special = (model.pad_id(), model.bos_id(), model.eos_id(), model.unk_id())
    if special != tuple(range(len(SPECIAL_TOKENS))):
        raise ValueError(
            "`model_proto` must have pad, start, end and unknown at the ids (0, 1, 2, 3); received "
            f"{special}. Train it with pad_id=0, bos_id=1, eos_id=2, unk_id=3."
        )
    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size())]
    return [*SPECIAL_TOKENS, *pieces[len(SPECIAL_TOKENS) :]]


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, long ones cut at a space where there is one."""
    for line in text.replace("\0", " ").splitlines():
        line = line.strip()
        while len(line) > _MAX_CHARACTERS:
            cut = line.rfind(" ", 1, _MAX_CHARACTERS)
            cut = cut if cut > 0 else _MAX_CHARACTERS
            yield line[:cut]
            line = line[cut:].lstrip()
        if line:
            yield line


def _train(sentences: list[str], options: dict[str, Any]) -> bytes:
    import sentencepiece

    pad, start, end, unknown = SPECIAL_TOKENS
    proto = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=proto,
            pad_id=Tokenizer.pad_token_id,
            bos_id=Tokenizer.start_token_id,
            eos_id=Tokenizer.end_token_id,
            unk_id=Tokenizer.unknown_token_id,
            pad_piece=pad,
            bos_piece=start,
            eos_piece=end,
            unk_piece=unknown,
            hard_vocab_limit=False,  # a small corpus has fewer pieces than asked for
            num_threads=4,  # sums of floats depend on the number, so it is fixed
            minloglevel=2,
            **options,
        )
    except RuntimeError as error:
        raise ValueError(_explain(str(error), options["vocab_size"])) from error
    return proto.getvalue()


def _explain(message: str, size: int) -> str:
    too_small = re.search(r"smaller than required_chars\. \d+ vs (\d+)", message)
    if too_small:
        return (
            f"`max_vocabulary` must be at least {too_small[1]}, for the special tokens and the "
            f"characters of the corpus; received {size}. Or lower `character_coverage`."
        )
    return f"sentencepiece cannot be trained on this corpus: {message}"
