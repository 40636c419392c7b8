"""The figure of results over seeds: bars of means, and a point for each run."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import (
    COLORS,
    finished,
    legend_above,
    level_lines,
    new_figure,
    tidy,
)
from keras_seq.experiments.runner import filled

HATCHES = ("", "//", "..", "xx", "\\\\", "++", "**")


def plot_seeds(
    results: dict[Any, Any],
    label: str = "accuracy",
    lines: dict[str, float] | None = None,
    series: Iterable[Any] | None = None,
    log: bool = False,
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw results of several seeds: a bar is their mean, a black point one run.

    Args:
        results: a dict from a name to the results of its seeds, or from a name to a dict from a
            series to them: then the series stand side by side, told apart by colour and hatching.
        label: what the numbers are, on the axis.
        series: names of the series to draw; all where `None`.
        lines: a dict from a name to a number, such as `{"chance": 0.5}`: level lines.
        log: whether the axis is logarithmic.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, and for series that are not in them.

    Example:

    >>> figure = plot_seeds({"lstm": [0.9, 1.0], "gru": [0.8, 0.9]}, lines={"chance": 0.1})
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['lstm', 'gru']
    """
    filled("results", list(results))
    nested = {
        name: runs if isinstance(runs, dict) else {"": runs} for name, runs in results.items()
    }
    known = list(dict.fromkeys(key for runs in nested.values() for key in runs))
    series = known if series is None else list(series)
    if not series or set(series) - set(known):
        raise ValueError(f"`series` must be some of {known}; received {series}.")
    figure = new_figure((max(6.4, 2.0 + 0.55 * len(nested) * (1 + len(series))), 4.4))
    axes = figure.subplots()
    width = 0.8 / len(series)
    for i, key in enumerate(series):
        places = np.arange(len(nested)) + (i - (len(series) - 1) / 2) * width
        values = [np.ravel(runs.get(key, [np.nan])).astype("float64") for runs in nested.values()]
        look = {"color": COLORS[i % 7], "hatch": HATCHES[i % 7], "edgecolor": "white"}
        axes.bar(places, [run.mean() for run in values], 0.92 * width, label=key or None, **look)
        for place, run in zip(places, values, strict=True):
            axes.plot([place] * len(run), run, "o", color="black", markersize=4.5)
    level_lines(axes, lines)
    axes.set_xticks(range(len(nested)), [str(name) for name in nested])
    axes.set_ylabel(label)
    if log:
        axes.set_yscale("log")
    tidy(axes)
    if lines or any(series):
        legend_above(figure, loc="outside upper center")
    return finished(figure, title, save)
