"""Figures: they show what they are given, and leave nothing half-written."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_seq.analysis import (
    plot_attention,
    plot_exposure_bias,
    plot_history,
    plot_score_by_length,
)

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


def test_attention_frames_the_gold_links():
    axes = plot_attention(WEIGHTS, ["a", "b", "c"], ["d", "e"], gold=[(2, 1), (0, 0)]).axes[0]
    middles = [
        (p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2) for p in axes.patches
    ]
    assert [(round(x), round(y)) for x, y in middles[::2]] == [(2, 1), (0, 0)]
    for link, message in (((3, 0), "one of 3 source tokens"), ((0, -1), "`gold` must be")):
        with pytest.raises(ValueError, match=message):
            plot_attention(WEIGHTS, ["a", "b", "c"], ["d", "e"], gold=[link])


def test_attention_takes_any_token(tmp_path):
    tokens = ["$\\frac$", "\uffed$.", "Donaudampfschifffahrtsgesellschaft"]
    figure = plot_attention(WEIGHTS, tokens, ["_^", "{}"], save=tmp_path / "a.png")
    labels = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert labels == ["$\\frac$", "\u25aa$.", "Donaudampfschifffah\u2026"]


def test_attention_of_many_tokens_names_some_of_them():
    tokens = [str(i) for i in range(512)]
    figure = plot_attention(np.full((512, 512), 1 / 512), tokens, tokens, vmax=None)
    assert max(figure.get_size_inches()) < 20
    labels = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert len(labels) < 256 and labels[:2] == ["0", labels[1]] and int(labels[1]) > 1
    assert figure.axes[0].images[0].get_clim()[1] == pytest.approx(1 / 512)


def test_attention_needs_tokens():
    with pytest.raises(ValueError, match="at least one token on either side"):
        plot_attention(np.zeros((0, 2)), ["a", "b"], [])


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
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="file is no folder"):
        plot_attention(WEIGHTS, ["a", "b", "c"], ["d", "e"], save=tmp_path / "file" / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


ROWS = [
    {"shortest": 1, "longest": 4, "mean_length": 2.5, "count": 9, "bleu": 40.0, "chrf": 0.0},
    {"shortest": 5, "longest": 9, "mean_length": 7.0, "count": 8, "bleu": 30.0, "chrf": 0.0},
]


def test_scores_by_length_of_one_model(tmp_path):
    figure = plot_score_by_length(ROWS, metrics=["bleu", "chrf"], save=tmp_path / "a.png")
    bleu, chrf, texts = figure.axes
    assert bleu.lines[0].get_xydata().tolist() == [[2.5, 40], [7, 30]]
    assert bleu.get_ylabel() == "BLEU" and bleu.get_ylim()[0] == 0
    assert chrf.lines[0].get_ydata().tolist() == [0, 0]
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in texts.patches]
    assert bars == [(0.5, 4, 9), (4.5, 5, 8)]
    assert bleu.get_legend() is None


def test_scores_by_length_of_several_models():
    other = [{**row, "bleu": 5.0} for row in ROWS]
    figure = plot_score_by_length({"good": ROWS, "bad": other}, metrics=["bleu"], title="two")
    bleu, texts = figure.axes
    assert [text.get_text() for text in bleu.get_legend().get_texts()] == ["good", "bad"]
    assert [line.get_ydata().tolist() for line in bleu.lines] == [[40, 30], [5, 5]]
    assert len(texts.patches) == 2  # the same texts are drawn once
    figure = plot_score_by_length({"all": ROWS, "some": ROWS[:1]}, metrics=["bleu"])
    assert len(figure.axes[1].patches) == 3


@pytest.mark.parametrize(
    ("results", "metrics", "message"),
    [
        ({}, ["bleu"], "received 0 results"),
        (ROWS, [], r"metrics=\[\]"),
        (ROWS, "bleu", "metrics='bleu'"),
        (ROWS, ["meteor"], "meteor missing"),
        ({"one": []}, ["bleu"], "bleu, count, longest"),
    ],
)
def test_scores_by_length_refuses(results, metrics, message):
    with pytest.raises(ValueError, match=message):
        plot_score_by_length(results, metrics)


def test_exposure_bias_shows_both_sides(tmp_path):
    forced, free = {"accuracy": [0.9, 0.8], "bleu": 41.26}, {"accuracy": [0.9, 0.4], "bleu": 30.0}
    result = {"counts": [7, 5], "teacher_forced": forced, "free_running": free}
    accuracy, texts = plot_exposure_bias(result, title="bias", save=tmp_path / "a.png").axes
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[0.9, 0.8], [0.9, 0.4]]
    assert accuracy.lines[0].get_xdata().tolist() == [1, 2]
    assert [bar.get_height() for bar in texts.patches] == [7, 5]
    legend = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert legend == ["right tokens fed (BLEU 41.3)", "own tokens fed (BLEU 30.0)"]


@pytest.mark.parametrize("bad", [{}, [1, 2], {"counts": [1]}])
def test_exposure_bias_takes_its_result_only(bad):
    with pytest.raises(ValueError, match="must be what `exposure_bias` returned"):
        plot_exposure_bias(bad)
