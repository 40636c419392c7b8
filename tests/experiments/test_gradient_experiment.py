"""The experiment of cells, lengths and seeds, in small."""

import json

import keras
import numpy as np
import pytest

from keras_seq.datasets import SequenceTask, recall
from keras_seq.experiments import (
    ExperimentSettings,
    gradient_experiment,
    gradient_summary,
    gradients,
    plot_gradient_experiment,
)
from keras_seq.experiments.cells import make_cell, memory_model
from keras_seq.experiments.runner import pack, unpack
from keras_seq.layers import TimeSkipCell, VanillaRNNCell


def easy(count, length, seed=0):
    """Whether the last number is above 0."""
    x = np.random.default_rng(seed).normal(size=(count, length, 2)).astype("float32")
    y = (x[:, -1, 0] > 0).astype("int32")
    return SequenceTask("easy", x, y, "accuracy", chance=0.5, best=1.0, classes=("-", "+"))


@pytest.fixture(scope="module")
def small():
    """Sizes with which a run takes a second."""
    patch = pytest.MonkeyPatch()
    for name, value in (
        ("TRAINING_ROWS", 640),
        ("HELD_OUT_ROWS", 100),
        ("STEPS_BETWEEN_SCORES", 10),
        ("PROBED_ROWS", 8),
    ):
        patch.setattr(gradients, name, value)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def runs(small):
    seen = []
    runs = gradient_experiment(
        easy, ["vanilla"], [4], 2, seen.append, units=8, steps=200, learning_rate=1e-2
    )
    assert seen == runs
    return runs


def test_an_easy_task_is_solved(runs):
    for seed, run in enumerate(runs):
        assert (run["cell"], run["length"], run["seed"]) == ("vanilla", 4, seed)
        assert run["solved"] and run["finite"] and run["score"] > 0.9
        assert run["steps"] == 10 * len(run["scores"]) <= 200
        assert len(run["start_flow"]) == len(run["end_flow"]) == 4
        assert 0 < run["start_ratio"] < 1
    json.dumps(runs)


def test_the_seed_decides(small, runs):
    again = gradient_experiment(easy, ["vanilla"], [4], [1], units=8, steps=200, learning_rate=1e-2)
    for name in ("score", "scores", "start_flow", "end_flow"):
        assert again[0][name] == runs[1][name]


@pytest.mark.once
def test_own_tasks_and_cells_reach_another_process():
    own = VanillaRNNCell(4, activation="relu")
    packed = [json.loads(json.dumps(pack("mine", thing, isolate=True))) for thing in (own, easy)]
    cell, task = map(unpack, packed)
    assert cell is not own and task is easy
    assert cell.get_config() == own.get_config()
    assert pack("mine", own, isolate=False) is own


@pytest.mark.once
def test_a_summary_counts_failures(runs):
    broken = {**runs[0], "finite": False, "solved": False, "score": np.nan, "end_ratio": np.nan}
    (row,) = gradient_summary([*runs, broken])
    assert (row["solved"], row["seeds"], row["broken"]) == (2, 3, 1)
    assert row["score"] == pytest.approx(np.mean([run["score"] for run in runs]))
    ratios = [run["start_ratio"] for run in [*runs, broken]]
    assert row["start_ratio"] == pytest.approx(np.exp(np.mean(np.log(ratios))))


@pytest.mark.once
def test_an_explosion_breaks_the_training_and_is_counted(small):
    """A gradient of 1.5^60 at a learning rate of 1 leaves no number behind; a short one does."""
    settings = {"optimizer": "sgd", "learning_rate": 1.0, "units": 8, "steps": 20}
    given = easy, ["vanilla:linear:radius=1.5"], [60], [0]
    (free,) = gradient_experiment(*given, clip_norm=None, **settings)
    assert not free["finite"] and np.isnan(free["score"]) and not free["solved"]
    assert free["start_ratio"] > 1e8
    (clipped,) = gradient_experiment(*given, clip_norm=1e-3, **settings)
    assert clipped["finite"]


@pytest.mark.once
def test_the_figure_has_a_curve_for_each_cell(runs):
    other = [{**run, "cell": "b", "length": 8} for run in runs]
    both = [{**run, "cell": "c"} for run in other]
    for shown, label, curves in ((runs, "", 1), (runs + other + both, "length", 2)):
        before, after, scores = plot_gradient_experiment(shown).axes
        assert before.get_yscale() == "log" and scores.get_xlabel() == label
        assert len(before.get_lines()) == len(after.get_lines()) == curves
    with pytest.raises(ValueError, match="received none"):
        plot_gradient_experiment([])


@pytest.mark.once
def test_names_with_options():
    cell = make_cell("vanilla:radius=0.5:relu", 4, 10)
    assert cell.activation is keras.activations.relu
    assert cell.recurrent_initializer.gain == 0.5
    skip = make_cell("lstm:chrono:skip=3", 4, 10)
    assert isinstance(skip, TimeSkipCell) and type(skip.cell) is keras.layers.LSTMCell
    assert skip.cell.bias_initializer.max_length == 10 and not skip.cell.unit_forget_bias
    assert make_cell("gru:chrono", 4, 10).bias_initializer.cell == "gru"
    for spec, message in (
        ("lstm:radius=1", "'lstm' knows forget, chrono, skip"),
        ("vanilla:radius=big", "needs a number"),
        ("vanilla:radius", "needs a number"),
        ("elman", "Unknown cell"),
    ):
        with pytest.raises(ValueError, match=message):
            make_cell(spec, 4, 10)


@pytest.mark.once
@pytest.mark.parametrize("attention", [False, True])
def test_the_model_fits_each_kind_of_task(attention):
    settings = ExperimentSettings(units=4, attention=attention, num_layers=2, residual=True)
    words = recall(6, 5)
    assert memory_model(words, make_cell("gru", 4, 5), settings).output_shape == (None, 10)
    names = {"vocabulary": words.vocabulary, "classes": words.vocabulary}
    copying = SequenceTask("copy", words.inputs, words.inputs, "accuracy", 0.5, 1.0, **names)
    each = memory_model(copying, make_cell("gru", 4, 5), settings)
    assert each.output_shape == (None, 5, len(words.vocabulary))
    numbers = SequenceTask(
        "mean", np.ones((6, 5, 2), "float32"), np.ones((6, 1), "float32"), "mse", 1.0, 0.0
    )
    assert memory_model(numbers, make_cell("lstm", 4, 5), settings).output_shape == (None, 1)


@pytest.mark.once
def test_bad_input_is_refused():
    for call, message in (
        (lambda: gradient_experiment("chess"), "Unknown task 'chess'. Choose one of"),
        (lambda: gradient_experiment(cells=[]), "must be cells; received none"),
        (lambda: gradient_experiment(seeds=0), "`seeds` must be whole numbers"),
        (lambda: gradient_experiment(lengths=[]), "must be lengths; received none"),
        (lambda: gradient_experiment(size=3), "Unknown settings size"),
        (lambda: gradient_experiment(units=0), "`units`"),
        (lambda: gradient_experiment(learning_rate=-1.0), "`learning_rate`"),
        (lambda: gradient_experiment(clip_norm=float("inf")), "`clip_norm` must be a number abo"),
        (
            lambda: gradient_experiment(cells=["lstm:chrono=x", "gru:size=2"]),
            "'gru' knows forget, ch",
        ),
        (lambda: gradient_experiment(lambda *a, **k: None), "must return a SequenceTask"),
        (lambda: gradient_experiment(lengths=[1]), "length"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
