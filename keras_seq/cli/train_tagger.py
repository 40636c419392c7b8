"""The command that trains a tagger."""

from pathlib import Path

from keras_seq._recipes import TAGGER
from keras_seq.cli import options
from keras_seq.cli.devices import OPTIONS, on_devices
from keras_seq.cli.options import MODEL, REQUIRED, TAGGED, TEXT, TRAINING, Option, of, takes, values
from keras_seq.cli.show import say
from keras_seq.cli.tagged import read_tagged
from keras_seq.cli.training import check_training, make_callbacks, train

MODEL_OPTIONS = [
    *of("models.TextTagger.from_texts", TEXT, ["lowercase", "max_vocabulary"]),
    *of(
        "models.TextTagger",
        MODEL,
        without=("scheme", "character_dim", "max_word_length", "rare_words"),
        max_length=256,
        **TAGGER.model,
    ),
]
FILE = "Words and tags in columns, or CoNLL-U where it ends in .conllu."


@takes(
    Option("train", FILE, Path, REQUIRED, TAGGED),
    Option("val", "Held-out sentences, likewise.", Path, panel=TAGGED),
    *options.TAG_COLUMNS,
    options.SEPARATOR,
    *MODEL_OPTIONS,
    *of(
        "models.TextTagger.compile",
        TRAINING,
        ["label_smoothing"],
    ),
    Option(
        "score",
        "Choose the best model by this; f1 with --scheme, else accuracy.",
        ("f1", "accuracy", "loss"),
        panel=TRAINING,
    ),
    *options.training(TAGGER),
    *OPTIONS,
)
@on_devices
def train_tagger(args):
    """Train a tagger on a file of tagged sentences.

    The file has a word and its tags in each line, and an empty line between sentences; or it is
    CoNLL-U. Parts of speech need no --scheme; entities and other spans of words have one, and then
    only valid tags come out, IOB1 as BIO. With a held-out file, OUT always holds the model of the
    best epoch so far, and training stops when it gets no better; without one, OUT is written at
    the end.
    """
    check(args)
    import keras

    sentences, tags = read_tagged(args.train, **how_tagged(args))
    say(f"{len(sentences):,} sentences.")
    keras.utils.set_random_seed(args.seed)
    model = make_model(args, sentences, tags)
    data, scores = {"x": sentences, "y": tags}, []
    if args.val is not None:
        data["validation_data"] = read_known(args.val, model, **how_tagged(args))
        scores = make_scores(args, data["validation_data"])
    callbacks = make_callbacks(args, *monitor(args), scores)
    train(model, data, callbacks, args)


def check(args):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if args.score == "f1" and args.scheme is None:
        raise ValueError("--score f1 is for spans of words; received no --scheme.")
    if args.label_smoothing and not args.softmax:
        raise ValueError("--label-smoothing is for --softmax.")
    check_training(args)
    if args.scheme is not None:
        from keras_seq.text.tag_schemes import scheme_name  # pulls in Keras

        args.scheme = scheme_name(args.scheme)


def how_tagged(args):
    """The arguments of `read_tagged` behind the path."""
    names = ("columns", "tag", "scheme", "repair", "separator", "comment", "encoding")
    return {name: getattr(args, name) for name in names}


def read_known(path, model, **how):
    """The sentences and tags of a file, as `fit` takes them, if the model has all the tags.

    Raises:
        ValueError: as `read_tagged`, and for a tag that the model does not have.
    """
    sentences, tags = read_tagged(path, **how, wanted=model.tags.read_scheme)
    try:
        model.tags.read(tags)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return sentences, tags


def monitor(args):
    """The number that chooses the best model, and whether more or less of it is better."""
    if args.val is None:
        return None, "max"
    score = args.score or ("accuracy" if args.scheme is None else "f1")
    return f"val_{score}", "min" if score == "loss" else "max"


def make_scores(args, held_out):
    """The callbacks that put the scores of the held-out sentences into the logs."""
    from keras_seq.callbacks import TagScore

    return [TagScore(*held_out, batch_size=args.batch_size)]


def make_model(args, sentences, tags):
    """Return a new tagger with the vocabulary and the tags of the sentences."""
    from keras_seq.models import TextTagger

    say("Building the vocabulary.")
    config = values(MODEL_OPTIONS, args)
    return TextTagger.from_texts(sentences, tags, scheme=args.scheme, **config)
