"""Task models: text in, text out."""

from keras_seq.models.compare import compare
from keras_seq.models.compare_memory import compare_memory
from keras_seq.models.comparison.summary import comparison_summary
from keras_seq.models.language_model import LanguageModel
from keras_seq.models.load import load_model
from keras_seq.models.losses import TokenCrossEntropy
from keras_seq.models.metrics import (
    BitsPerToken,
    ExactMatch,
    LabelAccuracy,
    LabelF1,
    Perplexity,
    TokenAccuracy,
)
from keras_seq.models.seq2seq import Seq2Seq
from keras_seq.models.stream import Stream
from keras_seq.models.task import Task
from keras_seq.models.text_classifier import TextClassifier
from keras_seq.models.text_tagger import TextTagger

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
