"""Task models: text in, text out."""

import importlib
from typing import TYPE_CHECKING

from keras_seq.models.base.average import average_checkpoints
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
from keras_seq.models.base.preprocessor import Preprocessor
from keras_seq.models.base.task import Task
from keras_seq.models.classification.text_classifier import TextClassifier
from keras_seq.models.ensemble import Ensemble
from keras_seq.models.language.language_model import LanguageModel
from keras_seq.models.language.stream import Stream
from keras_seq.models.tagging.text_tagger import TextTagger
from keras_seq.models.translation.seq2seq import Seq2Seq

if TYPE_CHECKING:
    from keras_seq.experiments import compare, compare_memory, comparison_summary

__all__ = [
    "BitsPerToken",
    "Ensemble",
    "ExactMatch",
    "LabelAccuracy",
    "LabelF1",
    "LanguageModel",
    "Perplexity",
    "Preprocessor",
    "Seq2Seq",
    "Stream",
    "Task",
    "TextClassifier",
    "TextTagger",
    "TokenAccuracy",
    "TokenCrossEntropy",
    "average_checkpoints",
    "compare",
    "compare_memory",
    "comparison_summary",
    "load_model",
]

# The names that are at home in `keras_seq.experiments`, which stands above this package.
EXPERIMENTS = ("compare", "compare_memory", "comparison_summary")


def __getattr__(name):
    if name in EXPERIMENTS:
        return getattr(importlib.import_module("keras_seq.experiments"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *EXPERIMENTS})
