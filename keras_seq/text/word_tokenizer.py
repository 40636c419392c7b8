"""One id for each word and each punctuation mark."""

import re
from collections.abc import Iterable
from typing import Any

import keras

from keras_seq._checks import check_choice
from keras_seq._tensorflow import tensorflow
from keras_seq.text.operations import clean_strings
from keras_seq.text.token_checks import NORMALIZATIONS, SPECIAL_TOKENS
from keras_seq.text.tokenizer import Tokenizer

JOINER = "\uffed"  # ￭; NFKC turns it into ■, so that it cannot occur in text
_SQUARE = "\u25a0"  # ■
_CUT = "\x01"  # where text is cut while it is being split; taken out of the text before
# The white space of Python's str.split(): ASCII, the separators \x1c-\x1f, NEL, and category Z.
_SPACE = r"[\s\v\x1c-\x1f\x{85}\p{Z}]+"
_PUNCTUATION = r"([\p{P}\p{S}])"


@keras.saving.register_keras_serializable(package="keras_seq")
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
        strings = replace(strings, _SPACE, " ")
        if self.split_punctuation:
            strings = _mark_punctuation(strings)
        return tf.strings.split(strings)  # (batch, None)

    def _join(self, tokens: list[str]) -> str:
        text = " ".join(tokens)
        return re.sub(f" ?{JOINER} ?", "", text) if self.split_punctuation else text

    def _join_tensor(self, tokens):
        tf = tensorflow()
        strings = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
        if not self.split_punctuation:
            return strings
        return tf.strings.regex_replace(strings, f" ?{JOINER} ?", "")

    def _to_ids(self, strings):
        words = self._split(strings)
        return words.with_flat_values(self.resources()["word_to_id"].lookup(words.flat_values))

    def _to_text(self, ids):
        tf = tensorflow()
        words = self.resources()["id_to_word"].lookup(tf.cast(ids.flat_values, tf.int64))
        return self._join_tensor(ids.with_flat_values(words))


def _mark_punctuation(strings):
    """Put spaces around punctuation, and joiners where there were none: "a,b" -> "a ￭,￭ b".

    A match of RE2 can neither look around nor overlap the next, hence the steps: a cut on both
    sides of each punctuation mark; one cut, not two, between neighbours; none beside a space. Each
    cut that is left then joins its right neighbour if that is punctuation, else its left.
    """
    tf = tensorflow()
    replace = tf.strings.regex_replace
    strings = tf.strings.join([" ", strings, " "])  # the ends are like spaces
    strings = replace(strings, _PUNCTUATION, rf"{_CUT}\1{_CUT}")
    strings = replace(strings, f"{_CUT}{_CUT}", _CUT)
    strings = replace(strings, f"{_CUT}? {_CUT}?", " ")
    strings = replace(strings, f"{_CUT}{_PUNCTUATION}", rf" {JOINER}\1")
    return replace(strings, _CUT, f"{JOINER} ")
