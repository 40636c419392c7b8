"""The commands, put together."""

import functools
import importlib
import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from keras_seq._presets import presets as known_presets
from keras_seq._silence import silence
from keras_seq.cli import options
from keras_seq.cli.options import Option, of, takes
from keras_seq.cli.quick_start import start_quickly
from keras_seq.cli.show import describe, say
from keras_seq.version import __version__

RESUME = """Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command
with --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
OUT.state, which is deleted when training is complete."""

# Where each command stands, in the order of the help.
TRAIN = {
    "seq2seq": "train:train_seq2seq",
    "classifier": "train_classifier:train_classifier",
    "lm": "train_language_model:train_language_model",
    "tagger": "train_tagger:train_tagger",
}
COMMANDS = {
    "generate": "use:generate",
    "predict": "use:predict",
    "evaluate": "use:evaluate",
    "ensemble": "ensemble:ensemble",
    "export": "export:export",
    "serve-check": "serve_check:serve_check",
    "gradients": "gradients:gradients",
    "compare": "compare:compare",
    "explore": "explore:explore",
    "demo": "app:demo",
    "info": "app:info",
    "presets": "app:presets",
}


def make_app(asked=None):
    """Return the commands, a `typer.Typer`.

    Args:
        asked: the name of a command: then nothing is imported for the others, and they are left
            out. All of them where it is none.
    """
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",  # paragraphs, not lines as they stand in the docstring
    )
    app.callback()(keras_seq)
    alone = asked in COMMANDS
    if not alone:
        train = typer.Typer(
            no_args_is_help=True,
            rich_markup_mode="markdown",
            help="Train a model on files of text.",
        )
        app.add_typer(train, name="train")
        for name, place in TRAIN.items():
            train.command(name, epilog=RESUME)(_command(place))
    for name, place in COMMANDS.items():
        if not alone or name == asked:
            app.command(name)(_command(place))
    return app


def _command(place):
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"keras_seq.cli.{module}"), name)


@functools.cache
def _whole():
    return make_app()


def __getattr__(name):
    """`app`, with all commands."""
    if name == "app":
        return _whole()
    raise AttributeError(f"module 'keras_seq.cli.app' has no attribute {name!r}")


def main():
    """Run the command line; a user's mistake is one line on standard error and exit status 2."""
    write_utf8()
    start_quickly()
    status, asked = 0, sys.argv[1] if len(sys.argv) > 1 else None
    with silence():
        try:
            (make_app(asked) if asked in COMMANDS else _whole())()
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


def keras_seq(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True),
    ] = False,
):
    """Train, evaluate, use and export recurrent models of text."""


@takes(
    Option("out", "Folder for the files it writes.", Path, "demo"),
    *of("demo.run", None, ["pairs", "epochs"], least=1),
    *of("demo.run", None, ["seed"]),
)
def demo(args):
    """Learn to read dates in many languages: train, test on unseen dates, draw the attention."""
    from keras_seq.demo import run

    run(args.out, args.pairs, args.epochs, args.seed)


@takes(options.MODEL_FILE)
def info(args):
    """Print what is in a model file."""
    from keras_seq.models import load_model

    print(describe(load_model(args.model)))


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
