"""Sentences of words as ids: of the words, and of their characters.

All of it is TensorFlow operations on ragged tensors, in `tf.data` and in Python alike.
"""

import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.models.tagging.sentences import ragged_words
from keras_seq.text import CharacterTokenizer, WordTokenizer

_SPACE = r"[\s\v\x1c-\x1f\x{85}\p{Z}]"  # within a word, which a list of words may have


def as_known(words, zero_digits):
    """Return words, a string tensor, as they are looked up: without white space inside."""
    tf = tensorflow()
    words = tf.strings.unicode_transcode(words, "UTF-8", "UTF-8", errors="replace")
    words = tf.strings.regex_replace(words, _SPACE, "_")
    return tf.strings.regex_replace(words, r"\p{Nd}", "0") if zero_digits else words


def word_ids(words, tokenizer, zero_digits):
    """Return an id for each word, a ragged int32 tensor `(sentences, None)`.

    Args:
        words: a ragged tensor of strings `(sentences, None)`.
        tokenizer: a `keras_seq.text.Tokenizer`; a word of which it makes no id, or several, is
            unknown.
        zero_digits: whether words are looked up with 0 for each of their digits.
    """
    tf = tensorflow()
    ids = tokenizer.tokenize(as_known(words.flat_values, zero_digits))
    unknown = tokenizer.unknown_token_id
    first = ids[:, :1].to_tensor(unknown, shape=(None, 1))[:, 0]
    return words.with_flat_values(tf.where(ids.row_lengths() == 1, first, unknown))


def character_columns(words, tokenizer, max_word_length):
    """Return the characters of the words of each sentence in one row, and where each word ends.

    Args:
        words: a ragged tensor of strings `(sentences, None)`.
        tokenizer: a `keras_seq.text.Tokenizer` of characters.
        max_word_length: of longer words there are the first and the last characters.

    Returns:
        `(char_ids, char_ends)`, ragged int32 tensors, `(sentences, None)`.
    """
    tf = tensorflow()
    rows = tokenizer.tokenize(words.flat_values)  # (words, None)
    half = max_word_length // 2
    tail = rows[:, half:]
    rows = tf.concat([rows[:, :half], tail[:, half - max_word_length :]], axis=1)
    splits = tf.gather(rows.row_splits, words.row_splits)  # between sentences
    ends = rows.row_splits[1:] - tf.gather(splits, words.value_rowids())
    return (
        tf.RaggedTensor.from_row_splits(rows.flat_values, splits, validate=False),
        words.with_flat_values(tf.cast(ends, "int32")),
    )


def word_vocabulary(sentences, zero_digits, **options):
    """Return `(tokenizer, rare)` of lists of words: a tokenizer of them, and how many stand once.

    Args:
        sentences: lists of words.
        zero_digits: as in `as_known`.
        **options: `lowercase` and `max_vocabulary` of the tokenizer.
    """
    known = as_known(ragged_words(sentences).flat_values, zero_digits).numpy().tolist()
    known = [word.decode() for word in known]
    # NFKC, the default, makes a blank and an accent of an accent that stands by itself.
    options = {"normalization": "NFC", "split_punctuation": False, **options}
    tokenizer = WordTokenizer.from_texts(known, **options)
    counts = np.bincount(np.concatenate(tokenizer.encode(known)))
    return tokenizer, int((counts == 1).sum())


def character_vocabulary(sentences):
    """Return a tokenizer of the characters of lists of words."""
    words = (word for sentence in sentences for word in sentence)
    return CharacterTokenizer.from_texts(words, normalization="NFC")
