"""The command that trains a translator."""

from pathlib import Path

from keras_seq.cli import options
from keras_seq.cli.options import MODEL, REQUIRED, TEXT, TRAINING, Option, of, takes, values
from keras_seq.cli.show import say
from keras_seq.cli.training import check_training, make_callbacks, train

SCORES = ("perplexity", "bleu", "chrf", "exact_match", "token_error_rate")
MODEL_OPTIONS = [
    *of("models.Seq2Seq.from_texts", TEXT, tokens="subword"),
    *of("models.Seq2Seq", MODEL, without=("max_source_length", "max_target_length"), dropout=0.2),
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
    *of("models.Seq2Seq.compile", TRAINING, ["label_smoothing", "r_drop"]),
    *of("models.Task.fit", TRAINING, ["subword_sampling"]),
    Option(
        "score",
        "Choose the best model by this, on the held-out texts.",
        SCORES,
        "perplexity",
        TRAINING,
    ),
    *options.training(),
)
def train_seq2seq(given):
    """Train a translator on two files, one text a line each.

    With held-out files, OUT always holds the model of the best epoch so far, and training stops
    when it gets no better; without them, OUT is written at the end.
    """
    check(given)
    import keras

    corpus, data = read(given)
    keras.utils.set_random_seed(given.seed)
    callbacks = scored_callbacks(given, data["validation_data"])
    model = make_model(given, corpus)
    train(model, data, callbacks, given, sampler="beam", r_drop=given.r_drop)


def check(given):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if (given.val_source is None) != (given.val_target is None):
        raise ValueError("--val-source and --val-target go together; received only one of them.")
    if given.score != "perplexity" and given.val_source is None:
        raise ValueError(f"--score {given.score} needs --val-source and --val-target.")
    check_training(given)


def read(given):
    """Return the texts, sources and targets, to build vocabularies of, and the data for `fit`."""
    from keras_seq.datasets import Lines, read_parallel, stream_parallel

    if given.stream:
        corpus = (Lines(path, given.encoding) for path in (given.source, given.target))
        pairs = stream_parallel(given.source, given.target, given.encoding)
        count = int(pairs.cardinality())
        data = {"x": pairs, "shuffle_buffer": given.shuffle_buffer}
    else:
        corpus = read_parallel(given.source, given.target, given.encoding)
        count = len(corpus[0])
        data = {"x": corpus[0], "y": corpus[1]}
    data["subword_sampling"] = given.subword_sampling
    held_out = given.val_source is not None
    data["validation_data"] = (
        read_parallel(given.val_source, given.val_target, given.encoding) if held_out else None
    )
    say(f"{count:,} pairs.")
    return corpus, data


def make_model(given, corpus):
    """Return a new translator with vocabularies of the corpus."""
    from keras_seq.models import Seq2Seq

    kinds = dict.fromkeys(
        (given.source_tokens or given.tokens, given.target_tokens or given.tokens)
    )
    say(f"Building the {' and '.join(kinds)} vocabularies.")
    lengths = dict.fromkeys(("max_source_length", "max_target_length"), given.max_length)
    return Seq2Seq.from_texts(*corpus, **values(MODEL_OPTIONS, given), **lengths)


def scored_callbacks(given, validation):
    """Return the callbacks: the best model is chosen by the score asked for."""
    from keras_seq.callbacks import TextScore

    if validation is None:
        return make_callbacks(given, None, None)
    score, scores = given.score, []
    if given.score != "perplexity":
        scores = [TextScore(*validation, metric=score, lowercase=given.lowercase)]
    lower = score in ("perplexity", "token_error_rate")
    return make_callbacks(given, f"val_{score}", "min" if lower else "max", scores)
