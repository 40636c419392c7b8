"""Texts to what a language model is fed and what it is to predict."""

from keras_seq.models.base.id_checks import IdColumn
from keras_seq.models.base.preprocessor import Preprocessor
from keras_seq.text.examples import Examples
from keras_seq.text.forms import as_texts, single_text
from keras_seq.text.pipeline import frame


class LanguagePreprocessor(Preprocessor):
    """Puts the start token before each text, and the end token behind; see `Preprocessor`.

    Args:
        tokenizer: a `keras_seq.text.Tokenizer`.
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def check_inputs(self, x):
        text = single_text(x)
        return as_texts(x, "x") if text is None else [text]

    def check_targets(self, y):
        raise ValueError(
            "A language model is trained on texts alone: what it is to predict is in them; "
            f"received `y` of type {type(y).__name__}."
        )

    def encode_examples(self, x, y=None, sample_weight=None):
        fed, labels = self.encode(x)
        return Examples({"token_ids": fed}, labels, sample_weight)

    def encode_tensors(self, x, y=None):
        fed, labels = self._frame(self.tokenizer.tokenize(x))
        return {"token_ids": fed}, labels

    def encode(self, texts):
        """Return `(fed, labels)` of texts, two lists of int32 arrays."""
        return self._frame(self.tokenizer.encode(texts))

    def _frame(self, ids):
        fed = frame(ids, self.tokenizer.start_token_id)
        return fed, frame(ids, end=self.tokenizer.end_token_id)

    def id_columns(self):
        return {
            "token_ids": IdColumn(self.tokenizer.vocabulary_size),
            "continues": IdColumn(2, rank=1, needed=False),
        }
