"""Callbacks for `fit`.

In a list of several, `AveragedWeights` comes first, `TextScore` before `BestModel`, and
`Checkpoint` last.
"""

from keras_seq.callbacks.best_model import BestModel
from keras_seq.callbacks.checkpoint import Checkpoint
from keras_seq.callbacks.gradient_flow import GradientFlow
from keras_seq.callbacks.gradient_norms import GradientNorms
from keras_seq.callbacks.stop_on_interrupt import StopOnInterrupt
from keras_seq.callbacks.tag_score import TagScore
from keras_seq.callbacks.text_score import TextScore
from keras_seq.callbacks.time_limit import TimeLimit
from keras_seq.models.base.averaged_weights import AveragedWeights
from keras_seq.models.base.learning_rate_decay import LearningRateDecay

__all__ = [
    "AveragedWeights",
    "BestModel",
    "Checkpoint",
    "GradientFlow",
    "GradientNorms",
    "LearningRateDecay",
    "StopOnInterrupt",
    "TagScore",
    "TextScore",
    "TimeLimit",
]
