"""The command that trains a translator."""

from pathlib import Path

from keras_seq._recipes import TRANSLATOR
from keras_seq.cli import options
from keras_seq.cli.devices import OPTIONS, on_devices
from keras_seq.cli.options import MODEL, REQUIRED, TEXT, TRAINING, Option, of, takes, values
from keras_seq.cli.show import say
from keras_seq.cli.training import check_training, make_callbacks, train

SCORES = ("perplexity", "bleu", "chrf", "exact_match", "token_error_rate")
MODEL_OPTIONS = [
    *of("models.Seq2Seq.from_texts", TEXT),
    *of(
        "models.Seq2Seq",
        MODEL,
        without=("max_source_length", "max_target_length"),
        **TRANSLATOR.model,
    ),
]


@takes(
    Option("source", "One source text a line.", Path, REQUIRED),
    Option("target", "One target text a line.", Path, REQUIRED),
    Option("val_source", "Held-out sources.", Path),
    Option("val_target", "Held-out targets.", Path),
    Option("max_length", "Longer texts are cut to so many tokens.", int, 256, TEXT),
    Option("stream", "Read the files as training goes on: they need no memory.", bool, False, TEXT),
    Option(
        "shuffle_buffer",
        "With --stream: texts in memory at once, to be shuffled.",
        int,
        10_000,
        TEXT,
    ),
    *MODEL_OPTIONS,
    *of(
        "models.Seq2Seq.compile",
        TRAINING,
        ["label_smoothing", "r_drop"],
    ),
    *of("models.Task.fit", TRAINING, ["subword_sampling"]),
    Option(
        "score",
        "Choose the best model by this, on the held-out texts.",
        SCORES,
        "perplexity",
        TRAINING,
    ),
    *options.training(TRANSLATOR),
    *OPTIONS,
)
@on_devices
def train_seq2seq(args):
    """Train a translator on two files, one text a line each.

    With held-out files, OUT always holds the model of the best epoch so far, and training stops
    when it gets no better; without them, OUT is written at the end.
    """
    check(args)
    import keras

    corpus, data = read(args)
    keras.utils.set_random_seed(args.seed)
    callbacks = scored_callbacks(args, data["validation_data"])
    model = make_model(args, corpus)
    train(model, data, callbacks, args, sampler="beam", r_drop=args.r_drop)


def check(args):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if (args.val_source is None) != (args.val_target is None):
        raise ValueError("--val-source and --val-target go together; received only one of them.")
    if args.score != "perplexity" and args.val_source is None:
        raise ValueError(f"--score {args.score} needs --val-source and --val-target.")
    check_training(args)


def read(args):
    """Return the texts, sources and targets, to build vocabularies of, and the data for `fit`."""
    from keras_seq.datasets import Lines, read_parallel, stream_parallel

    if args.stream:
        corpus = (Lines(path, args.encoding) for path in (args.source, args.target))
        pairs = stream_parallel(args.source, args.target, args.encoding)
        count = int(pairs.cardinality())
        data = {"x": pairs, "shuffle_buffer": args.shuffle_buffer}
    else:
        corpus = read_parallel(args.source, args.target, args.encoding)
        count = len(corpus[0])
        data = {"x": corpus[0], "y": corpus[1]}
    data["subword_sampling"] = args.subword_sampling
    held_out = args.val_source is not None
    data["validation_data"] = (
        read_parallel(args.val_source, args.val_target, args.encoding) if held_out else None
    )
    say(f"{count:,} pairs.")
    return corpus, data


def make_model(args, corpus):
    """Return a new translator with vocabularies of the corpus."""
    from keras_seq.models import Seq2Seq

    kinds = dict.fromkeys((args.source_tokens or args.tokens, args.target_tokens or args.tokens))
    say(f"Building the {' and '.join(kinds)} vocabularies.")
    lengths = dict.fromkeys(("max_source_length", "max_target_length"), args.max_length)
    return Seq2Seq.from_texts(*corpus, **values(MODEL_OPTIONS, args), **lengths)


def scored_callbacks(args, validation):
    """Return the callbacks: the best model is chosen by the score asked for."""
    from keras_seq.callbacks import TextScore

    if validation is None:
        return make_callbacks(args, None, None)
    score, scores = args.score, []
    if args.score != "perplexity":
        scores = [TextScore(*validation, metric=score, lowercase=args.lowercase)]
    lower = score in ("perplexity", "token_error_rate")
    return make_callbacks(args, f"val_{score}", "min" if lower else "max", scores)
