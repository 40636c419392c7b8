"""The commands, put together."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from keras_seq._presets import presets as known_presets
from keras_seq._silence import silence
from keras_seq.cli import options
from keras_seq.cli.compare import compare
from keras_seq.cli.ensemble import ensemble
from keras_seq.cli.explore import explore
from keras_seq.cli.export import export
from keras_seq.cli.gradients import gradients
from keras_seq.cli.options import Option, of, takes
from keras_seq.cli.quick_start import start_quickly
from keras_seq.cli.serve_check import serve_check
from keras_seq.cli.show import describe, say
from keras_seq.cli.train import train_seq2seq
from keras_seq.cli.train_classifier import train_classifier
from keras_seq.cli.train_language_model import train_language_model
from keras_seq.cli.train_tagger import train_tagger
from keras_seq.cli.use import evaluate, generate, predict
from keras_seq.version import __version__

RESUME = """Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command
with --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
OUT.state, which is deleted when training is complete."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # paragraphs, not lines as they stand in the docstring
)
train_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Train a model on files of text."
)
app.add_typer(train_app, name="train")
train_app.command("seq2seq", epilog=RESUME)(train_seq2seq)
train_app.command("classifier", epilog=RESUME)(train_classifier)
train_app.command("lm", epilog=RESUME)(train_language_model)
train_app.command("tagger", epilog=RESUME)(train_tagger)
app.command()(generate)
app.command()(predict)
app.command()(evaluate)
app.command()(ensemble)
app.command()(export)
app.command()(serve_check)
app.command()(gradients)
app.command()(compare)
app.command()(explore)


def main():
    """Run the command line; a user's mistake is one line on standard error and exit status 2."""
    write_utf8()
    start_quickly()
    status = 0
    with silence():
        try:
            app()
        except SystemExit as end:
            status = end.code
        except (ValueError, OSError, ImportError) as error:
            tell(error)
            status = 2
        status = flushed(status)
    sys.exit(status)


def tell(error):
    """Print an error in one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    if sys.stderr is not None:  # else it would go to standard output
        print(f"keras-seq: {' '.join(text.split())}", file=sys.stderr)


def write_utf8():
    """Let standard output be UTF-8 like standard input, whatever the locale.

    File names may hold bytes that are none; they come out as they came in.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def flushed(status):
    """Write what is left for standard output; return the exit status.

    Python would do it when it ends, and complain where nobody reads (`| head -1`).
    """
    if sys.stdout is None:
        return status
    try:
        sys.stdout.flush()
    except OSError as error:
        # What could not be written shall not be tried again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return status or 1
        if not status:
            tell(error)
        return status or 2
    return status


def print_version(asked):
    """Print the version and end, where that was asked for."""
    if asked:
        say(f"keras-seq {__version__}")
        raise typer.Exit


@app.callback()
def keras_seq(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True),
    ] = False,
):
    """Train, evaluate, use and export recurrent models of text."""


@app.command()
@takes(
    Option("out", "Folder for the files it writes.", Path, "demo"),
    *of("demo.run", None, ["pairs", "epochs"], least=1),
    *of("demo.run", None, ["seed"]),
)
def demo(args):
    """Learn to read dates in many languages: train, test on unseen dates, draw the attention."""
    from keras_seq.demo import run

    run(args.out, args.pairs, args.epochs, args.seed)


@app.command()
@takes(options.MODEL_FILE)
def info(args):
    """Print what is in a model file."""
    from keras_seq.models import load_model

    print(describe(load_model(args.model)))


@app.command()
def presets():
    """List the trained models that have a name, which may stand wherever a model file does.

    They are in the folder that KERAS_SEQ_PRESETS names, come with the package, or are in
    saved_models of a checkout.
    """
    found = known_presets()
    width = max(map(len, found), default=0)
    for name, about in found.items():
        kind, size = about["kind"] or "(damaged)", about["size"] / 1e6
        say(f"{name:<{width}}  {kind:<14}  {size:>5.1f} MB  {about['description']}".rstrip())
