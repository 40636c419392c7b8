"""Task models: text in, text out."""

from keras_seq.models.base.load import load_model
from keras_seq.models.base.losses import TokenCrossEntropy
from keras_seq.models.base.metrics import (
    BitsPerToken,
    ExactMatch,
    LabelAccuracy,
    LabelF1,
    Perplexity,
    TokenAccuracy,
)
from keras_seq.models.base.task import Task
from keras_seq.models.classification.text_classifier import TextClassifier
from keras_seq.models.compare import compare
from keras_seq.models.compare_memory import compare_memory
from keras_seq.models.comparison.summary import comparison_summary
from keras_seq.models.language.language_model import LanguageModel
from keras_seq.models.language.stream import Stream
from keras_seq.models.tagging.text_tagger import TextTagger
from keras_seq.models.translation.seq2seq import Seq2Seq

__all__ = [
    "BitsPerToken",
    "ExactMatch",
    "LabelAccuracy",
    "LabelF1",
    "LanguageModel",
    "Perplexity",
    "Seq2Seq",
    "Stream",
    "Task",
    "TextClassifier",
    "TextTagger",
    "TokenAccuracy",
    "TokenCrossEntropy",
    "compare",
    "compare_memory",
    "comparison_summary",
    "load_model",
]
