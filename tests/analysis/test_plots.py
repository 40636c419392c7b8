"""Figures: they show what they are given, and leave nothing half-written."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_seq.analysis import plot_attention, plot_history

WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])


def test_attention_shows_the_weights_and_both_token_axes(tmp_path):
    figure = plot_attention(WEIGHTS, ["le", " ", "mot"], ["the", "word"], save=tmp_path / "a.png")
    assert isinstance(figure, Figure)
    axes = figure.axes[0]
    assert np.array_equal(axes.images[0].get_array(), WEIGHTS)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["le", "\u2423", "mot"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["the", "word"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_attention_must_fit_the_tokens():
    with pytest.raises(ValueError, match=r"\(3, 2\); received \(2, 3\)"):
        plot_attention(WEIGHTS, ["a", "b"], ["c", "d", "e"])


def test_history_shows_training_and_validation():
    history = {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0], "accuracy": [0.1, 0.4]}
    figure = plot_history(history)
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0], [3.0, 2.0]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.1, 0.4]]
    assert loss.get_xlabel() == "epoch" and loss.get_yscale() == "log"


def test_history_names_a_missing_metric():
    with pytest.raises(ValueError, match="it has no bleu"):
        plot_history({"loss": [1.0]}, ["bleu"])


def test_unwritable_place_leaves_nothing(tmp_path):
    with pytest.raises(OSError):
        plot_attention(WEIGHTS, ["a", "b", "c"], ["d", "e"], save=tmp_path / "none" / "a.png")
    assert list(tmp_path.iterdir()) == []
