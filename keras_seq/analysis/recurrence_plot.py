"""The figure of `linear_recurrence` and `tanh_recurrence`."""

import itertools
from typing import Any

import numpy as np

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import COLORS, GREY, MARKERS, finished, new_figure

PANELS = {
    "norms": r"state norm $\|h_t\|$",
    "gradient_norms": r"gradient norm $\|\partial L / \partial h_t\|$",
}


def plot_recurrence(
    results: dict[str, Any], title: str | None = None, save: PathLike | None = None
) -> Figure:
    """Draw how states and gradients vanish or explode over the steps, on a log scale.

    The gradient goes from right to left. The dotted line is a norm of 1. Norms of 0, and those
    beyond the range of float64, have no point.

    Args:
        results: what `linear_recurrence` or `tanh_recurrence` returned, or a dict from a name to
            that.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, or anything else.

    Example:

    >>> from keras_seq.analysis import linear_recurrence, tanh_recurrence
    >>> figure = plot_recurrence({
    ...     "linear": linear_recurrence([[1.5]], 30), "tanh": tanh_recurrence([[1.5]], 30)
    ... })
    >>> [axes.get_yscale() for axes in figure.axes]
    ['log', 'log']
    """
    named = {"": results} if isinstance(results, dict) and "norms" in results else results
    _check(named)
    figure = new_figure((8.4, 3.4))
    figure.get_layout_engine().set(wspace=0.06)
    panels = figure.subplots(1, len(PANELS))
    for axes, (key, label) in zip(panels, PANELS.items(), strict=True):
        axes.set_yscale("log")
        axes.axhline(1.0, color=GREY, linestyle=":", linewidth=1)
        looks = zip(itertools.cycle(COLORS), itertools.cycle(MARKERS), strict=True)
        for (name, result), (color, marker) in zip(named.items(), looks, strict=False):
            norms = np.array(result[key], "float64")
            norms[~(np.isfinite(norms) & (norms > 0))] = np.nan
            every = max(1, len(norms) // 10)
            look = {"color": color, "marker": marker, "markersize": 4, "markevery": every}
            radius = f"spectral radius {result['spectral_radius']:.3g}"
            axes.plot(norms, label=f"{name}, {radius}" if name else radius, **look)
        axes.set_xlabel("step $t$")
        axes.set_ylabel(label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return finished(figure, title, save)


def _check(named):
    needed = {*PANELS, "spectral_radius"}
    if not isinstance(named, dict) or not named:
        raise ValueError(f"`results` must be one result or a dict of them; received {named!r}.")
    for name, result in named.items():
        if not isinstance(result, dict) or needed - set(result):
            raise ValueError(
                "Each result must be what `linear_recurrence` or `tanh_recurrence` returned, with "
                f"{', '.join(sorted(needed))}; received {result!r} for {name!r}."
            )
