"""Sentences of words as ids: of the words, and of their characters, in a graph and in Python."""

import re

import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.text import CharacterTokenizer, WordTokenizer
from keras_seq.text.characters import DIGIT_CLASS, SPACE_CLASS, mended


def as_known(words, zero_digits):
    """Return words, a string tensor, as they are looked up: without white space inside."""
    tf = tensorflow()
    words = tf.strings.unicode_transcode(words, "UTF-8", "UTF-8", errors="replace")
    words = tf.strings.regex_replace(words, SPACE_CLASS, "_")
    return tf.strings.regex_replace(words, DIGIT_CLASS, "0") if zero_digits else words


def known_word(word, zero_digits):
    """The same for a str."""
    word = re.sub(SPACE_CLASS, "_", mended(word))
    return re.sub(DIGIT_CLASS, "0", word) if zero_digits else word


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


def listed_word_ids(sentences, tokenizer, zero_digits):
    """The same for lists of words, a list of int32 arrays."""
    words = _distinct(sentences)
    rows = tokenizer.encode([known_word(word, zero_digits) for word in words])
    ids = [row[0] if len(row) == 1 else tokenizer.unknown_token_id for row in rows]
    ids = dict(zip(words, ids, strict=True))
    return [np.array([ids[word] for word in words], "int32") for words in sentences]


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


def listed_character_columns(sentences, tokenizer, max_word_length):
    """The same for lists of words, two lists of int32 arrays."""
    words, half = _distinct(sentences), max_word_length // 2
    letters = {
        word: [*row[:half], *row[half:][half - max_word_length :]]
        for word, row in zip(words, tokenizer.encode(words), strict=True)
    }
    rows = [[letters[word] for word in words] for words in sentences]
    return (
        [np.array([letter for word in row for letter in word], "int32") for row in rows],
        [np.cumsum([*map(len, row)], dtype="int32") for row in rows],
    )


def _distinct(sentences):
    """Every word of lists of words once."""
    return [*dict.fromkeys(word for words in sentences for word in words)]


def word_vocabulary(sentences, zero_digits, **options):
    """Return `(tokenizer, rare)` of lists of words: a tokenizer of them, and how many stand once.

    Args:
        sentences: lists of words.
        zero_digits: as in `as_known`.
        **options: `lowercase` and `max_vocabulary` of the tokenizer.
    """
    known = [known_word(word, zero_digits) for words in sentences for word in words]
    # NFKC, the default, makes a blank and an accent of an accent that stands by itself.
    options = {"normalization": "NFC", "split_punctuation": False, **options}
    tokenizer = WordTokenizer.from_texts(known, **options)
    counts = np.bincount(np.concatenate(tokenizer.encode(known)))
    return tokenizer, int((counts == 1).sum())


def character_vocabulary(sentences):
    """Return a tokenizer of the characters of lists of words."""
    words = (word for sentence in sentences for word in sentence)
    return CharacterTokenizer.from_texts(words, normalization="NFC")
