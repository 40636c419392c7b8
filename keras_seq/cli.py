"""The command `keras-seq`: train, evaluate and use models without writing a script."""

import json
import os
import pathlib
import sys
import tempfile
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
train_app = typer.Typer(no_args_is_help=True, help="Train a model on files of text.")
app.add_typer(train_app, name="train")


class Tokens(StrEnum):
    """Kinds of tokens."""

    char = "char"
    word = "word"
    subword = "subword"


ModelFile = Annotated[pathlib.Path, typer.Argument(help="A .keras file.")]
SourceFile = Annotated[pathlib.Path, typer.Option("--source", help="One source text a line.")]
TargetFile = Annotated[pathlib.Path, typer.Option("--target", help="One target text a line.")]
SamplerName = Annotated[
    str | None, typer.Option("--sampler", help="greedy or beam; by default the model's own.")
]
Width = Annotated[int, typer.Option(help="Number of beams.")]
LengthPenalty = Annotated[float, typer.Option(help="Exponent of beam's length normalisation.")]
BatchSize = Annotated[int, typer.Option(help="Texts at once.")]


def main():
    """Run the command line; a user's mistake is one line on standard error and exit status 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        app()
    except (ValueError, OSError) as error:
        print(f"keras-seq: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def demo(
    out: Annotated[pathlib.Path, typer.Option(help="Folder for the files it writes.")] = "demo",
    pairs: Annotated[int, typer.Option(help="Dates to train on.")] = 20_000,
    epochs: Annotated[int, typer.Option(help="Passes over them.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of data, weights and order.")] = 0,
):
    """Learn to read dates in many languages: train, test on unseen dates, draw the attention."""
    from keras_seq.demo import run

    run(out, pairs, epochs, seed)


@train_app.command("seq2seq")
def train_seq2seq(
    source: SourceFile,
    target: TargetFile,
    out: Annotated[pathlib.Path, typer.Option(help="The .keras file to write.")],
    val_source: Annotated[pathlib.Path | None, typer.Option(help="Held-out sources.")] = None,
    val_target: Annotated[pathlib.Path | None, typer.Option(help="Held-out targets.")] = None,
    tokens: Annotated[Tokens, typer.Option(help="What a token is.")] = Tokens.subword,
    vocabulary: Annotated[
        int | None, typer.Option(help="Largest vocabulary of each side; 8000 for subwords.")
    ] = None,
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Lower-case both sides.")] = False,
    cell: Annotated[str, typer.Option(help="lstm, gru or vanilla.")] = "lstm",
    units: Annotated[int, typer.Option(help="Size of encoder (per direction) and decoder.")] = 256,
    embedding: Annotated[int | None, typer.Option(help="Embedding size; units if not set.")] = None,
    layers: Annotated[int, typer.Option(help="Layers of encoder and decoder.")] = 1,
    attention: Annotated[
        str, typer.Option(help="additive, dot, general, concat, scaled_dot or none.")
    ] = "additive",
    unidirectional: Annotated[
        bool, typer.Option("--unidirectional", help="Read the source from the left only.")
    ] = False,
    dropout: Annotated[float, typer.Option(help="Rate of dropout.")] = 0.2,
    epochs: Annotated[int | None, typer.Option(help="Passes; 10 if no --minutes are set.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Stop then; the learning rate falls until there.")
    ] = None,
    batch_size: BatchSize = 64,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3,
    max_length: Annotated[int, typer.Option(help="Longer texts are cut to so many tokens.")] = 256,
    seed: Annotated[int, typer.Option(help="Seed of weights and order.")] = 0,
):
    """Train a translator on two files, one text a line each.

    With held-out files the weights of the epoch with the lowest validation perplexity are kept.
    """
    if (val_source is None) != (val_target is None):
        raise ValueError("--val-source and --val-target go together; received only one of them.")
    check_writable(out)
    from keras_seq.datasets import read_parallel

    sources, targets = read_parallel(source, target)
    validation = None if val_source is None else read_parallel(val_source, val_target)
    import keras

    from keras_seq.callbacks import TimeLimit
    from keras_seq.models import Seq2Seq

    keras.utils.set_random_seed(seed)
    limit = [] if minutes is None else [TimeLimit(minutes)]
    if vocabulary is None and tokens is Tokens.subword:
        vocabulary = 8000
    say(f"{len(sources):,} pairs; building the {tokens.value} vocabularies.")
    model = Seq2Seq.from_texts(
        sources,
        targets,
        tokens=tokens.value,
        lowercase=lowercase,
        max_vocabulary=vocabulary,
        cell=cell,
        units=units,
        embedding_dim=embedding,
        num_layers=layers,
        bidirectional=not unidirectional,
        attention=None if attention == "none" else attention,
        dropout=dropout,
        max_source_length=max_length,
        max_target_length=max_length,
    )
    model.compile(keras.optimizers.Adam(learning_rate, global_clipnorm=1.0), sampler="beam")
    say(describe(model))
    if validation is not None:
        limit.append(
            keras.callbacks.EarlyStopping(
                "val_perplexity", patience=3, mode="min", restore_best_weights=True
            )
        )
    model.fit(
        sources,
        targets,
        batch_size=batch_size,
        epochs=epochs or (10 if minutes is None else 10_000),
        validation_data=validation,
        callbacks=limit,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    model.save(out)
    say(f"Wrote {out}.")


@app.command()
def generate(
    model: ModelFile,
    sampler: SamplerName = None,
    width: Width = 5,
    length_penalty: LengthPenalty = 1.0,
    batch_size: BatchSize = 64,
):
    """Read texts from standard input, one a line; write the answers, one a line."""
    translator, chosen = open_model(model, sampler, width, length_penalty)
    for lines in stdin_batches(batch_size):
        for text in translator.generate(lines, sampler=chosen, batch_size=batch_size):
            print(" ".join(text.splitlines()), flush=True)


@app.command()
def evaluate(
    model: ModelFile,
    source: SourceFile,
    target: TargetFile,
    sampler: SamplerName = None,
    width: Width = 5,
    length_penalty: LengthPenalty = 1.0,
    batch_size: BatchSize = 64,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Lower-case both sides before scoring.")
    ] = False,
    out: Annotated[
        pathlib.Path | None, typer.Option(help="Write the scores to this JSON file too.")
    ] = None,
):
    """Translate a file and score it: BLEU, chrF, exact match, token error rate, perplexity."""
    from keras_seq.analysis import text_scores
    from keras_seq.datasets import read_parallel, write_lines

    if out is not None:
        check_writable(out)
    sources, targets = read_parallel(source, target)
    translator, chosen = open_model(model, sampler, width, length_penalty)
    answers = []
    for part in track(sources, 10 * batch_size, "Translating"):
        answers += translator.generate(part, sampler=chosen, batch_size=batch_size)
    found = translator.evaluate(
        sources, targets, batch_size=batch_size, verbose=0, return_dict=True
    )
    if lowercase:
        answers, targets = [[text.lower() for text in side] for side in (answers, targets)]
    scores = text_scores(answers, targets, tokenize=translator.target_tokenizer.split)
    scores["perplexity"] = float(found["perplexity"])
    print(f"{'texts':<18}{len(sources):>12,}")
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):<18}{value:>12.4f}")
    if out is not None:
        write_lines(out, json.dumps({"texts": len(sources), **scores}, indent=2).splitlines())


@app.command()
def info(model: ModelFile):
    """Print what is in a model file."""
    from keras_seq.models import load_model

    print(describe(load_model(model)))


def open_model(path, sampler, width, length_penalty):
    """Load a model that generates, and make the sampler asked for, or `None`."""
    from keras_seq import samplers
    from keras_seq.models import load_model

    if sampler == "beam":
        sampler = samplers.Beam(width, length_penalty)
    elif sampler is not None:
        sampler = samplers.get(sampler)
    return load_model(path), sampler


def describe(model):
    """Return a few lines on a translator."""
    import keras

    config = model.get_config()
    attention = config["attention"]
    source, target = model.source_tokenizer, model.target_tokenizer
    rows = {
        "model": type(model).__name__,
        "backend now": keras.config.backend(),
        "source": f"{type(source).__name__}, {source.vocabulary_size:,} ids",
        "target": f"{type(target).__name__}, {target.vocabulary_size:,} ids",
        "cell": config["cell"]["class_name"],
        "units": config["units"],
        "layers": config["num_layers"],
        "bidirectional": config["bidirectional"],
        "attention": "none" if attention is None else attention["class_name"],
        "dropout": config["dropout"],
        "sampler": f"{type(model.sampler).__name__} {model.sampler.get_config() or ''}".strip(),
        "weights": f"{model.count_params():,}",
    }
    return "\n".join(f"{name:<15}{value}" for name, value in rows.items())


def check_writable(path):
    """Raise a `ValueError` if a file cannot be written at `path`, before any work is done."""
    path = pathlib.Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a file name was expected.")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".keras_seq"):
            pass
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}.") from error


def stdin_batches(batch_size):
    """Give the lines of standard input, typed ones at once, others in large batches."""
    size = 1 if sys.stdin.isatty() else 20 * batch_size
    lines = []
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            lines.append(line.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            raise ValueError(
                f"standard input, line {number}: byte {line[error.start]:#04x} at offset "
                f"{error.start} is not valid UTF-8."
            ) from None
        if len(lines) == size:
            yield lines
            lines = []
    if lines:
        yield lines


def track(texts, size, what):
    """Give `texts` in parts of `size`, with a progress bar on standard error."""
    from rich.console import Console
    from rich.progress import track as bar

    parts = [texts[i : i + size] for i in range(0, len(texts), size)]
    return bar(parts, what, console=Console(stderr=True), transient=True)


def say(text):
    """Print progress."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
