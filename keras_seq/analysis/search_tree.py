"""The figure of a beam search."""

from collections.abc import Sequence
from typing import Any

from keras_seq._checks import check_choice
from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import (
    COLORS,
    GREY,
    finished,
    letter_scale,
    new_figure,
    visible,
)

VALUES = ("score", "log_probability")
STEP = 1.0  # inches from one step to the next
RANK = 0.68  # inches from one sequence to the next


def plot_search_tree(
    trace: Sequence[Any],
    title: str | None = None,
    save: PathLike | None = None,
    value: str = "score",
) -> Figure:
    """Draw the sequences that a search kept at each step, and which continues which.

    A column is a step, with the best sequence on top; a box is a token, with the score of the
    sequence up to it below. The thick line leads to the answer. Sequences that nothing continues
    are grey; a dotted line leads on from one that has ended and waits. It is meant for up to 5
    beams and 12 steps, and grows with more.

    Args:
        trace: the steps of one text, as `generate(..., return_trace=True)` returns them.
        title: text above the figure.
        save: a path to write the figure to.
        value: the number below a token: `"score"`, by which sequences compete, or
            `"log_probability"`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for anything but such steps, or another `value`.

    Example:

    >>> kept = {"token": "a", "parent": 0, "score": -0.1, "finished": False}
    >>> figure = plot_search_tree([[kept], [{**kept, "token": "</s>", "finished": True}]])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['<s>', 'a', '-0.10', '</s>', '-0.10']

    ```python
    answer = model.generate("27 September 2016", sampler=Beam(4), return_trace=True)
    plot_search_tree(answer["trace"], save="tree.png")
    ```
    """
    check_choice("value", value, VALUES)
    _check(trace, value)
    width = max(map(len, trace))
    size = 1.4 + STEP * (len(trace) + 0.4), 0.9 + RANK * (width + 0.2)
    figure = new_figure(tuple(letter_scale() * side for side in size))
    axes = figure.add_subplot()
    answer, parents = _answer(trace), _parents(trace)
    _write(axes, 0, 0, "<s>", None, True, True)
    for t, step in enumerate(trace, start=1):
        for place, kept in enumerate(step):
            waits = t > 1 and trace[t - 2][kept["parent"]]["finished"]
            best = place == answer[t - 1]
            _connect(axes, t, kept["parent"], place, best, waits)
            last = t == len(trace)
            if not waits or last:
                label = None if waits else kept["token"]
                lives = last or (t, place) in parents
                _write(axes, t, place, label, kept[value], best, lives)
    _finish_axes(axes, len(trace), width)
    return finished(figure, title, save)


def _check(trace, value):
    """Raise a `ValueError` unless this is a trace."""
    needed = {"token", "parent", "finished", value, "score"}
    steps = trace if isinstance(trace, list) else []
    kept = [node for step in steps for node in (step or [None])]
    if not kept or not all(isinstance(node, dict) and needed <= set(node) for node in kept):
        raise ValueError(
            "`trace` must be a list of steps as `generate(..., return_trace=True)` returns it for "
            f"one text, each a list of dicts with {', '.join(sorted(needed))}; received "
            f"{str(trace)[:80]}."
        )
    for t, step in enumerate(trace):
        before = len(trace[t - 1]) if t else 1
        for node in step:
            if not 0 <= node["parent"] < before:
                raise ValueError(
                    f"A parent must be one of the {before} sequences of the step before; received "
                    f"{node['parent']} in step {t + 1}."
                )


def _answer(trace):
    """The place of the answer, or of its beginning, in each step."""
    last = trace[-1]
    places = [max(range(len(last)), key=lambda place: last[place]["score"])]
    for step in reversed(trace[1:]):
        places.append(step[places[-1]]["parent"])
    return places[::-1]


def _parents(trace):
    """The sequences that something continues, as (step counted from 1, place)."""
    return {(t, node["parent"]) for t, step in enumerate(trace) for node in step}


def _connect(axes, t, parent, place, best, waits):
    """Draw the line from a sequence to what continues it."""
    axes.plot(
        [t - 1, t],
        [parent, place],
        color=COLORS[1] if best else GREY,
        linewidth=2.6 if best else 1.0,
        linestyle=":" if waits else "-",
        marker="." if waits else None,
        zorder=2 if best else 1,
    )


def _write(axes, t, place, token, number, best, lives):
    """Write a token in its box, and the number below."""
    color, scale = "black" if lives else GREY, letter_scale()
    if token is not None:
        frame = {
            "boxstyle": "round,pad=0.28",
            "facecolor": "#FFE8D6" if best else "white",
            "edgecolor": COLORS[1] if best else GREY,
            "linewidth": 1.6 if best else 0.8,
        }
        weight = "bold" if best else "normal"
        style = {"ha": "center", "va": "center", "fontsize": 9 * scale, "fontweight": weight}
        shown = visible(token, longest=10)
        axes.text(t, place, shown, color=color, bbox=frame, zorder=3, parse_math=False, **style)
    if number is not None:
        plate = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        style = {"ha": "center", "va": "center", "fontsize": 7 * scale, "zorder": 2.5}
        shift = 0.36 if token is not None else 0
        axes.text(t, place + shift, f"{number:z.2f}", color=color, bbox=plate, **style)


def _finish_axes(axes, steps, width):
    """Number the steps and the places; nothing else is an axis."""
    axes.set_xlim(-0.5, steps + 0.5)
    axes.set_ylim(width - 0.35, -0.5)  # the best on top
    axes.set_xticks(range(1, steps + 1))
    axes.set_yticks(range(width), range(1, width + 1))
    axes.set_xlabel("step")
    axes.set_ylabel("place")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
