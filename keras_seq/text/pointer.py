"""Ids for a decoder that may point at source tokens."""

import numpy as np

from keras_seq._tensorflow import tensorflow, to_utf8
from keras_seq.text.pipeline import frame
from keras_seq.text.tokenizer import SPECIAL_TOKENS


class Pointer:
    """Encodes pairs of texts so that source tokens without an id can be written.

    A token that the target vocabulary does not hold, but the source text does, is V + s: V is the
    size of the target vocabulary and s the first position in the source where the token stands.
    Tokens are compared as the tokenizers split them.

    Args:
        source: the tokenizer of the source.
        target: the tokenizer of the target.
        max_source_length: longer sources are cut, the end token included.
        max_target_length: the same for targets.

    Raises:
        ValueError: for a tokenizer that spells every word, as a `SubwordTokenizer` does.
    """

    def __init__(self, source, target, max_source_length, max_target_length):
        for tokenizer in (source, target):
            if tokenizer.spells_every_word:
                raise ValueError(
                    "A pointer copies words or characters that have no id; a "
                    f"{type(tokenizer).__name__} spells every word. Received {tokenizer!r}."
                )
        self.source = source
        self.target = target
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self._table = None

    def resources(self):
        """The TensorFlow objects behind the operations; see `Tokenizer.resources`."""
        if self._table is None:
            tf = tensorflow()
            tokens = [to_utf8(token) for token in self.target.vocabulary]
            ids = np.arange(len(tokens), dtype="int32")
            with tf.init_scope(), tf.device("CPU:0"):
                pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(tokens), ids)
                self._table = tf.lookup.StaticHashTable(pairs, default_value=-1)
        return {"pointer": self._table}

    def encode(self, x, y=None):
        """Return `(inputs, labels)` of lists of texts, lists of int32 arrays."""
        source, target, limit = self.source, self.target, self.max_source_length
        sources = [tokens[:limit] for tokens in source.split(x)]
        places = [_first_places(tokens, target.vocabulary_size) for tokens in sources]
        copies = [
            [self._copied(token, place) for token in tokens]
            for tokens, place in zip(sources, places, strict=True)
        ]
        inputs = {
            "source_ids": frame(source.encode(x), None, source.end_token_id, limit),
            "copy_ids": frame(copies, None, target.end_token_id, limit),
        }
        if y is None:
            return inputs, None
        unknown = target.unknown_token_id
        written = [
            [place.get(t, unknown) if i == unknown else i for i, t in zip(row, tokens, strict=True)]
            for row, tokens, place in zip(target.encode(y), target.split(y), places, strict=True)
        ]
        limit = self.max_target_length
        inputs["target_ids"] = frame(written, target.start_token_id, None, limit)
        return inputs, frame(written, None, target.end_token_id, limit)

    def _copied(self, token, places):
        """The id of a token of the source, or V + its place: of what no id or a special one has."""
        token_id = self.target.token_to_id(token)
        return token_id if token_id >= len(SPECIAL_TOKENS) else places[token]

    def encode_tensors(self, x, y=None):
        """Return `(inputs, labels)`, ragged, of string tensors `(batch,)`."""
        tf = tensorflow()
        source, target = self.source, self.target
        tokens = source.split(x)[:, : self.max_source_length]  # (B, None)
        row_lengths = tokens.row_lengths()
        # One column of padding, so that there is one to look at even where all texts are empty.
        dense = tf.pad(tokens.to_tensor(), [[0, 0], [0, 1]])  # (B, S)
        valid = tf.sequence_mask(row_lengths, tf.shape(dense)[1])
        ids = self.resources()["pointer"].lookup(dense)
        special = ids < len(SPECIAL_TOKENS)  # not what a text may call so
        copies = tf.where(special, self._positions(dense, dense, valid), ids)
        limit = self.max_source_length
        inputs = {
            "source_ids": frame(source.tokenize(x), None, source.end_token_id, limit),
            "copy_ids": frame(
                tf.RaggedTensor.from_tensor(copies, row_lengths), None, target.end_token_id, limit
            ),
        }
        if y is None:
            return inputs, None
        written = target.tokenize(y)
        strings = target.split(y).to_tensor()
        places = tf.RaggedTensor.from_tensor(
            self._positions(strings, dense, valid), written.row_lengths()
        ).flat_values
        copied = (written.flat_values == target.unknown_token_id) & (places >= 0)
        written = written.with_flat_values(tf.where(copied, places, written.flat_values))
        limit = self.max_target_length
        inputs["target_ids"] = frame(written, target.start_token_id, None, limit)
        return inputs, frame(written, None, target.end_token_id, limit)

    def _positions(self, tokens, source, valid):
        """V + the first position of each of `tokens` in `source`, -1 where it is not there."""
        tf = tensorflow()
        same = (tokens[:, :, None] == source[:, None]) & valid[:, None]  # (B, T, S)
        first = tf.argmax(tf.cast(same, tf.int32), axis=2, output_type=tf.int32)
        return tf.where(tf.reduce_any(same, axis=2), first + self.target.vocabulary_size, -1)


def _first_places(tokens, before):
    """A dict of `before` + the first place of each token."""
    return {token: before + place for place, token in [*enumerate(tokens)][::-1]}
