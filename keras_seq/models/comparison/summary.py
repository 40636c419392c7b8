"""The table of a comparison: mean and spread over the seeds."""

import numpy as np

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
    if not results:
        raise ValueError("There must be results; received none.")
    groups = {}
    for result in results:
        groups.setdefault((result["name"], result.get("length")), []).append(result)
    return [_row(group) for group in groups.values()]


def _row(group):
    first = group[0]
    same = ("name", "task", "length", "chance", "best", "parameters")
    shared = {key: first[key] for key in same if key in first}
    if "solved" in first:
        shared["solved"] = sum(run["solved"] for run in group)
    row = {**shared, "seeds": len(group)}
    for key in MEANS:
        values = [run[key] for run in group if run.get(key) is not None]
        row[key] = float(np.mean(values)) if values else None
        if key in SPREADS:
            row[f"{key}_spread"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return row
