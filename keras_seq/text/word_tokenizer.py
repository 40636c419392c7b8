"""One id for each word and each punctuation mark."""

import functools
import itertools
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_seq._checks import check_choice
from keras_seq._registration import registered
from keras_seq._tensorflow import tensorflow
from keras_seq.text.characters import PUNCTUATION_CLASS, SPACE_CLASS, clean, lowered
from keras_seq.text.operations import clean_strings, cut_rows
from keras_seq.text.token_checks import NORMALIZATIONS, SPECIAL_TOKENS
from keras_seq.text.tokenizer import Tokenizer

JOINER = "\uffed"  # ￭; NFKC turns it into ■, so that it cannot occur in text
_SQUARE = "\u25a0"  # ■
_CUT = "\x01"  # where text is cut while it is being split; taken out of the text before
_PUNCTUATION = f"({PUNCTUATION_CLASS})"
# Put spaces around punctuation, and joiners where there were none: " a,b " -> " a ￭,￭ b ". A match
# of RE2 can neither look around nor overlap the next, hence the steps: a cut on both sides of each
# punctuation mark; one cut, not two, between neighbours; none beside a space. Each cut that is left
# then joins its right neighbour if that is punctuation, else its left.
_MARKING = (
    (_PUNCTUATION, rf"{_CUT}\1{_CUT}"),
    (f"{_CUT}{_CUT}", _CUT),
    (f"{_CUT}? {_CUT}?", " "),
    (f"{_CUT}{_PUNCTUATION}", rf" {JOINER}\1"),
    (_CUT, f"{JOINER} "),
)
_JOINED = f" ?{JOINER} ?"


@registered
class WordTokenizer(Tokenizer):
    r"""One id for each word and each punctuation mark or symbol, reversibly.

    Text is brought to a Unicode form, white space becomes single spaces, and each character of the
    categories P and S becomes a token of its own. The mark "￭" on that token says where it was
    joined to its neighbour, so that `detokenize` finds the spaces again: `"Hello, (old) world!"`
    becomes `Hello ￭, (￭ old ￭) world ￭!`. Only punctuation carries marks; `world` is the same word
    with and without a comma. The notation is that of OpenNMT's tokenizer (Klein et al., "OpenNMT",
    2017).

    Text of known tokens survives the way to ids and back exactly, up to normalisation. An unknown
    token comes back as `<unk>`.

    Args:
        vocabulary: list of str: `<pad>`, `<s>`, `</s>`, `<unk>`, then tokens without spaces.
        lowercase: whether to lower the case of text first, by the rules of Unicode.
        split_punctuation: whether to split punctuation off. If not, tokens are what stands between
            spaces.
        normalization: None, "NFC" or "NFKC": the Unicode form that text is brought to first. In
            text "￭" itself always becomes "■", and the control character U+0001 disappears.

    Raises:
        ValueError: when a token of the vocabulary is empty or holds white space.

    Example:
        >>> tokenizer = WordTokenizer.from_texts(["Well, I don't know, I think."])
        >>> tokenizer.split("I don't, well.")
        ['I', 'don', "￭'￭", 't', '￭,', 'well', '￭.']
        >>> tokenizer.detokenize(tokenizer.tokenize("I don't, well."))
        "I don't, <unk>."
    """

    def __init__(
        self,
        vocabulary: Iterable[str],
        lowercase: bool = False,
        split_punctuation: bool = True,
        normalization: str | None = "NFKC",
    ):
        super().__init__(vocabulary)
        wrong = [token for token in self._vocabulary if token.split() != [token]]
        if wrong:
            raise ValueError(
                f"`vocabulary` must hold words without white space; received {wrong[0]!r}."
            )
        self.lowercase = lowercase
        self.split_punctuation = split_punctuation
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lowercase": self.lowercase,
            "split_punctuation": self.split_punctuation,
            "normalization": self.normalization,
        }

    def _make_resources(self) -> dict[str, Any]:
        tf = tensorflow()
        words = self._vocabulary[len(SPECIAL_TOKENS) :]
        ids = list(range(len(SPECIAL_TOKENS), self.vocabulary_size))
        unknown_id, unknown = self.unknown_token_id, SPECIAL_TOKENS[self.unknown_token_id]
        # The special tokens stay out: the text "</s>" is a word like another. A table must not be
        # empty: no word is "".
        forth = tf.lookup.KeyValueTensorInitializer(
            ["", *words], [unknown_id, *ids], tf.string, tf.int32
        )
        back = tf.lookup.KeyValueTensorInitializer(
            [unknown_id, *ids], [unknown, *words], tf.int64, tf.string
        )
        return {
            "word_to_id": tf.lookup.StaticHashTable(forth, unknown_id),
            "id_to_word": tf.lookup.StaticHashTable(back, unknown),
        }

    def _split(self, strings):
        tf = tensorflow()
        replace = tf.strings.regex_replace
        strings = replace(strings, _CUT, "")
        strings = clean_strings(strings, self.normalization, self.lowercase)
        strings = replace(strings, JOINER, _SQUARE)
        strings = replace(strings, f"{SPACE_CLASS}+", " ")
        if self.split_punctuation:
            strings = tf.strings.join([" ", strings, " "])  # the ends are like spaces
            for pattern, written in _MARKING:
                strings = replace(strings, pattern, written)
        return tf.strings.split(strings)  # (batch, None)

    def _join(self, tokens: list[str]) -> str:
        text = " ".join(tokens)
        return re.sub(_JOINED, "", text) if self.split_punctuation else text

    def _join_tensor(self, tokens):
        tf = tensorflow()
        strings = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        if not self.split_punctuation:
            return strings
        return tf.strings.regex_replace(strings, _JOINED, "")

    def _to_ids(self, strings):
        words = self._split(strings)
        return words.with_flat_values(self.resources()["word_to_id"].lookup(words.flat_values))

    def _to_text(self, ids):
        tf = tensorflow()
        words = self.resources()["id_to_word"].lookup(tf.cast(ids.flat_values, tf.int64))
        return self._join_tensor(ids.with_flat_values(words))

    def _split_texts(self, texts: list[str]) -> list[list[str]]:
        pieces = functools.cache(self._pieces)
        return [[piece for word in self._words(text) for piece in pieces(word)] for text in texts]

    def _encode(self, texts: list[str]) -> list[np.ndarray]:
        ids = functools.cache(lambda word: [*map(self._word_id, self._pieces(word))])
        rows = [
            [token_id for word in self._words(text) for token_id in ids(word)] for text in texts
        ]
        flat = np.fromiter(itertools.chain(*rows), "int32")
        return cut_rows(flat, map(len, rows))

    def _write(self, rows: list[list[int]]) -> list[str]:
        return [self._join([self._vocabulary[token_id] for token_id in row]) for row in rows]

    def _words(self, text):
        """What stands between white space; words are what all further rules look at by itself."""
        text = clean(text.replace(_CUT, ""), self.normalization, lowercase=False)
        text = text.partition("\0")[0] if self.lowercase else text
        return text.split()

    def _pieces(self, word):
        """The tokens of a word."""
        word = (lowered(word) if self.lowercase else word).replace(JOINER, _SQUARE)
        if self.split_punctuation and re.search(PUNCTUATION_CLASS, word):
            word = f" {word} "
            for pattern, written in _MARKING:
                word = re.sub(pattern, written, word)
        return word.split()

    def _word_id(self, word):
        """The id of a word; the special tokens are words like others."""
        token_id = self.token_to_id(word)
        return token_id if token_id >= len(SPECIAL_TOKENS) else self.unknown_token_id
