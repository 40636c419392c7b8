"""Train one model for each seed, and measure what all of them do."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_seq._checks import check_positive
from keras_seq.datasets import SequenceTask
from keras_seq.experiments.runner import check_seeds


def over_seeds(
    models: dict[Any, Callable[[], Any]],
    training: Any,
    tests: dict[Any, Any],
    seeds: int | Sequence[int] = 3,
    epochs: int = 10,
    learning_rate: float = 1e-3,
    batch_size: int = 32,
    clip_norm: float | None = 1.0,
) -> dict[Any, dict[Any, np.ndarray]]:
    """Train models with several seeds on the same data; their scores on other data.

    Classes, targets that are integers, are learnt by cross-entropy and scored by accuracy; the last
    layer gives logits. Numbers are learnt and scored by the mean squared error. The optimiser is
    Adam. Weights and the order of batches depend on the seed alone.

    Args:
        models: a dict from a name to a function without arguments that returns a new model, or the
            layers of one.
        training: what to train on: a `SequenceTask`, whose weights count, or a pair `(x, y)`.
        tests: what to score on: a dict from a name to one of these.
        seeds: a number n for the seeds 0 to n - 1, or a list of them.
        epochs, learning_rate, batch_size: of the training.
        clip_norm: limit of the norm of the whole gradient, or `None`.

    Returns:
        A dict from the name of a model to a dict from the name of a test to a float64 array
        `(seeds,)`; under the names `"seconds"` and `"parameters"` it has those of the training,
        compiling included, and of the model.

    Raises:
        ValueError: for no models, seeds or tests, and for data that are neither of these.

    Example:

    >>> import keras_seq as ks
    >>> training, held_out = ks.datasets.adding_problem(200, length=5).split(100)
    >>> models = {"gru": lambda: [ks.layers.GRU(4), keras.layers.Dense(1)]}
    >>> scores = over_seeds(models, training, {"held out": held_out}, seeds=2, epochs=1)
    >>> list(scores["gru"]), scores["gru"]["held out"].shape
    (['held out', 'seconds', 'parameters'], (2,))
    """
    seeds = check_seeds(range(seeds) if isinstance(seeds, int) else seeds)
    check_positive("epochs", epochs)
    for name, value in (("models", models), ("tests", tests)):
        if not isinstance(value, dict) or not value:
            raise ValueError(f"`{name}` must be a dict that is not empty; received {value!r}.")
    training = _data("training", training)
    tests = {name: _data(f"tests[{name!r}]", data) for name, data in tests.items()}
    settings = {"epochs": epochs, "batch_size": batch_size, "verbose": 0}
    optimizer = {"learning_rate": learning_rate, "global_clipnorm": clip_norm}
    results = {}
    for name, make in models.items():
        runs = [_run(make, training, tests, seed, settings, optimizer) for seed in seeds]
        results[name] = {key: np.array([run[key] for run in runs], "float64") for key in runs[0]}
    return results


def _run(make, training, tests, seed, settings, optimizer):
    """The scores of one model that was trained with one seed."""
    keras.utils.set_random_seed(seed)
    model = make()
    model = keras.Sequential(model) if isinstance(model, list) else model
    classes = np.asarray(training["y"]).dtype.kind in "iu"
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    metrics = ["accuracy"] if classes else ["mse"]
    model.compile(keras.optimizers.Adam(**optimizer), loss, weighted_metrics=metrics)
    began = time.perf_counter()
    model.fit(**training, **settings)
    seconds = time.perf_counter() - began
    scores = {
        name: model.evaluate(**test, batch_size=250, verbose=0)[1] for name, test in tests.items()
    }
    return {**scores, "seconds": seconds, "parameters": model.count_params()}


def fastest(function: Callable[[], Any], trials: int = 7) -> float:
    """The seconds that the fastest of some calls of `function` takes; the first one may compile.

    Args:
        function: a function without arguments.
        trials: how many calls, int >= 1.

    Raises:
        ValueError: for no trials.

    Example:

    >>> 0.01 < fastest(lambda: time.sleep(0.01), trials=2) < 1
    True
    """
    seconds = []
    for _ in range(check_positive("trials", trials)):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _data(name, data):
    """The arguments of `fit` and `evaluate`."""
    if isinstance(data, SequenceTask):
        return {"x": data.inputs, "y": data.targets, "sample_weight": data.weights}
    if isinstance(data, tuple) and len(data) == 2:
        return {"x": data[0], "y": data[1]}
    raise ValueError(f"`{name}` must be a SequenceTask or a pair (x, y); received {data!r}.")
