"""Subwords that are drawn: each time another way to split a text."""

import contextlib
import contextvars
import threading

import numpy as np

from keras_seq._checks import as_number
from keras_seq._tensorflow import tensorflow

_SAMPLING = contextvars.ContextVar("subword sampling", default=None)  # of each thread its own
_SEEDING = threading.Lock()  # sentencepiece has one seed for the whole process


def check_sampling(alpha):
    """Return `alpha` as a number of Python; a `ValueError` unless it is in [0, 1]."""
    number = as_number(alpha)
    if number is None or not 0 <= number <= 1:
        raise ValueError(f"`subword_sampling` must be a number in [0, 1]; received {alpha!r}.")
    return number


class SubwordSampling:
    r"""How the texts are split that a model is trained on: subword regularisation, BPE dropout.

        p(x | text) ~ p(x)^alpha                  over all ways x to split it, of a unigram model
        each merge is left out with alpha         of a BPE

    The smaller alpha is, the more a unigram model's splits differ; those of a BPE differ more where
    it is larger.

    Args:
        alpha: a number above 0, at most 1.
        seed: an integer, or a scalar int64 tensor.

    Attributes:
        draws: how often texts were split.

    References:
        - Kudo, 2018, "Subword regularization: improving neural network translation models with
          multiple subword candidates", arXiv:1804.10959.
        - Provilkov, Emelianenko & Voita, 2020, "BPE-dropout: simple and effective subword
          regularization", arXiv:1910.13267.
    """

    def __init__(self, alpha, seed):
        self.alpha = alpha
        self.seed = seed
        self.draws = 0

    def ids(self, processor, strings):
        """Return the ids of string tensors `(batch,)`, ragged int32, eagerly or in a graph.

        Args:
            processor: a `sentencepiece.SentencePieceProcessor`.
            strings: valid UTF-8.
        """
        tf = tensorflow()
        self.draws += 1

        def draw(strings, seed):
            texts = [string.decode() for string in strings]
            return drawn_ids(processor, self.alpha, texts, seed)

        inputs = [strings, tf.cast(self.seed, "int64") + self.draws]
        flat, lengths = tf.numpy_function(draw, inputs, (tf.int32, tf.int64))
        flat.set_shape([None])
        lengths.set_shape(strings.shape)
        return tf.RaggedTensor.from_row_lengths(flat, lengths, validate=False)

    def rows(self, processor, texts):
        """Return the ids of a list of str, an int32 array for each."""
        self.draws += 1
        flat, lengths = drawn_ids(processor, self.alpha, texts, int(self.seed) + self.draws)
        return np.split(flat, np.cumsum(lengths)[:-1])


def drawn_ids(processor, alpha, texts, seed):
    """Return the ids of all texts, one behind the other, int32, and how many each has, int64."""
    import sentencepiece

    with _SEEDING:
        # A batch runs in new threads, whose generators begin with the seed; one, for one order.
        sentencepiece.set_random_generator_seed(int(seed) % 2**31)
        rows = processor.encode(
            texts, out_type=int, enable_sampling=True, nbest_size=-1, alpha=alpha, num_threads=1
        )
    flat = [token_id for row in rows for token_id in row]
    return np.array(flat, "int32"), np.array(list(map(len, rows)), "int64")


@contextlib.contextmanager
def sampled_subwords(alpha, seed):
    """Within, in this thread, subword tokenizers draw the ids of texts.

    Args:
        alpha, seed: as in `SubwordSampling`.

    Raises:
        ValueError: at the end, where no tokenizer has drawn any.
    """
    sampling = SubwordSampling(alpha, seed)
    before = _SAMPLING.set(sampling)
    try:
        yield sampling
    finally:
        _SAMPLING.reset(before)
    if not sampling.draws:
        raise ValueError("`subword_sampling` needs a model with a SubwordTokenizer.")


def current_sampling():
    """The `SubwordSampling` that holds in this thread, or `None`."""
    return _SAMPLING.get()
