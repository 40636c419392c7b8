"""The tables of experiments: each row is one architecture or cell, over the seeds."""

import numpy as np

from keras_seq.experiments.runner import filled

MEANS = (
    "accuracy",
    "macro_f1",
    "dev_accuracy",
    "training_seconds",
    "epochs",
    "seconds_per_epoch",
    "seconds_per_1000",
    "memory",
    "total_memory",
)
SPREADS = ("accuracy", "macro_f1", "dev_accuracy")


def comparison_summary(results):
    """One row for each architecture (and length), over the seeds.

    Args:
        results: what `compare` or `compare_memory` returned.

    Returns:
        A list of dicts, in the order of the results: `name`, and with `compare_memory` `task`,
        `length`, `chance`, `best` and `solved`, how many runs solved it; `parameters`; `seeds`, how
        many runs there are; the means of `accuracy`, `macro_f1`, `dev_accuracy`,
        `training_seconds`, `epochs`, `seconds_per_epoch`, `seconds_per_1000`, `memory` and
        `total_memory`, `None` where nothing is known; and `accuracy_spread`, `macro_f1_spread` and
        `dev_accuracy_spread`, the standard deviation over the seeds,
        sqrt(sum_i (a_i - mean)^2 / (n - 1)), `None` for one seed.

    Raises:
        ValueError: for no results.

    Example:

    >>> runs = [{"name": "lstm", "seed": seed, "accuracy": 0.8 + seed / 10} for seed in (0, 1)]
    >>> (row,) = comparison_summary(runs)
    >>> round(row["accuracy"], 3), round(row["accuracy_spread"], 3), row["seeds"], row["memory"]
    (0.85, 0.071, 2, None)
    """
    rows = []
    for group in _groups(filled("results", results), "name"):
        same = ("name", "task", "length", "chance", "best", "parameters")
        row = {key: group[0][key] for key in same if key in group[0]}
        if "solved" in group[0]:
            row["solved"] = sum(run["solved"] for run in group)
        row["seeds"] = len(group)
        for key in MEANS:
            row[key] = _over(group, key, np.mean)
            if key in SPREADS:
                row[f"{key}_spread"] = _over(group, key, _spread)
        rows.append(row)
    return rows


def gradient_summary(runs):
    """One row for each cell and length, over the seeds.

    Args:
        runs: what `gradient_experiment` returned.

    Returns:
        A list of dicts: `cell`, `length`, `parameters`; `start_ratio` and `end_ratio`, geometric
        means of those that are numbers; `metric` and `chance`; `score`, the mean of `scores`, those
        of the seeds, that are numbers; `solved`, how many of `seeds`;
        `broken`, how many ended with weights that are no numbers; `steps`, `seconds` and
        `peak_memory`, means (of the largest, for memory).
    """
    nan = float("nan")
    return [
        {
            **{key: group[0][key] for key in ("cell", "length", "parameters")},
            "start_ratio": _over(group, "start_ratio", _geometric_mean, nan),
            "end_ratio": _over(group, "end_ratio", _geometric_mean, nan),
            **{key: group[0][key] for key in ("metric", "chance")},
            "score": _over(group, "score", np.mean, nan),
            "scores": [run["score"] for run in group],
            "solved": sum(run["solved"] for run in group),
            "seeds": len(group),
            "broken": sum(not run["finite"] for run in group),
            "steps": _over(group, "steps", np.mean),
            "seconds": _over(group, "seconds", np.mean),
            "peak_memory": _over(group, "peak_memory", np.max),
        }
        for group in _groups(runs, "cell")
    ]


def _groups(runs, key):
    """The runs of each architecture or cell, at each length, in their order."""
    groups = {}
    for run in runs:
        groups.setdefault((run[key], run.get("length")), []).append(run)
    return groups.values()


def _over(group, key, reduce, unknown=None):
    """A number for the values of `key` that are finite; `unknown` where there are none."""
    values = [run[key] for run in group if run.get(key) is not None and np.isfinite(run[key])]
    number = reduce(values) if values else None
    return unknown if number is None else float(number)


def _spread(values):
    return np.std(values, ddof=1) if len(values) > 1 else None


def _geometric_mean(ratios):
    return np.exp(np.mean(np.log(ratios))) if min(ratios) > 0 else 0.0
