"""Train cells on memory tasks, and record their gradients, scores, time and memory."""

import functools
import itertools
import time

import keras
import numpy as np
from keras import ops

from keras_seq._processes import largest_memory
from keras_seq.analysis.gradient_flow import GradientProbe, first_to_last_ratio
from keras_seq.experiments.cells import make_cell, memory_model
from keras_seq.experiments.data import make_task
from keras_seq.experiments.runner import Run, check_seeds, filled, named, pack, run_all, unpack
from keras_seq.experiments.settings import ExperimentSettings

TRAINING_ROWS = 20_000
HELD_OUT_ROWS = 1_000
PROBED_ROWS = 32
STEPS_BETWEEN_SCORES = 100


def gradient_experiment(
    task="recall",
    cells=("vanilla", "lstm"),
    lengths=(100,),
    seeds=3,
    report=None,
    isolate=False,
    **settings,
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
            - `"lstm:forget=5"`, `"gru:forget=5"`: the first bias of the gate that keeps the state;
              `"lstm:chrono"`, `"gru:chrono"`: chrono initialisation for the length of the task;
            - `":skip=10"` for every cell: `layers.TimeSkipCell`.
        lengths: lengths of the task.
        seeds: a number n for the seeds 0 to n - 1, or a list of them.
        report: a function that is called with each run as it ends.
        isolate: whether each run has a process of its own, so that its memory is its own. The
            process must be able to import a task, or the class of a cell, of your own.
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
    settings = ExperimentSettings.of(settings)
    seeds = check_seeds(range(seeds) if isinstance(seeds, int) else seeds)
    cells, lengths = check_experiment(task, cells, lengths, settings)
    shared = {"task": pack("the task", task, isolate), "settings": vars(settings)}
    packed = {name: pack(name, cell, isolate) for name, cell in cells.items()}
    runs = (
        Run(
            f"The run of {name} at length {length}, seed {seed},",
            {**shared, "cell": packed[name], "length": length, "seed": seed},
            functools.partial(_result, {"cell": name, "length": length, "seed": seed}),
        )
        for length, name, seed in itertools.product(lengths, cells, seeds)
    )
    return run_all(run, [runs], isolate, report)


def _result(about, measured):
    return {**about, **measured}


def check_experiment(task, cells, lengths, settings):
    """Return cells as a dict and lengths as a list, or raise a `ValueError` for what cannot run."""
    cells, lengths = named("cells", cells), filled("lengths", list(lengths))
    for length in lengths:
        make_task(task, 2, length, 0)
        for cell in cells.values():
            make_cell(cell, settings.units, length)
    return cells, lengths


def run(read, isolated=True):
    """One run, as `runner.run_all` calls it: data, model, gradients, training, gradients, score."""
    arguments = read()
    if isolated:
        keras.config.set_dtype_policy(arguments["dtype_policy"])
    settings, length = ExperimentSettings(**arguments["settings"]), arguments["length"]
    keras.utils.set_random_seed(arguments["seed"])
    rows = max(TRAINING_ROWS, STEPS_BETWEEN_SCORES * settings.batch_size)
    task = unpack(arguments["task"])
    task = make_task(task, rows + 2 * HELD_OUT_ROWS, length, arguments["seed"])
    training, task = task.split(rows)
    development, test = task.split(HELD_OUT_ROWS)
    before = largest_memory()
    cell = make_cell(unpack(arguments["cell"]), settings.units, length)
    model = memory_model(training, cell, settings)
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
    predicted = np.asarray(model.predict(task.inputs, batch_size=250, verbose=0))
    if task.metric == "mse":
        return float(np.mean((predicted - task.targets) ** 2))
    right = predicted.argmax(axis=-1) == task.targets
    return float(np.average(right, weights=task.weights))
