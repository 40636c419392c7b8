"""Pairs of texts to the ids of a translator, and its answers to texts, in a graph."""

from keras_seq._tensorflow import tensorflow
from keras_seq.models.base.id_checks import IdColumn
from keras_seq.models.base.preprocessor import Preprocessor
from keras_seq.text.examples import Examples
from keras_seq.text.pipeline import frame
from keras_seq.text.pointer import Pointer


class TranslationPreprocessor(Preprocessor):
    """Encodes sources, which end with the end token, and targets; see `Preprocessor`.

    Args:
        source_tokenizer: a `keras_seq.text.Tokenizer` of the source language.
        target_tokenizer: one of the target language.
        max_source_length: longer sources are cut to so many tokens, the end token included.
        max_target_length: the same for targets.
        copy: whether ids behind the target vocabulary point at source tokens.

    Raises:
        ValueError: for a pointer over subwords.
    """

    def __init__(
        self, source_tokenizer, target_tokenizer, max_source_length, max_target_length, copy
    ):
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self.pointer = None
        if copy:
            self.pointer = Pointer(
                source_tokenizer, target_tokenizer, max_source_length, max_target_length
            )

    def encode_examples(self, x, y=None, sample_weight=None):
        source, target = self.source_tokenizer, self.target_tokenizer
        if self.pointer is not None:
            inputs, labels = self.pointer.encode(x, y)
        else:
            inputs, labels = self._frame(source.encode(x), None if y is None else target.encode(y))
        return Examples(inputs, labels, sample_weight)

    def encode_tensors(self, x, y=None):
        source, target = self.source_tokenizer, self.target_tokenizer
        if self.pointer is not None:
            return self.pointer.encode_tensors(x, y)
        return self._frame(source.tokenize(x), None if y is None else target.tokenize(y))

    def _frame(self, source_ids, target_ids):
        """Add start and end tokens, and cut to the largest lengths."""
        source, target = self.source_tokenizer, self.target_tokenizer
        inputs = {
            "source_ids": frame(source_ids, None, source.end_token_id, self.max_source_length)
        }
        if target_ids is None:
            return inputs, None
        limit = self.max_target_length
        inputs["target_ids"] = frame(target_ids, target.start_token_id, None, limit)
        return inputs, frame(target_ids, None, target.end_token_id, limit)

    def id_columns(self):
        source, target = self.source_tokenizer, self.target_tokenizer.vocabulary_size
        columns = {"source_ids": IdColumn(source.vocabulary_size), "target_ids": IdColumn(target)}
        if self.pointer is not None:  # behind the vocabulary, the positions of the source
            columns["target_ids"] = IdColumn(target, beside="source_ids")
            columns["copy_ids"] = IdColumn(target, beside="source_ids")
        return columns

    def source_tokens(self, texts):
        """Return the tokens of sources as they are read, the end token included.

        Args:
            texts: a list of texts, or a tensor `(batch,)` of them.

        Returns:
            A list of lists, or a ragged tensor.
        """
        source = self.source_tokenizer
        tokens, end = source.split(texts), source.id_to_token(source.end_token_id)
        if isinstance(tokens, list):
            return [[*row, end][: self.max_source_length] for row in tokens]
        return frame(tokens, None, end, self.max_source_length)

    def target_token(self, token_id, source_tokens):
        """Return the token of an id, which a pointer may have taken from the source."""
        target, token_id = self.target_tokenizer, int(token_id)
        position = token_id - target.vocabulary_size
        if position < 0:
            return target.id_to_token(token_id)
        if position < len(source_tokens):
            return source_tokens[position]
        # A wide beam may hold a sequence of no probability that points at padding.
        return target.id_to_token(target.unknown_token_id)

    def target_tokens(self, ids, sources):
        """Return the tokens of ids in a graph, each as that of `target_token`.

        Args:
            ids: ragged integers `(rows, None)`.
            sources: what `source_tokens` returned, as many rows.
        """
        tf = tensorflow()
        target = self.target_tokenizer
        tokens = target.ids_to_tokens(ids)
        if self.pointer is None:
            return tokens
        place = tf.cast(ids.flat_values - target.vocabulary_size, "int64")
        row = ids.value_rowids()
        pointed = (place >= 0) & (place < tf.gather(sources.row_lengths(), row))
        place = tf.where(pointed, tf.gather(sources.row_starts(), row) + place, 0)
        copied = tf.gather(sources.flat_values, place)
        return tokens.with_flat_values(tf.where(pointed, copied, tokens.flat_values))

    def target_texts(self, ids, text):
        """Return the texts of ragged ids, as many rows for each of the sources `(batch,)`."""
        tf = tensorflow()
        if self.pointer is None:
            return self.target_tokenizer.detokenize(ids)
        sources = self.source_tokens(text)
        rows = tf.repeat(tf.range(sources.nrows()), ids.nrows() // sources.nrows())
        return self.target_tokenizer.join(self.target_tokens(ids, tf.gather(sources, rows)))
