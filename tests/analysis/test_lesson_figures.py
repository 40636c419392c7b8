"""Diagrams of cells, curves, figures behind a slider, and the style of a lecture room."""

import base64
import pickle
import re

import matplotlib
import numpy as np
import pytest

from keras_seq.analysis import (
    Slides,
    plot_attention,
    plot_cell,
    plot_curves,
    plot_search_tree,
    set_figure_style,
)
from keras_seq.analysis.cell_diagram import DIAGRAMS, KINDS

pytestmark = pytest.mark.once


@pytest.mark.parametrize("kind", DIAGRAMS)
def test_diagrams_are_drawn_whole(kind, tmp_path):
    path = tmp_path / "cell.png"
    figure = plot_cell(kind, title=kind, save=path)
    assert path.stat().st_size > 5_000
    (width, height), nodes, arrows, _ = DIAGRAMS[kind]()
    for x, y, look, _ in nodes.values():
        half = KINDS[look]
        assert half[0] <= x <= width - half[0] and half[1] <= y <= height - half[1]
    places = [node[:2] for node in nodes.values()]
    assert len(set(places)) == len(places)
    named = {end for arrow in arrows for end in arrow if isinstance(end, str)}
    assert named <= set(nodes)
    assert len(figure.axes[0].patches) >= len(nodes)


@pytest.mark.parametrize(
    "kind, gates", [("vanilla", 0), ("lstm", 3), ("gru", 2), ("unrolled", 0), ("bidirectional", 0)]
)
def test_cells_have_their_gates(kind, gates):
    nodes = DIAGRAMS[kind]()[1]
    assert sum(look == "gate" for _, _, look, _ in nodes.values()) == gates


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="`kind`"):
        plot_cell("transformer")


def test_curves_are_means_of_runs():
    runs = np.array([[1.0, 2.0, 4.0], [3.0, 4.0, 8.0]])
    figure = plot_curves({"a": runs, "b": [1, 1, 1]}, "x", "y", x=[5, 10, 20], lines={"best": 9})
    lines = figure.axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), [2, 3, 6])
    assert len(lines) == 1 + 2 + 1 + 1
    assert lines[0].get_linestyle() != lines[3].get_linestyle()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["5", "10", "20"]
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b", "best"]


@pytest.mark.parametrize(
    "change, match",
    [({"curves": {}}, "`curves`"), ({"log": "z"}, "`log`"), ({"x": [1, 2]}, "`curves`")],
)
def test_curves_refuse(change, match):
    arguments = {"curves": {"a": [1, 2, 3]}, "xlabel": "x", "ylabel": "y"}
    with pytest.raises(ValueError, match=match):
        plot_curves(**{**arguments, **change})


def test_slides_hold_their_pictures_and_nothing_else():
    figures = {n: plot_curves({"a": [1, n]}, "x", "y") for n in (2, 3, 4)}
    slides = Slides(figures, name="n <", start=3)
    page = slides._repr_html_()
    pictures = re.findall(r'base64,([^"]+)"', page)
    assert len(pictures) == 3 == len(set(pictures))
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    shown = re.findall(r"display:(\w+)", page.split("oninput")[1].split(">", 1)[1])
    assert shown == ["none", "block", "none"]
    assert "http" not in page and "n <" not in page and "n &lt; 3" in page
    assert 'max="2" value="1"' in page


@pytest.mark.parametrize(
    "change, match", [({"figures": {}}, "`figures`"), ({"start": 9}, "`start`")]
)
def test_slides_refuse(change, match):
    arguments = {"figures": {1: plot_curves({"a": [1, 2]}, "x", "y")}}
    with pytest.raises(ValueError, match=match):
        Slides(**{**arguments, **change})
    with pytest.raises(ValueError, match="must be figures"):
        Slides({1: "picture"})


def test_the_style_makes_letters_large():
    with matplotlib.rc_context():
        set_figure_style(20)
        figure = plot_curves({"a": [1, 2]}, "x", "y")
        assert figure.axes[0].xaxis.label.get_fontsize() == 20
        with pytest.raises(ValueError, match="`font_size`"):
            set_figure_style(0)


def test_the_style_makes_tokens_large():
    kept = {"token": "a", "parent": 0, "score": -0.1, "finished": False}
    sizes = []
    with matplotlib.rc_context():
        for font_size in (10, 15):
            set_figure_style(font_size)
            attention = plot_attention([[0.9, 0.1], [0.2, 0.8]], ["le", "mot"], ["the", "word"])
            label, box = attention.axes[0].get_yticklabels()[0], plot_search_tree([[kept]])
            texts = [label.get_fontsize(), *(text.get_fontsize() for text in box.axes[0].texts)]
            sizes.append([*texts, *box.get_size_inches()])
    assert np.allclose(sizes[1], np.multiply(sizes[0], 1.5))


def test_a_notebook_shows_a_figure_without_pyplot():
    figure = plot_curves({"a": [1, 2]}, "x", "y")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert pickle.loads(pickle.dumps(figure))._repr_png_().startswith(b"\x89PNG")
