"""The command that trains a classifier."""

import dataclasses

from keras_seq.cli import options
from keras_seq.cli.labelled import read_columns
from keras_seq.cli.option_groups import RecurrentTraining, takes
from keras_seq.cli.show import describe, say
from keras_seq.cli.training import (
    check_training,
    default_vocabulary,
    finish,
    fit,
    make_callbacks,
    make_optimizer,
)


@dataclasses.dataclass(kw_only=True)
class ClassifierTraining(RecurrentTraining):
    """Options of the training of a classifier."""

    train: options.TrainFile
    val: options.ValFile = None
    text_column: options.TextColumn = "text"
    label_column: options.LabelColumn = "label"
    label_separator: options.LabelSeparator = None
    separator: options.Separator = None
    quoted: options.Quoted = None
    tokens: options.TokensOption = options.Tokens.word
    vocabulary: options.OneVocabulary = None
    lowercase: options.LowercaseText = False
    max_length: options.MaxLength = 256
    pooling: options.PoolingOption = options.Pooling.last
    unidirectional: options.LeftOnly = False
    label_smoothing: options.ClassSmoothing = 0.0
    balanced: options.Balanced = False
    score: options.ClassScoreOption = options.ClassScore.accuracy


@takes(ClassifierTraining)
def train_classifier(given):
    """Train a classifier on a file of texts and labels.

    The columns of a TSV or CSV file are chosen by the names in its first line, or, where every
    line is a row, by their places. With a held-out file, OUT always holds the model of the best
    epoch so far, and training stops when it gets no better; without one, OUT is written at the end.

    Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command with
    --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
    OUT.state, which is deleted when training is complete.
    """
    check(given)
    import keras

    texts, labels, data = read(given)
    keras.utils.set_random_seed(given.seed)
    monitor = None if given.val is None else f"val_{given.score.value}"
    lower = given.score is options.ClassScore.loss
    callbacks = make_callbacks(given, monitor, "min" if lower else "max")
    model = make_model(given, texts, labels)
    model.compile(make_optimizer(given), label_smoothing=given.label_smoothing)
    say(describe(model))
    interrupted = fit(model, data, callbacks, given)
    finish(model, callbacks, interrupted, given)


def check(given):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if given.score is options.ClassScore.f1 and given.label_separator is None:
        raise ValueError("--score f1 is for --label-separator; received none.")
    if given.balanced and given.label_separator is not None:
        raise ValueError("--balanced is for one label a text; received --label-separator.")
    check_training(given)


def read(given):
    """Return the texts, the labels, and the data for `fit`."""
    texts, labels = read_columns(given.train, vars(given))
    data = {"x": texts, "y": labels, "class_weight": "balanced" if given.balanced else None}
    if given.val is not None:
        groups = [[label] for label in labels] if given.label_separator is None else labels
        known = sorted({label for group in groups for label in group})
        data["validation_data"] = read_columns(given.val, vars(given), known)
    say(f"{len(texts):,} texts.")
    return texts, labels, data


def make_model(given, texts, labels):
    """Return a new classifier with the vocabulary and the classes of the texts."""
    from keras_seq.models import TextClassifier

    say(f"Building the {given.tokens.value} vocabulary.")
    return TextClassifier.from_texts(
        texts,
        labels,
        tokens=given.tokens.value,
        lowercase=given.lowercase,
        max_vocabulary=default_vocabulary(given),
        multi_label=given.label_separator is not None,
        **given.stack(),
        bidirectional=not given.unidirectional,
        pooling=given.pooling.value,
        max_length=given.max_length,
    )
