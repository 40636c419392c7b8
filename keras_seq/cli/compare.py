"""The command that compares architectures."""

import json
from pathlib import Path

from keras_seq.cli import options
from keras_seq.cli.labelled import read_columns
from keras_seq.cli.options import FILES, MODEL, Option, listed, of, takes, values
from keras_seq.cli.show import check_writable, say, show_table

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
def compare(args):
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
    check(args)
    shared = {name: value for name, value in values(SETTINGS, args).items() if value is not False}
    if args.architectures is not None:
        shared["architectures"] = listed("--architectures", args.architectures)
    shared |= {"seeds": listed("--seeds", args.seeds, int), "isolate": args.isolate}
    results = []

    def report(result):
        results.append(result)
        say(line_of(result))
        keep(results, args.out)

    if args.train is not None:
        on_texts(args, shared, report)
    else:
        on_task(args, shared, report)
    show(results)
    draw(results, args.plot)


def check(args):
    """Raise a `ValueError` for options that do not go together."""
    if (args.train is None) == (args.task is None):
        raise ValueError("What is compared is either --train FILE or --task NAME; give one.")
    of_task = [name for name in ("lengths", "rows") if getattr(args, name) is not None]
    of_files = [name for name in ("val", "test") if getattr(args, name) is not None]
    for wrong, other in ((of_files, "train"), (of_task, "task")):
        if wrong and getattr(args, other) is None:
            raise ValueError(f"--{wrong[0]} goes with --{other}; received no --{other}.")
    for path in (args.out, args.plot):
        if path is not None:
            check_writable(path, args.train, args.val, args.test)
    if args.plot is not None:
        from keras_seq.analysis.drawing import check_figure_file

        check_figure_file(args.plot)


def on_texts(args, shared, report):
    """Compare on files."""
    from keras_seq.experiments import compare

    columns = {**vars(args), "label_separator": None}
    texts, labels = read_columns(args.train, columns)
    known = sorted(set(labels))
    held_out = {
        name: None if path is None else read_columns(path, columns, known)
        for name, path in (("validation_data", args.val), ("test_data", args.test))
    }
    say(f"{len(texts):,} texts of {len(known)} classes.")
    compare(texts, labels, **held_out, **shared, report=report)


def on_task(args, shared, report):
    """Compare on a generated task."""
    from keras_seq.experiments import compare_memory

    lengths = listed("--lengths", args.lengths or LENGTHS, int)
    more = {} if args.rows is None else {"rows": args.rows}
    compare_memory(args.task, lengths, **more, **shared, report=report)


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
    from keras_seq.experiments import comparison_summary

    rows = comparison_summary(results)
    if "length" in rows[0]:
        lengths = sorted({row["length"] for row in rows})
        show_table("accuracy at length", map(str, lengths), rows_by_length(rows, lengths))
        return
    cells = ((row["name"], *(_cell(row, key, form) for key, _, form in COLUMNS)) for row in rows)
    show_table("architecture", (title for _, title, _ in COLUMNS), cells)


def rows_by_length(rows, lengths):
    """The summary of `compare_memory`: accuracies, a column for each length."""
    cells = {(row["name"], row["length"]): _cell(row, "accuracy", "{:.4f}") for row in rows}
    for name in dict.fromkeys(row["name"] for row in rows):
        yield name, *(cells[name, length] for length in lengths)
    for key, title in (("best", "best possible"), ("chance", "chance")):
        values = {row["length"]: row[key] for row in rows}
        yield title, *(f"{values[length]:.4f}" for length in lengths)


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
