"""The figures of a comparison: what is drawn, and where."""

import numpy as np
import pytest
from PIL import Image

from keras_seq.experiments import plot_comparison, plot_memory_comparison

pytestmark = pytest.mark.once


def result(name, seed=0, **more):
    """A result of `compare`."""
    return {
        **{"name": name, "seed": seed, "accuracy": 0.8, "macro_f1": 0.7, "memory": 100.0},
        **{"training_seconds": 30.0, "seconds_per_1000": 0.02, "parameters": 12_000, **more},
    }


def drawn(axes):
    """The points of all lines, as rounded pairs."""
    return {
        (round(float(x), 6), round(float(y), 6))
        for line in axes.get_lines()
        for x, y in zip(*line.get_data(), strict=True)
    }


def test_each_architecture_is_a_row_and_each_number_a_panel(tmp_path):
    runs = [
        result("bag_of_words", parameters=None),
        result("lstm", accuracy=0.6),
        result("lstm", 1, accuracy=0.9, training_seconds=3000.0),
    ]
    figure = plot_comparison(runs, title="SST-2", save=tmp_path / "c.png")
    scores, seconds, answers, memory, parameters = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == [
        *("score", "seconds of training", "seconds for 1,000 texts", "memory (MiB)", "parameters")
    ]
    assert [label.get_text() for label in scores.get_yticklabels()] == ["bag of words", "lstm"]
    assert drawn(scores) == {
        *((0.8, -0.12), (0.6, 0.88), (0.9, 0.88), (0.75, 0.88)),  # two runs and their mean
        *((0.7, 0.12), (0.7, 1.12)),
    }
    assert drawn(parameters) == {(12_000, 1)} and drawn(memory) == {(100, 0), (100, 1)}
    assert drawn(seconds) == {(30, 0), (30, 1), (3000, 1), (1515, 1)}
    assert answers.get_xscale() == "log"
    low, high = answers.get_xlim()
    assert low < 0.02 < high and high / low > 9.99
    assert [text.get_text() for text in scores.get_legend().get_texts()] == ["accuracy", "macro F1"]
    assert figure.get_suptitle() == "SST-2"
    with Image.open(tmp_path / "c.png") as image:
        assert image.width > 1000


def test_what_no_run_knows_has_no_panel():
    figure = plot_comparison([result("lstm", memory=None, parameters=None)])
    assert len(figure.axes) == 3


def test_memory_is_a_line_for_each_architecture_between_best_and_chance(tmp_path):
    names = [f"net{i}" for i in range(9)]
    runs = [
        result(name, seed, length=length, accuracy=0.5 + 0.4 * seed, chance=length / 100, best=0.95)
        for name in names
        for length in (20, 10)
        for seed in (0, 1)
    ]
    figure = plot_memory_comparison(runs, title="Task", save=tmp_path / "m.png")
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    for name in names:
        np.testing.assert_allclose(lines[name].get_data(), [[10, 20], [0.7, 0.7]])
    np.testing.assert_allclose(lines["chance"].get_ydata(), [0.1, 0.2])
    np.testing.assert_allclose(lines["best possible"].get_ydata(), [0.95, 0.95])
    looks = {
        (line.get_color(), line.get_marker(), line.get_markerfacecolor())
        for name, line in lines.items()
        if name in names
    }
    assert len(looks) == len(names)
    assert axes.get_ylabel() == "accuracy" and axes.get_title() == "Task"


def test_results_of_another_kind_are_refused():
    long = result("lstm", length=5, chance=0.1, best=1.0)
    for draw, wrong, message in (
        (plot_comparison, [], "received none"),
        (plot_comparison, [long], "for `plot_memory_comparison`"),
        (plot_memory_comparison, [], "received none"),
        (plot_memory_comparison, [result("lstm")], "for `plot_comparison`"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(wrong)
