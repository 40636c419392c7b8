"""One id for each Unicode code point."""

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_seq._checks import check_choice
from keras_seq._registration import registered
from keras_seq._tensorflow import tensorflow
from keras_seq.text.characters import clean
from keras_seq.text.operations import clean_strings, cut_rows
from keras_seq.text.token_checks import NORMALIZATIONS, SPECIAL_TOKENS
from keras_seq.text.tokenizer import Tokenizer

_UNKNOWN = "\ufffd"


@registered
class CharacterTokenizer(Tokenizer):
    r"""One id for each Unicode code point, newlines and combining marks included.

    Text made of characters of the vocabulary survives the way to ids and back exactly, except for
    what `lowercase` and `normalization` change. Unknown characters come back as U+FFFD. After the
    character models of Sutskever, Martens and Hinton, "Generating Text with Recurrent Neural
    Networks" (2011).

    Args:
        vocabulary: list of str: `<pad>`, `<s>`, `</s>`, `<unk>`, then single characters.
        lowercase: whether to lower the case of text first, by the rules of Unicode.
        normalization: None, "NFC" or "NFKC": the Unicode form that text is brought to first. It
            needs TensorFlow Text in a graph, None does not.

    Raises:
        ValueError: when the vocabulary holds anything but single characters.

    Example:
        >>> tokenizer = CharacterTokenizer.from_texts(["hello"])
        >>> tokenizer.vocabulary
        ['<pad>', '<s>', '</s>', '<unk>', 'l', 'e', 'h', 'o']
        >>> tokenizer.tokenize("hole!")
        [6, 7, 4, 5, 3]
        >>> tokenizer.detokenize([1, 6, 7, 4, 5, 2, 0, 0])
        'hole'
    """

    def __init__(
        self,
        vocabulary: Iterable[str],
        lowercase: bool = False,
        normalization: str | None = None,
    ):
        super().__init__(vocabulary)
        long = [token for token in self._vocabulary[len(SPECIAL_TOKENS) :] if len(token) != 1]
        if long:
            raise ValueError(f"`vocabulary` must hold single characters; received {long[0]!r}.")
        self.lowercase = lowercase
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "lowercase": self.lowercase,
            "normalization": self.normalization,
        }

    def _make_resources(self) -> dict[str, Any]:
        tf = tensorflow()
        codes = [ord(character) for character in self._vocabulary[len(SPECIAL_TOKENS) :]]
        ids = list(range(len(SPECIAL_TOKENS), self.vocabulary_size))
        # A table must not be empty: no character has the code point -1.
        forth = tf.lookup.KeyValueTensorInitializer(
            [-1, *codes], [self.unknown_token_id, *ids], tf.int32, tf.int32
        )
        back = tf.lookup.KeyValueTensorInitializer(
            [self.unknown_token_id, *ids], [ord(_UNKNOWN), *codes], tf.int32, tf.int32
        )
        return {
            "code_to_id": tf.lookup.StaticHashTable(forth, self.unknown_token_id),
            "id_to_code": tf.lookup.StaticHashTable(back, ord(_UNKNOWN)),
        }

    def _codes(self, strings):
        tf = tensorflow()
        strings = clean_strings(strings, self.normalization, self.lowercase)
        return tf.strings.unicode_decode(strings, "UTF-8")  # (batch, None)

    def _split(self, strings):
        tf = tensorflow()
        strings = clean_strings(strings, self.normalization, self.lowercase)
        return tf.strings.unicode_split(strings, "UTF-8")

    def _join(self, tokens: list[str]) -> str:
        unknown = SPECIAL_TOKENS[self.unknown_token_id]
        return "".join(_UNKNOWN if token == unknown else token for token in tokens)

    def _join_tensor(self, tokens):
        tf = tensorflow()
        unknown = tokens.flat_values == SPECIAL_TOKENS[self.unknown_token_id]
        flat = tf.where(unknown, _UNKNOWN, tokens.flat_values)
        return tf.strings.reduce_join(tokens.with_flat_values(flat), axis=-1)

    def _to_ids(self, strings):
        codes = self._codes(strings)
        return codes.with_flat_values(self.resources()["code_to_id"].lookup(codes.flat_values))

    def _to_text(self, ids):
        tf = tensorflow()
        codes = self.resources()["id_to_code"].lookup(ids.flat_values)
        return tf.strings.unicode_encode(ids.with_flat_values(codes), "UTF-8")

    def _split_texts(self, texts: list[str]) -> list[list[str]]:
        return [list(clean(text, self.normalization, self.lowercase)) for text in texts]

    def _encode(self, texts: list[str]) -> list[np.ndarray]:
        texts = [clean(text, self.normalization, self.lowercase) for text in texts]
        codes = np.minimum(_codes("".join(texts)), len(self._ids_of_codes) - 1)
        return cut_rows(self._ids_of_codes[codes], map(len, texts))

    def _write(self, rows: list[list[int]]) -> list[str]:
        return [self._join([self._vocabulary[token_id] for token_id in row]) for row in rows]

    @functools.cached_property
    def _ids_of_codes(self):
        """The id of each code point up to the last that there is, and of all behind it: int32."""
        codes = _codes("".join(self._vocabulary[len(SPECIAL_TOKENS) :]))
        ids = np.full(codes.max(initial=0) + 2, self.unknown_token_id, "int32")
        ids[codes] = np.arange(len(SPECIAL_TOKENS), self.vocabulary_size)
        return ids


def _codes(text):
    """The code points of a str, an array."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
