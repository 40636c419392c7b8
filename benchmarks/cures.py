"""Vanishing and exploding gradients, and what cures them: each with and without, over three seeds.

    KERAS_BACKEND=torch python -m benchmarks.cures --seeds 3 --out cures.json

Each line trains the same cell with one thing changed, on the same rows, for at most as many
batches. Settings that a line does not name are those of `ExperimentSettings`.
"""

import argparse
import dataclasses
import json
import pathlib

import numpy as np

from keras_seq.datasets import recall
from keras_seq.experiments import gradient_experiment, gradient_summary

NEAR = 5
SHORT = {"embedding_norm": 0.23}
SGD = {"optimizer": "sgd", "learning_rate": 0.1, "steps": 500}
FREE = {"clip_norm": None}


def near_recall(count, length, seed=0):
    """Recall with the country 5 steps before the end: far back there is filler only."""
    task = recall(count, length, seed)
    inputs = task.inputs.copy()
    inputs[:, :-NEAR] = np.roll(task.inputs[:, :-NEAR], -1, axis=1)  # the country comes last
    return dataclasses.replace(task, name="near_recall", inputs=inputs)


# (what is shown, task, length, [(cell, settings), ...]): first without the cure, then with it.
LINES = [
    ("contraction", "recall", 100, [("vanilla:radius=0.9", {})]),
    ("contraction, short word vectors", "recall", 100, [("vanilla:radius=0.9", SHORT)]),
    ("orthogonal, short word vectors", "recall", 100, [("vanilla", SHORT)]),
    ("explosion, linear, SGD", "recall", 50, [
        ("vanilla:linear:radius=1.5", SGD | FREE),
        ("vanilla:linear:radius=1.5", SGD | {"clip_norm": 1.0}),
        ("vanilla:linear:radius=1.5", SGD | FREE | {"clip_value": 0.1}),
        ("vanilla:linear:radius=1.5", SGD | FREE | {"clip_value": 0.01}),
    ]),
    ("explosion, ReLU, SGD", "recall", 50, [
        ("vanilla:relu:radius=1.5", SGD | FREE),
        ("vanilla:relu:radius=1.5", SGD | {"clip_norm": 1.0}),
        ("vanilla:relu:radius=1.5", SGD | FREE | {"clip_value": 0.1}),
    ]),
    ("explosion, linear, Adam", "recall", 50, [
        ("vanilla:linear:radius=1.5", FREE),
        ("vanilla:linear:radius=1.5", {"clip_norm": 1.0}),
    ]),
    ("orthogonal matrix", "recall", 100, [("vanilla:normal=0.05", SHORT), ("vanilla", SHORT)]),
    ("identity and ReLU", "recall", 100, [
        ("vanilla:relu", {"learning_rate": 1e-4}),
        ("irnn", {"learning_rate": 1e-4}),
        ("irnn", {}),
    ]),
    ("forget bias", "recall", 100, [("lstm", {}), ("lstm:forget=5", {})]),
    ("chrono, LSTM", "recall", 100, [("lstm", {}), ("lstm:chrono", {})]),
    ("chrono, GRU", "recall", 100, [("gru", {}), ("gru:chrono", {})]),
    ("gates", "recall", 20, [("vanilla", {}), ("lstm", {}), ("gru", {})]),
    ("skips through time", "recall", 50, [
        ("vanilla:radius=0.9", {}),
        ("vanilla:radius=0.9:skip=10", {}),
    ]),
    ("skips through time", "recall", 100, [
        ("vanilla:radius=0.9", {}),
        ("vanilla:radius=0.9:skip=10", {}),
    ]),
    ("residuals through depth", "recall", 10, [
        ("lstm", {"num_layers": 12}),
        ("lstm", {"num_layers": 12, "residual": True}),
    ]),
    ("truncation", near_recall, 100, [
        ("vanilla:radius=2", {}),
        ("vanilla:radius=2", {"truncate": 10}),
    ]),
    ("attention", "recall", 100, [
        ("vanilla:radius=0.9", {}),
        ("vanilla:radius=0.9", {"attention": True}),
    ]),
]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000, help="batches at most")
    parser.add_argument("--only", default="", help="lines whose name holds this")
    parser.add_argument("--out", type=pathlib.Path, help="a JSON file for all runs")
    given = parser.parse_args()
    found, known = [], {}
    for what, task, length, tries in LINES:
        if given.only not in what:
            continue
        for cell, settings in tries:
            settings = {"steps": given.steps, **settings}
            key = str((task, length, cell, settings))
            if key not in known:
                known[key] = gradient_experiment(task, [cell], [length], given.seeds, **settings)
            found.append({"what": what, "settings": settings, "runs": known[key]})
            print(line(what, settings, known[key]), flush=True)
            if given.out is not None:
                given.out.write_text(json.dumps(found))


def line(what, settings, runs):
    """One line of a table in Markdown."""
    (row,) = gradient_summary(runs)
    shown = {name: value for name, value in settings.items() if name != "steps"}
    named = ", ".join(f"{name} {value}" for name, value in shown.items())
    scores = " ".join(f"{score:.2f}" for score in row["scores"])
    return (
        f"| {what} | {row['cell']} | {row['length']} | {named} | {row['start_ratio']:.1e} | "
        f"{row['end_ratio']:.1e} | {scores} | {row['solved']}/{row['seeds']} | {row['broken']} | "
        f"{row['steps']:.0f} |"
    )


if __name__ == "__main__":
    main()
