"""Which cell learns what lies how far back, and what its gradient has to do with it."""

import dataclasses
import time

import keras
import numpy as np
from keras import ops

from keras_seq._processes import largest_memory
from keras_seq.analysis.experiment_cells import make_cell
from keras_seq.analysis.experiment_model import ExperimentSettings, check_settings, memory_model
from keras_seq.analysis.gradient_flow import GradientProbe, first_to_last_ratio
from keras_seq.datasets import TASKS, SequenceTask

TRAINING_ROWS = 20_000
HELD_OUT_ROWS = 1_000
PROBED_ROWS = 32
STEPS_BETWEEN_SCORES = 100


def gradient_experiment(
    task="recall", cells=("vanilla", "lstm"), lengths=(100,), seeds=3, report=None, **settings
):
    """Train each cell on each length of a task, and measure its gradient before and after.

    The model is an embedding (for a task of words), recurrent layers and a dense layer on the last
    state, or on each state where each step has a target. It is trained on 20,000 rows (or 100
    batches, if that is more), and scored on 1,000 others after every 100 batches; it stops when it
    has solved them twice in a row (to a tenth of the way from the best possible score to chance) or
    at the limit of batches. The score that is returned is that on a third set of 1,000 rows. Rows,
    weights and order depend on the seed alone.

    Args:
        task: a name in `datasets.TASKS`, or a function `(count, length, seed) -> SequenceTask`.
        cells: what to compare, a list or a dict from a name to a cell: names in
            `ks.layers.CELLS`, instances of cells, and names with options after colons:

            - `"vanilla:radius=0.9"`: an orthogonal recurrent matrix times 0.9, which is its
              spectral radius; `"vanilla:normal=0.05"`: normal numbers with that standard deviation;
            - `"vanilla:relu"`, `"vanilla:linear"`: the activation;
            - `"lstm:forget=5"`: the first bias of the forget gate; `"lstm:chrono"`,
              `"gru:chrono"`: chrono initialisation for the length of the task;
            - `":skip=10"` for every cell: `layers.TimeSkipCell`.
        lengths: lengths of the task.
        seeds: a number n for the seeds 0 to n - 1, or a list of them.
        report: a function that is called with each run as it ends.
        **settings: the attributes of `ExperimentSettings`.

    Returns:
        A list of dicts, one a run:

        - `cell`, `length`, `seed`, `parameters`;
        - `start_ratio`, `end_ratio`: the gradient at the first step by that at the last one
          (`first_to_last_ratio` of the bottom layer's h, on 32 held-out rows), before and after
          training; `start_flow` and `end_flow`, the whole curves;
        - `score`, `chance`, `best`, `metric`, `solved`; `steps`, the batches trained on;
        - `finite`: whether all weights are still numbers; a run that broke ends there;
        - `scores`: held-out scores after every 100 batches;
        - `seconds` of training, compiling included; `peak_memory`, by how many MiB the process grew
          (nothing, where an earlier run of the same process had taken more; `None` on Windows).

    Raises:
        ValueError: for an unknown task, cell, option or setting, and no cells, lengths or seeds.

    Example:

    ```python
    runs = gradient_experiment("recall", ["vanilla:radius=0.9", "lstm:chrono"], [20, 50], seeds=3)
    plot_gradient_experiment(runs, save="gradients.png")
    ```
    """
    settings = _settings(settings)
    make_task = _task_function(task)
    named = dict(cells) if isinstance(cells, dict) else {str(_name(cell)): cell for cell in cells}
    seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not (named and len(lengths) and seeds):
        raise ValueError(
            f"There must be cells, lengths and seeds; received {len(named)} cells, "
            f"{len(lengths)} lengths and {len(seeds)} seeds."
        )
    for cell in named.values():  # before hours of training
        make_cell(cell, settings.units, 10)
    runs = []
    for length in lengths:
        for name, cell in named.items():
            for seed in seeds:
                run = _run(make_task, cell, length, seed, settings)
                runs.append({"cell": name, "length": length, "seed": seed, **run})
                if report is not None:
                    report(runs[-1])
    return runs


def summary(runs):
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
    rows = {}
    for run in runs:
        rows.setdefault((run["cell"], run["length"]), []).append(run)
    return [_summary_row(cell, length, group) for (cell, length), group in rows.items()]


def _summary_row(cell, length, group):
    scores = [run["score"] for run in group if np.isfinite(run["score"])]
    memory = [run["peak_memory"] for run in group if run["peak_memory"] is not None]
    return {
        "cell": cell,
        "length": length,
        "parameters": group[0]["parameters"],
        "start_ratio": _geometric_mean([run["start_ratio"] for run in group]),
        "end_ratio": _geometric_mean([run["end_ratio"] for run in group]),
        "metric": group[0]["metric"],
        "chance": group[0]["chance"],
        "score": float(np.mean(scores)) if scores else float("nan"),
        "scores": [run["score"] for run in group],
        "solved": sum(run["solved"] for run in group),
        "seeds": len(group),
        "broken": sum(not run["finite"] for run in group),
        "steps": float(np.mean([run["steps"] for run in group])),
        "seconds": float(np.mean([run["seconds"] for run in group])),
        "peak_memory": max(memory) if memory else None,
    }


def _geometric_mean(ratios):
    ratios = np.array([ratio for ratio in ratios if np.isfinite(ratio)])
    if not ratios.size:
        return float("nan")
    return float(np.exp(np.mean(np.log(ratios)))) if np.all(ratios > 0) else 0.0


def _name(cell):
    return cell if isinstance(cell, str) else getattr(cell, "name", cell)


def _settings(settings):
    known = [field.name for field in dataclasses.fields(ExperimentSettings)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise ValueError(f"Unknown settings {', '.join(unknown)}; there are {', '.join(known)}.")
    return check_settings(ExperimentSettings(**settings))


def _task_function(task):
    if callable(task):
        return task
    if task not in TASKS:
        raise ValueError(f"Unknown task {task!r}. Choose one of {', '.join(TASKS)}.")
    return TASKS[task]


def _run(make_task, cell, length, seed, settings):
    """One run: data, model, gradients, training, gradients, score."""
    keras.utils.set_random_seed(seed)
    rows = max(TRAINING_ROWS, STEPS_BETWEEN_SCORES * settings.batch_size)
    task = make_task(rows + 2 * HELD_OUT_ROWS, length, seed=seed)
    if not isinstance(task, SequenceTask):
        raise ValueError(f"The function of the task must return a SequenceTask; received {task!r}.")
    training, task = task.split(rows)
    development, test = task.split(HELD_OUT_ROWS)
    before = largest_memory()
    model = memory_model(training, make_cell(cell, settings.units, length), settings)
    probed = test[:PROBED_ROWS]
    probe = GradientProbe(model, probed.inputs, probed.targets, probed.weights)
    start = _bottom_flow(probe())
    began = time.perf_counter()
    scores, steps = _train(model, training, development, settings)
    seconds = time.perf_counter() - began
    finite = all(np.isfinite(ops.convert_to_numpy(weight)).all() for weight in model.weights)
    end = _bottom_flow(probe()) if finite else np.full_like(start, np.nan)
    score = _score(model, test) if finite else float("nan")
    after = largest_memory()
    return {
        "parameters": model.count_params(),
        "start_ratio": first_to_last_ratio(start),
        "end_ratio": first_to_last_ratio(end),
        "metric": task.metric,
        "score": score,
        "chance": task.chance,
        "best": task.best,
        "solved": task.solved(score),
        "finite": finite,
        "steps": steps,
        "scores": scores,
        "seconds": seconds,
        "peak_memory": None if before is None else after - before,
        "start_flow": start.tolist(),
        "end_flow": end.tolist(),
    }


def _bottom_flow(flow):
    """The gradients of h in the lowest layer, forward."""
    return next(iter(flow.values()))


def _train(model, training, development, settings):
    """Train until the held-out rows are solved; returns the scores and the number of batches."""
    scores, steps = [], 0
    order = np.random.default_rng(len(training))
    places = np.empty(0, int)
    while steps < settings.steps and not _is_over(training, scores):
        batches = min(STEPS_BETWEEN_SCORES, settings.steps - steps)
        rows = batches * settings.batch_size
        while len(places) < rows:
            places = np.concatenate([places, order.permutation(len(training))])
        part, places = training[places[:rows]], places[rows:]
        history = model.fit(
            part.inputs,
            part.targets,
            sample_weight=part.weights,
            batch_size=settings.batch_size,
            verbose=0,
        )
        steps += batches
        broken = not np.isfinite(history.history["loss"][0])
        scores.append(float("nan") if broken else _score(model, development))
    return scores, steps


def _is_over(task, scores):
    """Whether the last two scores solve the task, or the last one is no number."""
    solved = [task.solved(score) for score in scores[-2:]]
    return bool(scores) and (np.isnan(scores[-1]) or solved == [True, True])


def _score(model, task):
    """The score of a model on a task."""
    found = np.asarray(model.predict(task.inputs, batch_size=250, verbose=0))
    if task.metric == "mse":
        return float(np.mean((found - task.targets) ** 2))
    right = found.argmax(axis=-1) == task.targets
    return float(np.average(right, weights=task.weights))
