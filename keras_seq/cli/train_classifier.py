"""The command that trains a classifier."""

import dataclasses
from pathlib import Path

from keras_seq.cli import options
from keras_seq.cli.labelled import read_columns
from keras_seq.cli.options import FILES, MODEL, REQUIRED, TEXT, TRAINING, Option, of, takes, values
from keras_seq.cli.show import say
from keras_seq.cli.training import check_training, make_callbacks, train

MODEL_OPTIONS = [
    *of("models.TextClassifier.from_texts", TEXT, without=["multi_label"]),
    *of(
        "models.TextClassifier",
        MODEL,
        without=("multi_label", "threshold"),
        units=128,
        dropout=0.2,
        max_length=256,
    ),
]


@takes(
    Option("train", "A TSV or CSV file of texts and labels.", Path, REQUIRED, FILES),
    Option("val", "Held-out texts and labels.", Path, panel=FILES),
    *options.COLUMNS,
    dataclasses.replace(options.LABEL_SEPARATOR, panel=FILES),
    options.SEPARATOR,
    *MODEL_OPTIONS,
    *of("models.TextClassifier.compile", TRAINING, ["label_smoothing", "r_drop"]),
    *of("models.Task.fit", TRAINING, ["subword_sampling"]),
    Option("balanced", "Let all classes count the same in training.", bool, False, TRAINING),
    Option(
        "score",
        "Choose the best model by this, on the held-out texts.",
        ("accuracy", "f1", "loss"),
        "accuracy",
        TRAINING,
    ),
    *options.training(),
)
def train_classifier(given):
    """Train a classifier on a file of texts and labels.

    The columns of a TSV or CSV file are chosen by the names in its first line, or, where every
    line is a row, by their places. With a held-out file, OUT always holds the model of the best
    epoch so far, and training stops when it gets no better; without one, OUT is written at the end.
    """
    check(given)
    import keras

    texts, labels, data = read(given)
    keras.utils.set_random_seed(given.seed)
    monitor = None if given.val is None else f"val_{given.score}"
    lower = given.score == "loss"
    callbacks = make_callbacks(given, monitor, "min" if lower else "max")
    model = make_model(given, texts, labels)
    train(model, data, callbacks, given, r_drop=given.r_drop)


def check(given):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if given.score == "f1" and given.label_separator is None:
        raise ValueError("--score f1 is for --label-separator; received none.")
    if given.balanced and given.label_separator is not None:
        raise ValueError("--balanced is for one label a text; received --label-separator.")
    check_training(given)


def read(given):
    """Return the texts, the labels, and the data for `fit`."""
    texts, labels = read_columns(given.train, vars(given))
    data = {"x": texts, "y": labels, "class_weight": "balanced" if given.balanced else None}
    data["subword_sampling"] = given.subword_sampling
    if given.val is not None:
        groups = [[label] for label in labels] if given.label_separator is None else labels
        known = sorted({label for group in groups for label in group})
        data["validation_data"] = read_columns(given.val, vars(given), known)
    say(f"{len(texts):,} texts.")
    return texts, labels, data


def make_model(given, texts, labels):
    """Return a new classifier with the vocabulary and the classes of the texts."""
    from keras_seq.models import TextClassifier

    say(f"Building the {given.tokens} vocabulary.")
    several = given.label_separator is not None
    config = values(MODEL_OPTIONS, given)
    return TextClassifier.from_texts(texts, labels, multi_label=several, **config)
