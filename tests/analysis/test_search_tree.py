"""The tree of a beam search: what is drawn, and what is refused."""

import numpy as np
import pytest

from keras_seq.analysis import plot_search_tree
from keras_seq.samplers import Beam


def kept(token, parent, score, finished=False):
    return {
        "token": token,
        "token_id": 0,
        "parent": parent,
        "score": score,
        "log_probability": 2 * score,
        "finished": finished,
    }


# The answer is "b </s>": second after one step, best after two, and it waits for one step more.
TRACE = [
    [kept("a", 0, -0.1), kept("b", 0, -0.2)],
    [kept("</s>", 1, -0.3, True), kept("$x$", 1, -0.4)],
    [kept("<pad>", 0, -0.3, True), kept("</s>", 1, -0.9, True)],
]


def thick_path(figure):
    """The places along the thick line."""
    lines = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    lines.sort(key=lambda line: line.get_xdata()[0])
    return [line.get_ydata()[1] for line in lines]


def test_tokens_scores_and_lines(tmp_path):
    figure = plot_search_tree(TRACE, title="tree", save=tmp_path / "tree.png")
    axes = figure.axes[0]
    words = [text.get_text() for text in axes.texts]
    tokens = [word for word in words if not word.startswith("-")]
    assert tokens == ["<s>", "a", "b", "</s>", "$x$", "</s>"]
    assert [word for word in words if word.startswith("-")] == [
        *("-0.10", "-0.20", "-0.30", "-0.40", "-0.30", "-0.90")
    ]
    edges = [(*line.get_xdata(), *line.get_ydata()) for line in axes.lines]
    assert edges == [
        *((0, 1, 0, 0), (0, 1, 0, 1), (1, 2, 1, 0), (1, 2, 1, 1), (2, 3, 0, 0), (2, 3, 1, 1))
    ]
    assert [line.get_linestyle() for line in axes.lines] == ["-", "-", "-", "-", ":", "-"]
    assert thick_path(figure) == [1, 0, 0]
    assert axes.get_title() == "tree" and (tmp_path / "tree.png").stat().st_size > 0


def test_the_other_value():
    figure = plot_search_tree(TRACE, value="log_probability")
    assert "-1.80" in [text.get_text() for text in figure.axes[0].texts]


def test_a_sequence_that_nothing_continues_is_grey():
    colors = {t.get_text(): t.get_color() for t in plot_search_tree(TRACE).axes[0].texts}
    assert colors["a"] != colors["b"] == "black"


def test_the_tree_of_a_search(decided):
    answer = decided.generate("abc", sampler=Beam(3), return_trace=True, return_attention=True)
    figure = plot_search_tree(answer["trace"])
    trace, path = answer["trace"], thick_path(figure)
    written = [step[place]["token"] for step, place in zip(trace, path, strict=True)]
    assert [t for t in written if t != "<pad>"] == answer["target_tokens"]
    assert path[-1] == np.argmax([one["score"] for one in trace[-1]])


@pytest.mark.parametrize(
    "bad", [[], None, "trace", [[]], [TRACE[0], []], [[{"token": "a"}]], TRACE[0], [["a"]]]
)
def test_anything_else_is_no_trace(bad):
    with pytest.raises(ValueError, match="`trace` must be a list of steps"):
        plot_search_tree(bad)


@pytest.mark.parametrize("parent", [-1, 2])
def test_a_parent_must_be_there(parent):
    with pytest.raises(ValueError, match=f"one of the 2 sequences .* received {parent} in step 2"):
        plot_search_tree([TRACE[0], [kept("c", parent, -1.0)]])


def test_unknown_value():
    with pytest.raises(ValueError, match="`value` must be one of 'score', 'log_probability'"):
        plot_search_tree(TRACE, value="probability")
