"""Sentences of words, and of their characters, to ids, and tags to labels."""

from keras_seq._tensorflow import tensorflow
from keras_seq.models.base.id_checks import IdColumn
from keras_seq.models.base.preprocessor import Preprocessor
from keras_seq.text.examples import Examples
from keras_seq.text.sentences import (
    check_counts,
    check_sentences,
    split_tensors,
)
from keras_seq.text.word_ids import (
    character_columns,
    listed_character_columns,
    listed_word_ids,
    word_ids,
)


class TaggingPreprocessor(Preprocessor):
    """Makes one id of each word, and a row of the characters of all; see `Preprocessor`.

    Args:
        tokenizer: a `keras_seq.text.Tokenizer` of words.
        character_tokenizer: one of characters, or `None`.
        tags: the `Tags`.
        zero_digits: whether words are looked up with 0 for each of their digits.
        max_word_length: of longer words there are the first and the last characters.
        max_length: longer sentences are cut to so many words.
    """

    def __init__(
        self, tokenizer, character_tokenizer, tags, zero_digits, max_word_length, max_length
    ):
        self.tokenizer = tokenizer
        self.character_tokenizer = character_tokenizer
        self.tags = tags
        self.zero_digits = zero_digits
        self.max_word_length = max_word_length
        self.max_length = max_length

    def check_inputs(self, x):
        return check_sentences(x, "x")

    def check_targets(self, y):
        return self.tags.encode(y)

    def encode_examples(self, x, y=None, sample_weight=None):
        if y is not None:
            check_counts(x, y)
            y = self.tags.cut(y, self.max_length)
        return Examples(self.encode_words(x), y, sample_weight)

    def encode_tensors(self, x, y=None):
        tf = tensorflow()
        words = split_tensors(x)
        if y is None:
            return self.encode_words(words), None
        labels = self.tags.encode_tensors(y)
        counts = words.row_lengths(), labels.row_lengths()
        same = tf.reduce_all(counts[0] == counts[1])
        message = "There must be one tag for each word; received"
        wrong = tf.boolean_mask(x, counts[0] != counts[1])
        with tf.control_dependencies([tf.Assert(same, [message, wrong])]):
            labels = labels.with_flat_values(tf.identity(labels.flat_values))
        return self.encode_words(words), self.tags.cut(labels, self.max_length)

    def encode_words(self, words):
        """Return the columns of `call`, int32: ragged ones of a ragged tensor, lists of lists."""
        if listed := isinstance(words, list):
            words = [row[: self.max_length] for row in words]
        else:
            words = words[:, : self.max_length]
        ids = listed_word_ids if listed else word_ids
        columns = {"token_ids": ids(words, self.tokenizer, self.zero_digits)}
        if self.character_tokenizer is not None:
            letters = listed_character_columns if listed else character_columns
            columns["char_ids"], columns["char_ends"] = letters(
                words, self.character_tokenizer, self.max_word_length
            )
        return columns

    def id_columns(self):
        columns = {"token_ids": IdColumn(self.tokenizer.vocabulary_size)}
        if self.character_tokenizer is not None:
            columns["char_ids"] = IdColumn(self.character_tokenizer.vocabulary_size)
            columns["char_ends"] = IdColumn(None)
        return columns
