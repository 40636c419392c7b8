"""How far back each architecture remembers: accuracy over the length of a dependency."""

from keras_seq.datasets import TASKS, SequenceTask
from keras_seq.models.comparison.architectures import check_architectures, pack
from keras_seq.models.comparison.data import make_data
from keras_seq.models.comparison.runs import check_seeds, run_all
from keras_seq.models.comparison.settings import make_settings

HELD_OUT_ROWS = 1_000


def compare_memory(
    task="recall",
    lengths=(10, 20, 40),
    architectures=None,
    rows=5_000,
    seeds=(0,),
    isolate=True,
    report=None,
    **settings,
):
    """Train every architecture on each length of a generated task.

    The runs are those of `compare`, on the rows of the task as texts: of each length `rows` to
    train on, 1,000 to stop by and 1,000 for the results, drawn with the seed of the run.

    Args:
        task: a name in `datasets.TASKS`, of a task of words with one class a row, such as
            `"recall"`, `"agreement"`, `"coreference"` and `"temporal_order"`; or a function
            `(count, length, seed) -> SequenceTask`.
        lengths: lengths of the task.
        architectures: as in `compare`.
        rows: rows to train on.
        seeds, isolate, report: as in `compare`.
        **settings: as in `compare`; where nothing else is said, `epochs=30`, `patience=10`, for an
            accuracy that stays at chance for a while before it rises, and `dropout=0`. `enough` is
            a hundredth of the way from the best possible accuracy to chance.

    Returns:
        A list of dicts, those of `compare` with some more: `task`, its name; `length`; `chance` and
        `best`, the expected accuracies of the best answer that remembers nothing and of the best
        one of all; and `solved`, whether the accuracy is at most a tenth of the way from `best`.

    Raises:
        ValueError: as `compare` does, for an unknown task, a length that it cannot have, no
            lengths, and for a task of numbers or with a class at each step.

    Example:

    ```python
    results = keras_seq.models.compare_memory("recall", [10, 40], ["vanilla", "lstm"], seeds=[0, 1])
    keras_seq.analysis.plot_memory_comparison(results, save="recall.png")
    ```

    References:
        - Bengio, Simard & Frasconi, 1994, "Learning long-term dependencies with gradient descent is
          difficult", IEEE Transactions on Neural Networks 5(2).
    """
    given = {"epochs": 30, "patience": 10, "dropout": 0.0, **settings}
    make_settings(given)
    architectures = check_architectures(architectures)
    for name, one in architectures.items():  # before hours of training
        pack(name, one, isolate)
    seeds, lengths = check_seeds(seeds), list(lengths)
    if not lengths:
        raise ValueError("There must be lengths; received none.")
    for length in lengths:
        make_task(task, 2, length, 0)
    results = []
    for length in lengths:
        for seed in seeds:
            drawn = make_task(task, rows + 2 * HELD_OUT_ROWS, length, seed)
            found = _runs(drawn, rows, architectures, given, seed, isolate, report)
            results += found
    return results


def make_task(task, count, length, seed):
    """Return the `SequenceTask` of a name or function, one of words with one class a row."""
    if not callable(task):
        if task not in TASKS:
            raise ValueError(f"Unknown task {task!r}. Choose one of {', '.join(TASKS)}.")
        task = TASKS[task]
    made = task(count, length, seed=seed)
    if not isinstance(made, SequenceTask):
        raise ValueError(f"The function of the task must return a SequenceTask; received {made!r}.")
    if made.vocabulary is None or made.classes is None or made.targets.ndim != 1:
        raise ValueError(
            "Architectures are compared on tasks of words with one class a row, such as recall, "
            f"agreement, coreference or temporal_order; received {made!r}."
        )
    return made


def _runs(task, rows, architectures, given, seed, isolate, report):
    """The runs of one length and seed."""
    training, rest = task.split(rows)
    development, test = rest.split(HELD_OUT_ROWS)
    enough = task.best - (task.best - task.chance) / 100
    settings = make_settings({"enough": enough, **given})
    parts = [(part.texts, part.labels) for part in (training, development, test)]
    data = make_data(*parts[0], *parts[1:])
    more = {"task": task.name, "length": task.length, "chance": task.chance, "best": task.best}

    def solve(result):
        result["solved"] = task.solved(result["accuracy"])
        if report is not None:
            report(result)

    return run_all(architectures, data, settings, seed, isolate, more, solve)
