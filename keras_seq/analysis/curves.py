"""Curves of one quantity over another, for a lecture room."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import COLORS, MARKERS, finished, level_lines, new_figure, tidy

DASHES = ("-", "--", "-.", ":")


def plot_curves(
    curves: dict[Any, ArrayLike],
    xlabel: str,
    ylabel: str,
    x: Sequence[Any] | None = None,
    log: str = "",
    lines: dict[str, float] | None = None,
    limits: tuple[float | None, float | None] | None = None,
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw curves, told apart by colour, marker and dashes.

    Args:
        curves: a dict from a name to its values; those of shape `(runs, points)` are drawn as
            their mean, with a small point for each run.
        xlabel, ylabel: what the axes are.
        x: the places of the values; 0, 1, 2, ... where `None`.
        log: the axes that are logarithmic: `""`, `"x"`, `"y"` or `"xy"`.
        lines: a dict from a name to a number, such as `{"chance": 0.1}`: level lines.
        limits: the lowest and the highest value of the axis upright; `None` for that of the data.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no curves, values of another shape, or an axis that is none.

    Example:

    >>> figure = plot_curves({"seen": [1, 2, 4]}, "step", "distance", log="y", lines={"two": 2})
    >>> figure.axes[0].get_yscale(), len(figure.axes[0].get_lines())
    ('log', 2)
    """
    if not isinstance(curves, dict) or not curves:
        raise ValueError(f"`curves` must be a dict of values; received {curves!r}.")
    if not isinstance(log, str) or set(log) - {"x", "y"}:
        raise ValueError(f'`log` must be "", "x", "y" or "xy"; received {log!r}.')
    figure = new_figure((8.0, 4.4))
    axes = figure.subplots()
    for i, (name, values) in enumerate(curves.items()):
        values = np.asarray(values, "float64")
        places = np.arange(values.shape[-1]) if x is None else np.asarray(x)
        if values.ndim not in (1, 2) or values.shape[-1:] != places.shape:
            raise ValueError(
                f"`curves` must have values ({len(places)},) or (runs, {len(places)}); received "
                f"the shape {values.shape} for {name!r}."
            )
        color, marker = COLORS[i % 7], MARKERS[i % 7]
        look = {"color": color, "marker": marker, "linestyle": DASHES[i % 4], "markersize": 7}
        look["markerfacecolor"] = color if i < 7 else "white"  # the second round of colours
        mean = values if values.ndim == 1 else values.mean(axis=0)
        every = max(1, len(places) // 10)
        axes.plot(places, mean, label=str(name), markevery=every, **look)
        if values.ndim == 2:
            for run in values:
                axes.plot(places, run, marker, color=color, markersize=4, alpha=0.6)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    for axis in log:
        axes.set(**{f"{axis}scale": "log"})
    if x is not None and len(places) <= 12:
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
    if limits is not None:
        axes.set_ylim(*limits)
    level_lines(axes, lines)
    tidy(axes)
    if lines or len(curves) > 1:
        figure.legend(loc="outside right center", frameon=False)
    return finished(figure, title, save)
