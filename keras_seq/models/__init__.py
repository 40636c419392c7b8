"""Task models: text in, text out."""

from keras_seq.models.load import load_model
from keras_seq.models.losses import TokenCrossEntropy
from keras_seq.models.metrics import ExactMatch, Perplexity, TokenAccuracy
from keras_seq.models.seq2seq import Seq2Seq
from keras_seq.models.task import Task

__all__ = [
    "ExactMatch",
    "Perplexity",
    "Seq2Seq",
    "Task",
    "TokenAccuracy",
    "TokenCrossEntropy",
    "load_model",
]
