"""The command that measures what cells learn, and how the gradient comes back in them."""

import dataclasses
import json
import sys
from pathlib import Path

from keras_seq.cli.options import REQUIRED, Option, listed, of, takes, values
from keras_seq.cli.show import say

SETTINGS_PATH = "experiments.ExperimentSettings"
COUNTED = ("units", "num_layers", "truncate", "batch_size", "steps")
SETTINGS = [
    *of(SETTINGS_PATH, None, COUNTED, least=1),
    *of(SETTINGS_PATH, None, without=("clip_norm", *COUNTED)),
]

COLUMNS = (
    ("cell", "cell", str),
    ("length", "length", str),
    ("parameters", "parameters", "{:,}".format),
    ("start_ratio", "ratio at start", "{:.1e}".format),
    ("end_ratio", "ratio at end", "{:.1e}".format),
    ("score", "score", "{:.3f}".format),
    ("solved", "solved", str),
    ("broken", "broken", str),
    ("steps", "batches", "{:.0f}".format),
    ("seconds", "seconds", "{:.1f}".format),
    ("peak_memory", "MiB", lambda value: "" if value is None else f"{value:.0f}"),
)
FIGURE = "gradients.png"


@takes(
    Option("out", "Folder for the runs, table and figure.", Path, REQUIRED),
    Option("task", "A generated task, such as recall or adding.", str, "recall"),
    Option(
        "cells",
        "Cells with commas between them, options after colons: vanilla:radius=0.9, vanilla:relu, "
        "lstm:forget=5, lstm:chrono, gru:chrono, irnn, and :skip=10 for each.",
        str,
        "vanilla,irnn,lstm,gru",
    ),
    Option("length", "Lengths of the task, with commas.", str, "100"),
    Option("seeds", "Runs of each.", int, 3, least=1),
    *SETTINGS,
    Option("clip", "Limit of the gradient's norm; 0 for none.", float, 1.0),
)
def gradients(args):
    """Train cells on a task of a given length and measure how the gradient reaches its beginning.

    For each cell and length: the gradient at the first step by that at the last one before and
    after training, the score over the seeds, how many solved the task and how many broke (weights
    that are no numbers), seconds of training and how much memory a process grew by. Several lengths
    show how far each cell gets.
    """
    from keras_seq.analysis.drawing import check_figure_file
    from keras_seq.experiments import ExperimentSettings, gradient_experiment
    from keras_seq.experiments.gradients import check_experiment

    settings = ExperimentSettings(**values(SETTINGS, args), clip_norm=args.clip or None)
    out, task = args.out, args.task
    cells, lengths = listed("--cells", args.cells), listed("--length", args.length, int)
    check_figure_file(FIGURE)  # is there what draws?
    check_experiment(task, cells, lengths, settings)
    out.mkdir(parents=True, exist_ok=True)
    runs = []

    def report(run):
        runs.append(run)
        print(line_of(run), file=sys.stderr, flush=True)
        _keep(out, runs, settings, task)

    # Each run in a process of its own: its memory is its own.
    gradient_experiment(
        task, cells, lengths, args.seeds, report, isolate=True, **dataclasses.asdict(settings)
    )
    _show(out, runs, task)


def line_of(run):
    """One run in one line."""
    verdict = "solved" if run["solved"] else "not solved" if run["finite"] else "broken"
    return (
        f"{run['cell']}, length {run['length']}, seed {run['seed']}: ratio "
        f"{run['start_ratio']:.1e} -> {run['end_ratio']:.1e}, {run['metric']} "
        f"{run['score']:.3f} after {run['steps']} batches, {run['seconds']:.0f} s, {verdict}"
    )


def _keep(out, runs, settings, task):
    """Write all runs so far: who breaks off has them."""
    from keras_seq.datasets import write_lines

    record = {"task": task, "settings": dataclasses.asdict(settings), "runs": runs}
    write_lines(out / "runs.json", json.dumps(record, indent=1).splitlines())


def _show(out, runs, task):
    """Print the table; write it, and the figure."""
    from keras_seq.datasets import write_lines
    from keras_seq.experiments import gradient_summary, plot_gradient_experiment

    table = table_lines(gradient_summary(runs))
    for line in table:
        print(line)
    write_lines(out / "table.txt", table)
    plot_gradient_experiment(runs, title=f"Task: {task}", save=out / FIGURE)
    say(f"Wrote runs.json, table.txt and {FIGURE} to {out}/.")


def table_lines(rows):
    """The rows of `gradient_summary` as lines of a table."""
    cells = [[title for _, title, _ in COLUMNS]]
    for row in rows:
        shown = {**row, "solved": f"{row['solved']}/{row['seeds']}"}
        cells.append([write(shown[name]) for name, _, write in COLUMNS])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.rjust, line, widths)) for line in cells]
