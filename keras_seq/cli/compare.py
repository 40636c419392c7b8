"""The command that compares architectures."""

import json
import types

from keras_seq.cli import options
from keras_seq.cli.labelled import read_columns
from keras_seq.cli.show import check_writable, say

# What is handed on as a setting where it was given.
SETTINGS = {
    "units": "units",
    "embedding": "embedding_dim",
    "dropout": "dropout",
    "tokens": "tokens",
    "vocabulary": "max_vocabulary",
    "max_length": "max_length",
    "learning_rate": "learning_rate",
    "batch_size": "batch_size",
    "epochs": "epochs",
    "patience": "patience",
    "minutes": "minutes",
}
FILES = ("val", "test")
LENGTHS = "10,20,40"

COLUMNS = (
    ("accuracy", "accuracy", "{:.4f}"),
    ("macro_f1", "macro F1", "{:.4f}"),
    ("dev_accuracy", "dev", "{:.4f}"),
    ("parameters", "parameters", "{:,}"),
    ("training_seconds", "training s", "{:.1f}"),
    ("epochs", "epochs", "{:.0f}"),
    ("seconds_per_epoch", "s/epoch", "{:.2f}"),
    ("seconds_per_1000", "s/1,000 texts", "{:.3f}"),
    ("memory", "MiB", "{:,.0f}"),
)


def compare(
    train: options.ComparedFile = None,
    val: options.ValFile = None,
    test: options.TestFile = None,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    separator: options.Separator = None,
    quoted: options.Quoted = None,
    encoding: options.FileEncoding = None,
    task: options.MemoryTask = None,
    lengths: options.TaskLengths = None,
    rows: options.TaskRows = None,
    architectures: options.Architectures = None,
    units: options.ComparedUnits = None,
    embedding: options.ComparedEmbedding = None,
    dropout: options.ComparedDropout = None,
    tokens: options.ComparedTokens = None,
    vocabulary: options.OneVocabulary = None,
    lowercase: options.LowercaseText = False,
    max_length: options.ComparedLength = None,
    learning_rate: options.ComparedRate = None,
    batch_size: options.ComparedBatch = None,
    epochs: options.ComparedEpochs = None,
    patience: options.ComparedPatience = None,
    minutes: options.ComparedMinutes = None,
    seeds: options.Seeds = "0",
    isolate: options.Isolate = True,
    out: options.ResultsFile = None,
    plot: options.FigureFile = None,
):
    """Compare architectures: on a file of texts and labels, or by how long they remember.

    With --train, each architecture is trained on the file, stops by --val and is judged by --test;
    where one of these is missing, a tenth of each class is held out, always the same one. A line
    for each run as it ends, and the table: accuracy and mean F1 of the classes, accuracy on the
    held-out texts, parameters, seconds of training, seconds for 1,000 texts, memory.

    With --task, such as recall, agreement or coreference, each is trained on generated texts of
    each length, and the table has its accuracy by length.

    Each run has a process of its own, so that time and memory are its own.
    """
    given = types.SimpleNamespace(**locals())
    settings = check(given)
    if architectures is not None:
        settings["architectures"] = listed("--architectures", architectures)
    shared = {**settings, "seeds": numbers("--seeds", seeds), "isolate": isolate}
    results = []

    def report(result):
        results.append(result)
        say(line_of(result))
        keep(results, out)

    if train is not None:
        on_texts(given, shared, report)
    else:
        on_task(given, shared, report)
    show(results)
    draw(results, plot)


def check(given):
    """Return the settings, or raise a `ValueError` for options that do not go together."""
    if (given.train is None) == (given.task is None):
        raise ValueError("What is compared is either --train FILE or --task NAME; give one.")
    of_task = [name for name in ("lengths", "rows") if getattr(given, name) is not None]
    of_files = [name for name in FILES if getattr(given, name) is not None]
    for wrong, other in ((of_files, "train"), (of_task, "task")):
        if wrong and getattr(given, other) is None:
            raise ValueError(f"--{wrong[0]} goes with --{other}; received no --{other}.")
    for path in (given.out, given.plot):
        if path is not None:
            check_writable(path, given.train, given.val, given.test)
    if given.plot is not None:
        from keras_seq.analysis.drawing import check_figure_file

        check_figure_file(given.plot)
    found = {key: getattr(given, name) for name, key in SETTINGS.items()}
    found = {key: value for key, value in found.items() if value is not None}
    if "tokens" in found:
        found["tokens"] = found["tokens"].value
    return {**found, "lowercase": True} if given.lowercase else found


def on_texts(given, shared, report):
    """Compare on files."""
    from keras_seq.experiments import compare

    columns = {**vars(given), "label_separator": None}
    texts, labels = read_columns(given.train, columns)
    known = sorted(set(labels))
    held_out = {
        name: None if path is None else read_columns(path, columns, known)
        for name, path in (("validation_data", given.val), ("test_data", given.test))
    }
    say(f"{len(texts):,} texts of {len(known)} classes.")
    compare(texts, labels, **held_out, **shared, report=report)


def on_task(given, shared, report):
    """Compare on a generated task."""
    from keras_seq.experiments import compare_memory

    lengths = numbers("--lengths", given.lengths or LENGTHS)
    more = {} if given.rows is None else {"rows": given.rows}
    compare_memory(given.task, lengths, **more, **shared, report=report)


def listed(name, text):
    """What stands between the commas, at least one."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise ValueError(f"{name} names nothing; received {text!r}.")
    return found


def numbers(name, text):
    """The whole numbers between the commas."""
    try:
        return [int(part) for part in listed(name, text)]
    except ValueError:
        raise ValueError(f"{name} takes whole numbers with commas; received {text!r}.") from None


def line_of(result):
    """One run in one line."""
    where = f", length {result['length']}" if "length" in result else ""
    parts = [f"accuracy {result['accuracy']:.4f}", f"macro F1 {result['macro_f1']:.4f}"]
    if result["parameters"] is not None:
        parts.append(f"{result['parameters']:,} parameters")
    epochs = f" ({result['epochs']} epochs)" if result["epochs"] else ""
    parts.append(f"trained in {result['training_seconds']:.1f} s{epochs}")
    parts.append(f"{result['seconds_per_1000']:.3f} s for 1,000 texts")
    if result["memory"] is not None:
        parts.append(f"{result['memory']:,.0f} MiB")
    return f"{result['name']}{where}, seed {result['seed']}: {', '.join(parts)}"


def keep(results, out):
    """Write all results so far: who breaks off has them."""
    from keras_seq.datasets import write_lines

    if out is not None:
        write_lines(out, json.dumps(results, indent=1).splitlines())


def show(results):
    """Print the table."""
    from rich.console import Console

    from keras_seq.experiments import comparison_summary

    console = Console()
    if not console.is_terminal:  # a file has no edge at which to break lines
        console = Console(width=200)
    rows = comparison_summary(results)
    console.print(table_by_length(rows) if "length" in rows[0] else table(rows))


def table(rows):
    """The summary of `compare` as a table."""
    from rich.table import Table

    found = Table("architecture", box=None)
    for _, title, _ in COLUMNS:
        found.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        found.add_row(row["name"], *(_cell(row, key, form) for key, _, form in COLUMNS))
    return found


def table_by_length(rows):
    """The summary of `compare_memory`: accuracies, a column for each length."""
    from rich.table import Table

    lengths = sorted({row["length"] for row in rows})
    found = Table("accuracy at length", box=None)
    for length in lengths:
        found.add_column(str(length), justify="right", no_wrap=True)
    cells = {(row["name"], row["length"]): _cell(row, "accuracy", "{:.4f}") for row in rows}
    for name in dict.fromkeys(row["name"] for row in rows):
        found.add_row(name, *(cells[name, length] for length in lengths))
    for key, title in (("best", "best possible"), ("chance", "chance")):
        of = {row["length"]: row[key] for row in rows}
        found.add_row(title, *(f"{of[length]:.4f}" for length in lengths))
    return found


def _cell(row, key, form):
    """A number, with its spread where there is one."""
    if row[key] is None:
        return ""
    spread = row.get(f"{key}_spread")
    return form.format(row[key]) + ("" if spread is None else " ± " + form.format(spread))


def draw(results, plot):
    """Write the figure."""
    from keras_seq.experiments import plot_comparison, plot_memory_comparison

    if plot is None:
        return
    if "length" in results[0]:
        plot_memory_comparison(results, title=f"Task: {results[0]['task']}", save=plot)
    else:
        plot_comparison(results, save=plot)
    say(f"Wrote {plot}.")
