"""Vectors of words, made of their characters."""

import keras
from keras import ops

from keras_seq._checks import check_choice, check_positive
from keras_seq._typing import Config, Options, Tensor, Unpack
from keras_seq.layers.masking import without_masked
from keras_seq.layers.rnn_stack import RNNStack

KINDS = ("cnn", "lstm")


@keras.saving.register_keras_serializable(package="keras_seq")
class CharacterFeatures(keras.layers.Layer):
    r"""A vector for each word, made of its characters c_1 ... c_n by a convolution or an LSTM.

        v = tanh(max_i (b + W_-1 E c_(i-1) + W_0 E c_i + W_1 E c_(i+1)))       kind="cnn"
        v = [forward LSTM(E c_1 ... E c_n); backward LSTM(E c_n ... E c_1)]    kind="lstm"

    with E the embedding, and E c = 0 before the first and behind the last character. So a word that
    is in no vocabulary still shows its endings, its capitals and its digits.

    The characters of all words of a sentence stand one behind the other in one row, and a second
    row says where each word ends: two flat columns, which batches of sentences of any length pad
    at the end.

    Args:
        vocabulary_size: number of ids of characters; 0 is padding.
        units: number of filters, or size of the state of each of the two LSTMs.
        kind: `"cnn"` or `"lstm"`.
        embedding_dim: size of the vectors of characters.
        max_word_length: of longer words the first so many characters are read. Every word takes
            the time of one of this length.

    Call arguments:
        char_ids: integers `(batch, characters)`.
        char_ends: integers `(batch, words)`: behind how many characters of its row each word ends,
            ascending; then 0s, for words that there are not.

    Returns:
        `(batch, words, output_size)` in the compute dtype; 0 for a word without characters. It
        takes and returns no mask.

    Raises:
        ValueError: for another `kind`, and for sizes below 1.

    Example:

    >>> import numpy as np
    >>> layer = CharacterFeatures(vocabulary_size=8, units=5)
    >>> ids = np.array([[4, 5, 6, 4, 7, 0]])  # "abc" and "ad"
    >>> tuple(layer(ids, np.array([[3, 5, 0]])).shape)
    (1, 3, 5)

    References:
        - Ma & Hovy, 2016, "End-to-end sequence labeling via bi-directional LSTM-CNNs-CRF",
          arXiv:1603.01354, section 2.1.
        - Lample et al., 2016, "Neural architectures for named entity recognition",
          arXiv:1603.01360, section 4.1.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 30,
        kind: str = "cnn",
        embedding_dim: int = 30,
        max_word_length: int = 16,
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_positive("vocabulary_size", vocabulary_size)
        self.units = check_positive("units", units)
        self.kind = check_choice("kind", kind, KINDS)
        self.embedding_dim = check_positive("embedding_dim", embedding_dim)
        self.max_word_length = check_positive("max_word_length", max_word_length)
        policy = {"dtype": self.dtype_policy}
        # As Ma & Hovy draw them: the variance of a vector's numbers is 1 / embedding_dim.
        bound = (3 / embedding_dim) ** 0.5
        self.embedding = keras.layers.Embedding(
            vocabulary_size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-bound, bound),
            **policy,
        )
        if kind == "cnn":
            self.reader = keras.layers.Conv1D(units, 3, padding="same", **policy)
        else:
            self.reader = RNNStack("lstm", units, bidirectional=True, **policy)

    @property
    def output_size(self) -> int:
        """The number of features of a word."""
        return self.units if self.kind == "cnn" else 2 * self.units

    def build(self, char_ids_shape=None, char_ends_shape=None):
        self.embedding.build((None, None))
        self.reader.build((None, self.max_word_length, self.embedding_dim))

    def call(self, char_ids: Tensor, char_ends: Tensor) -> Tensor:
        shape = ops.shape(char_ends)
        ids, mask = self._words(char_ids, char_ends)  # (batch * words, max_word_length)
        vectors = without_masked(self.embedding(ids), mask)
        if self.kind == "cnn":
            features = self._largest(self.reader(vectors), mask)
        else:
            features = self.reader(vectors, mask=mask)
        return ops.reshape(features, (shape[0], shape[1], self.output_size))

    def _words(self, char_ids, char_ends):
        """The characters of each word in a row of its own, and whether there is one."""
        char_ends = ops.cast(char_ends, "int32")
        starts = ops.pad(char_ends[:, :-1], ((0, 0), (1, 0)))
        places = ops.arange(self.max_word_length, dtype="int32")
        places = starts[..., None] + places  # (batch, words, max_word_length)
        mask = ops.reshape(places < char_ends[..., None], (-1, self.max_word_length))
        # One more, so that there is something to point to in a row of no characters.
        char_ids = ops.pad(ops.cast(char_ids, "int32"), ((0, 0), (0, 1)))
        places = ops.minimum(places, ops.shape(char_ids)[1] - 1)
        flat = ops.reshape(places, (ops.shape(places)[0], -1))
        ids = ops.take_along_axis(char_ids, flat, axis=1)
        ids = ops.reshape(ids, (-1, self.max_word_length))
        return ops.where(mask, ids, 0), mask

    def _largest(self, outputs, mask):
        """tanh of the largest output over the characters; 0 where there are none."""
        low = ops.full_like(outputs, -6e4)  # float16 has it
        largest = ops.max(ops.where(mask[..., None], outputs, low), axis=1)
        any_character = ops.any(mask, axis=1)[:, None]
        # Chosen before the tanh, so that no gradient passes where there is nothing.
        return ops.tanh(ops.where(any_character, largest, ops.zeros_like(largest)))

    def compute_output_shape(self, char_ids_shape, char_ends_shape):
        return (*char_ends_shape, self.output_size)

    def compute_output_spec(self, char_ids, char_ends):
        shape = self.compute_output_shape(char_ids.shape, char_ends.shape)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "kind": self.kind,
            "embedding_dim": self.embedding_dim,
            "max_word_length": self.max_word_length,
        }
