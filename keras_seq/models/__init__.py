"""Task models: text in, text out."""

from keras_seq.models.load import load_model
from keras_seq.models.losses import TokenCrossEntropy
from keras_seq.models.metrics import (
    ExactMatch,
    LabelAccuracy,
    LabelF1,
    Perplexity,
    TokenAccuracy,
)
from keras_seq.models.seq2seq import Seq2Seq
from keras_seq.models.task import Task
from keras_seq.models.text_classifier import TextClassifier

__all__ = [
    "ExactMatch",
    "LabelAccuracy",
    "LabelF1",
    "Perplexity",
    "Seq2Seq",
    "Task",
    "TextClassifier",
    "TokenAccuracy",
    "TokenCrossEntropy",
    "load_model",
]
