"""The command that trains a language model."""

from pathlib import Path

from keras_seq._recipes import LANGUAGE_MODEL
from keras_seq.cli import options
from keras_seq.cli.devices import OPTIONS, on_devices
from keras_seq.cli.options import MODEL, REQUIRED, TEXT, TRAINING, Option, of, takes, values
from keras_seq.cli.show import say
from keras_seq.cli.training import check_training, make_callbacks, train
from keras_seq.cli.use_language_model import read_texts

WINDOW = "Steps that a gradient goes back; 0 for whole texts, of similar length together."
MODEL_OPTIONS = [
    *of("models.LanguageModel.from_texts", TEXT),
    *of("models.LanguageModel", MODEL, without=["window"], **LANGUAGE_MODEL.model),
]


@takes(
    Option("train", "A text, read as one from its first character to its last.", Path, REQUIRED),
    Option("val", "A held-out text.", Path),
    options.LINES,
    *MODEL_OPTIONS,
    Option("window", WINDOW, int, 100, MODEL),
    *of(
        "models.LanguageModel.compile",
        TRAINING,
        ["label_smoothing"],
    ),
    *of("models.Task.fit", TRAINING, ["subword_sampling"]),
    *options.training(LANGUAGE_MODEL),
    *OPTIONS,
)
@on_devices
def train_language_model(args):
    """Train a language model on a file of text.

    The file is one text, line ends and all; with --lines each line is a text by itself. The texts
    are read one after the other, in as many streams as a batch has rows.

    With a held-out file, OUT always holds the model of the best epoch so far, by its perplexity,
    and training stops when it gets no better; without one, OUT is written at the end.
    """
    check_training(args)
    import keras

    texts = read_texts(args.train, args.lines, args.encoding)
    data = {"x": texts, "subword_sampling": args.subword_sampling}
    if args.val is not None:
        data["validation_data"] = read_texts(args.val, args.lines, args.encoding)
    say(f"{len(texts):,} text{'s' * (len(texts) > 1)}, {sum(map(len, texts)):,} characters.")
    keras.utils.set_random_seed(args.seed)
    callbacks = make_callbacks(args, None if args.val is None else "val_perplexity", "min")
    model = make_model(args, texts)
    train(model, data, callbacks, args)


def make_model(args, texts):
    """Return a new language model with the vocabulary of the texts."""
    from keras_seq.models import LanguageModel

    say(f"Building the {args.tokens} vocabulary.")
    config = values(MODEL_OPTIONS, args)
    return LanguageModel.from_texts(texts, **config, window=args.window or None)
