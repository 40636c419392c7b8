"""Checks of the commands before a run, and what they print meanwhile."""

import inspect
import itertools
import re
import sys

from keras_seq.cli.arriving import Arriving, is_pipe

# What is always shown of a config, and under which title.
SHOWN = {
    "cell": "cell",
    "units": "units",
    "embedding_dim": "embedding",
    "num_layers": "layers",
    "bidirectional": "bidirectional",
    "attention": "attention",
    "pooling": "pooling",
    "dropout": "dropout",
}
STACK = ("cell", "units", "num_layers", "bidirectional")
PART = 20  # batches of a file that are a part of it, which is searched with one seed
_LINE_END = re.compile(r"\r\n|\n|\r")


def describe(model):
    """Return a few lines on a task model."""
    import keras

    config = model.get_config()
    shown = dict(SHOWN)
    if config.get("encoder") is not None:  # it stands for what describes recurrent layers
        shown = {name: title for name, title in SHOWN.items() if name not in STACK}
    rows = {
        "model": type(model).__name__,
        **({"models": len(model.models)} if hasattr(model, "models") else {}),
        "backend now": keras.config.backend(),
        **_tokenizers(model),
        **_classes(model),
        **{title: _short(config[name]) for name, title in shown.items() if name in config},
        **_unusual(model, config),
        **_sampler(model),
        "weights": f"{model.count_params():,}",
    }
    width = max(15, *(len(name) + 1 for name in rows))
    return "\n".join(f"{name:<{width}}{value}" for name, value in rows.items())


def _tokenizers(model):
    names = {"source_tokenizer": "source", "target_tokenizer": "target", "tokenizer": "tokenizer"}
    names["character_tokenizer"] = "characters"
    tokenizers = {title: getattr(model, name, None) for name, title in names.items()}
    return {
        title: f"{type(tokenizer).__name__}, {tokenizer.vocabulary_size:,} ids"
        for title, tokenizer in tokenizers.items()
        if tokenizer is not None
    }


def _classes(model, most=10):
    """The names of the classes or tags, the first ones of many."""
    kinds = {"class_names": "classes", "tag_names": "tags"}
    named = {title: getattr(model, name) for name, title in kinds.items() if hasattr(model, name)}
    return {
        title: ", ".join(names[:most]) + (f" and {len(names) - most} more" * (len(names) > most))
        for title, names in named.items()
    }


def _sampler(model):
    if not hasattr(model, "sampler"):
        return {}
    name, config = type(model.sampler).__name__, model.sampler.get_config()
    return {"sampler": f"{name} {config or ''}".strip()}


def _unusual(model, config):
    """The other arguments that are not what they are by default."""
    defaults = inspect.signature(type(model)).parameters
    return {
        name.replace("_", " "): _short(config[name])
        for name, parameter in defaults.items()
        if name in config
        and name not in SHOWN
        and parameter.default not in (parameter.empty, config[name])
    }


def _short(value):
    if value is None:
        return "none"
    return value["class_name"] if isinstance(value, dict) else value


def check_writable(path, *read):
    """Raise a `ValueError` if a file cannot be written at `path`, before any work is done.

    Args:
        path: the file.
        *read: files that are read, or `None`: it must be none of them.
    """
    from keras_seq._files import check_place

    for file in read:
        if file is not None and file.exists() and path.exists() and path.samefile(file):
            raise ValueError(f"{path} is read from: it would be overwritten.")

    try:
        check_place(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}.") from error


def say(text):
    """Print progress."""
    print(text, flush=True)


def show_scores(scores, width=18):
    """Print numbers, a line each, with their names before them."""
    for name, value in scores.items():
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
        print(f"{name.replace('_', ' '):<{width}}{shown:>12}")


def show_table(title, titles, rows):
    """Print a table: names under `title`, what belongs to them under `titles`, all of them str."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title, box=None)
    for name in titles:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:  # a file has no edge at which to break lines
        console = Console(width=200)
    console.print(table)


def track(texts, size, what):
    """Give `texts` in parts of `size`, with a progress bar where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import track as bar

    parts = [texts[i : i + size] for i in range(0, len(texts), size)]
    console = Console(stderr=True)
    return bar(parts, what, console=console, transient=True, disable=not console.is_terminal)


def part_size(batch_size):
    """How many lines of standard input are a part, which is searched with one seed."""
    return 1 if sys.stdin is not None and sys.stdin.isatty() else PART * batch_size


def stdin_batches(batch_size, encoding=None):
    """Give the lines of standard input: of a file in parts, those of a pipe as they come.

    They are those of `datasets.read_lines` of a file with the same bytes. A batch is one part, or,
    where more lines are waited for, what is there of it.
    """
    from keras_seq.datasets.lines import decode, encoding_name

    if sys.stdin is None:
        raise ValueError("There is no standard input to read texts from.")
    typed = sys.stdin.isatty()
    if typed:
        print("Texts are read from the keyboard, one a line.", file=sys.stderr)
    size, file, missing = part_size(batch_size), sys.stdin.buffer, 0
    encoding = None if encoding is None else encoding_name(encoding)
    source = Arriving(file) if is_pipe(file) else file
    lines = decode(source, "standard input", encoding)
    while batch := list(itertools.islice(lines, 1)):
        missing = (missing or size) - 1
        while missing and (source is file or source.has_more()):
            more = list(itertools.islice(lines, 1 if source is not file else missing))
            if not more:
                break
            batch += more
            missing -= len(more)
        yield batch


def one_line(text):
    """A text as one line of output: a blank for each line end but those at its end."""
    return _LINE_END.sub(" ", text.rstrip("\r\n"))
