"""The command that trains a classifier."""

import dataclasses
from pathlib import Path

from keras_seq._recipes import CLASSIFIER
from keras_seq.cli import options
from keras_seq.cli.devices import OPTIONS, on_devices
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
        max_length=256,
        **CLASSIFIER.model,
    ),
]


@takes(
    Option("train", "A TSV or CSV file of texts and labels.", Path, REQUIRED, FILES),
    Option("val", "Held-out texts and labels.", Path, panel=FILES),
    *options.COLUMNS,
    dataclasses.replace(options.LABEL_SEPARATOR, panel=FILES),
    options.SEPARATOR,
    *MODEL_OPTIONS,
    *of(
        "models.TextClassifier.compile",
        TRAINING,
        ["label_smoothing", "r_drop"],
    ),
    *of("models.Task.fit", TRAINING, ["subword_sampling"]),
    Option("balanced", "Let all classes count the same in training.", bool, False, TRAINING),
    Option(
        "score",
        "Choose the best model by this, on the held-out texts.",
        ("accuracy", "f1", "loss"),
        "accuracy",
        TRAINING,
    ),
    *options.training(CLASSIFIER),
    *OPTIONS,
)
@on_devices
def train_classifier(args):
    """Train a classifier on a file of texts and labels.

    The columns of a TSV or CSV file are chosen by the names in its first line, or, where every
    line is a row, by their places. With a held-out file, OUT always holds the model of the best
    epoch so far, and training stops when it gets no better; without one, OUT is written at the end.
    """
    check(args)
    import keras

    texts, labels, data = read(args)
    keras.utils.set_random_seed(args.seed)
    monitor = None if args.val is None else f"val_{args.score}"
    lower = args.score == "loss"
    callbacks = make_callbacks(args, monitor, "min" if lower else "max")
    model = make_model(args, texts, labels)
    train(model, data, callbacks, args, r_drop=args.r_drop)


def check(args):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if args.score == "f1" and args.label_separator is None:
        raise ValueError("--score f1 is for --label-separator; received none.")
    if args.balanced and args.label_separator is not None:
        raise ValueError("--balanced is for one label a text; received --label-separator.")
    check_training(args)


def read(args):
    """Return the texts, the labels, and the data for `fit`."""
    texts, labels = read_columns(args.train, vars(args))
    data = {"x": texts, "y": labels, "class_weight": "balanced" if args.balanced else None}
    data["subword_sampling"] = args.subword_sampling
    if args.val is not None:
        groups = [[label] for label in labels] if args.label_separator is None else labels
        known = sorted({label for group in groups for label in group})
        data["validation_data"] = read_columns(args.val, vars(args), known)
    say(f"{len(texts):,} texts.")
    return texts, labels, data


def make_model(args, texts, labels):
    """Return a new classifier with the vocabulary and the classes of the texts."""
    from keras_seq.models import TextClassifier

    say(f"Building the {args.tokens} vocabulary.")
    several = args.label_separator is not None
    config = values(MODEL_OPTIONS, args)
    return TextClassifier.from_texts(texts, labels, multi_label=several, **config)
