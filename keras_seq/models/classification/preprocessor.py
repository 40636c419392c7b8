"""Texts to tokens and names of classes to numbers, for a classifier."""

from keras_seq.models.base.id_checks import IdColumn
from keras_seq.models.base.preprocessor import Preprocessor
from keras_seq.text.examples import Examples
from keras_seq.text.pipeline import REAL_ROWS, frame


class ClassificationPreprocessor(Preprocessor):
    """Cuts texts into tokens, to which nothing is added; see `Preprocessor`.

    Args:
        tokenizer: a `keras_seq.text.Tokenizer`.
        classes: the `Classes`.
        max_length: longer texts are cut to so many tokens.
    """

    def __init__(self, tokenizer, classes, max_length):
        self.tokenizer = tokenizer
        self.classes = classes
        self.max_length = max_length

    def check_targets(self, y):
        return self.classes.encode(y)

    def encode_examples(self, x, y=None, sample_weight=None):
        ids = frame(self.tokenizer.encode(x), max_length=self.max_length)
        return Examples({"token_ids": ids}, y, sample_weight)

    def encode_tensors(self, x, y=None):
        ids = frame(self.tokenizer.tokenize(x), max_length=self.max_length)
        return {"token_ids": ids}, None if y is None else self.classes.encode_tensors(y)

    def split(self, texts):
        """Return the tokens that are read of a list of texts, or of a tensor of them."""
        tokens = self.tokenizer.split(texts)
        if isinstance(tokens, list):
            return [row[: self.max_length] for row in tokens]
        return tokens[:, : self.max_length]

    def id_columns(self):
        return {
            "token_ids": IdColumn(self.tokenizer.vocabulary_size),
            REAL_ROWS: IdColumn(2, rank=1, needed=False),
        }
