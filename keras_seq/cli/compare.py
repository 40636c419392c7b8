"""The command that compares architectures."""

import json
from pathlib import Path

from keras_seq.cli import options
from keras_seq.cli.labelled import read_columns
from keras_seq.cli.options import FILES, MODEL, Option, of, takes, values
from keras_seq.cli.show import check_writable, say

COMPARED = "Comparison"
SETTINGS = of(
    "experiments.ComparisonSettings",
    MODEL,
    without=("clip_norm", "enough"),
    unset=True,
)
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


@takes(
    Option("train", "A TSV or CSV file of texts and labels to train on.", Path, panel=FILES),
    Option("val", "Held-out texts and labels.", Path, panel=FILES),
    Option("test", "Texts and labels that the results are about.", Path, panel=FILES),
    *options.COLUMNS,
    options.SEPARATOR,
    options.FILE_ENCODING,
    Option("task", "A generated task: recall, agreement, coreference, ...", panel=COMPARED),
    Option("lengths", f"With --task: lengths with commas; {LENGTHS}.", panel=COMPARED),
    Option("rows", "With --task: texts to train on; 5000.", int, panel=COMPARED),
    Option(
        "architectures",
        "Names with commas, such as bag_of_words,lstm,self_attention; all.",
        panel=COMPARED,
    ),
    *SETTINGS,
    Option("seeds", "Seeds with commas: a run of each.", str, "0", COMPARED),
    Option("isolate", "A process a run; without, memory is not known.", bool, True, COMPARED),
    Option("out", "Write the results to this file, as JSON.", Path, panel=COMPARED),
    Option("plot", "Draw them into this file.", Path, panel=COMPARED),
)
def compare(given):
    """Compare architectures: on a file of texts and labels, or by how long they remember.

    With --train, each architecture is trained on the file, stops by --val and is judged by --test;
    where one of these is missing, a tenth of each class is held out, always the same one. A line
    for each run as it ends, and the table: accuracy and mean F1 of the classes, accuracy on the
    held-out texts, parameters, seconds of training, seconds for 1,000 texts, memory.

    With --task, such as recall, agreement or coreference, each is trained on generated texts of
    each length, and the table has its accuracy by length. What is not set is another there: no
    dropout, 30 epochs and a patience of 10.

    Each run has a process of its own, so that time and memory are its own.
    """
    check(given)
    shared = {name: one for name, one in values(SETTINGS, given).items() if one is not False}
    if given.architectures is not None:
        shared["architectures"] = listed("--architectures", given.architectures)
    shared |= {"seeds": numbers("--seeds", given.seeds), "isolate": given.isolate}
    results = []

    def report(result):
        results.append(result)
        say(line_of(result))
        keep(results, given.out)

    if given.train is not None:
        on_texts(given, shared, report)
    else:
        on_task(given, shared, report)
    show(results)
    draw(results, given.plot)


def check(given):
    """Raise a `ValueError` for options that do not go together."""
    if (given.train is None) == (given.task is None):
        raise ValueError("What is compared is either --train FILE or --task NAME; give one.")
    of_task = [name for name in ("lengths", "rows") if getattr(given, name) is not None]
    of_files = [name for name in ("val", "test") if getattr(given, name) is not None]
    for wrong, other in ((of_files, "train"), (of_task, "task")):
        if wrong and getattr(given, other) is None:
            raise ValueError(f"--{wrong[0]} goes with --{other}; received no --{other}.")
    for path in (given.out, given.plot):
        if path is not None:
            check_writable(path, given.train, given.val, given.test)
    if given.plot is not None:
        from keras_seq.analysis.drawing import check_figure_file

        check_figure_file(given.plot)


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
