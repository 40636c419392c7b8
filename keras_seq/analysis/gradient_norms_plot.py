"""The figure of gradient norms over the training."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import COLORS, GREY, MARKERS, finished, new_figure

TOTAL, CLIPPED = "gradient_norm", "clipped_gradient_norm"
SIGNS = {"vanishing": "v", "exploding": "^", "not finite": "X"}


def plot_gradient_norms(
    norms: Any,
    layers: Sequence[str] | None = None,
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw the norms of the gradients over the steps, or the epochs, on a logarithmic scale.

    The thick line is the norm of all gradients together before clipping, the broken one after it,
    where that is another; the others are those of the layers, or of the weights. Norms of 0, which
    have no place on the scale, and such that are not finite leave a gap. Large signs mark where a
    gradient vanished or exploded, and lines where it was not finite.

    Args:
        norms: a `GradientNorms` callback after `fit`: over its steps where it kept them, over its
            epochs otherwise. Or what `fit` returned, or a `history` dict, over the epochs.
        layers: the names of the layers or weights to draw, as in the logs behind `gradient_norm/`;
            all where `None`, none for an empty list.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if there are no norms, or none of a layer that was asked for.

    Example:

    >>> history = {"gradient_norm": [2.0, 0.1], "gradient_norm/lstm": [1e-3, 1e-7]}
    >>> figure = plot_gradient_norms(history)
    >>> figure.axes[0].get_yscale(), figure.axes[0].get_xlabel()
    ('log', 'epoch')
    """
    numbers, x, by_step = _numbers(norms)
    layers = _chosen(numbers, layers)
    figure = new_figure((7.2, 3.8))
    axes = figure.subplots()
    axes.set_yscale("log")
    looks = zip(itertools.cycle(COLORS[:-1]), itertools.cycle(MARKERS), strict=False)
    every = max(1, len(x) // 12)
    for k, (layer, (color, marker)) in enumerate(zip(layers, looks, strict=False)):
        values, start = _drawable(numbers[f"{TOTAL}/{layer}"]), k * every // max(1, len(layers))
        style = {"color": color, "marker": marker, "markevery": (start, every), "markersize": 5}
        axes.plot(x, values, linewidth=1.2, label=layer, **style)
    total = _drawable(numbers[TOTAL])
    axes.plot(x, total, color=COLORS[-1], linewidth=2.4, label="all together", zorder=1)
    clipped = _drawable(numbers.get(CLIPPED, total))
    if not np.allclose(clipped, total, rtol=1e-3, equal_nan=True):
        kept = np.isfinite(clipped)  # where gradients are accumulated, not every step updates
        axes.plot(x[kept], clipped[kept], color=GREY, linestyle="--", label="after clipping")
    _mark(axes, getattr(norms, "events", []), by_step)
    axes.set_xlabel("step" if by_step else "epoch")
    axes.set_ylabel("norm of the gradient")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return finished(figure, title, save)


def _numbers(norms):
    """`(dict of lists, x, whether x counts steps)`."""
    steps = getattr(norms, "steps", None)
    numbers = norms.norms if steps else getattr(norms, "history", norms)
    if not isinstance(numbers, dict) or not len(numbers.get(TOTAL, ())):
        raise ValueError(
            f"There must be norms under {TOTAL!r}, from a GradientNorms that has seen a training, "
            f"or its history; received {numbers!r:.100}."
        )
    epochs = getattr(norms, "epochs", range(1, len(numbers[TOTAL]) + 1))
    x = np.array(steps or epochs)
    return numbers, x, bool(steps)


def _chosen(numbers, layers):
    """The names to draw, all of which are there."""
    known = [name.partition("/")[2] for name in numbers if name.startswith(f"{TOTAL}/")]
    if layers is None:
        return known
    if isinstance(layers, str) or set(layers) - set(known):
        raise ValueError(
            f"`layers` must be a list of some of {', '.join(known) or 'no layers'}; received "
            f"{layers!r}."
        )
    return list(layers)


def _drawable(values):
    """The values with NaN for what has no place on a logarithmic scale."""
    values = np.asarray(values, "float64")
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _mark(axes, events, by_step):
    """A sign where a gradient vanished or exploded, and a line where it was not finite."""
    named = set()
    for event in events:
        place, kind = event["step" if by_step else "epoch"], event["kind"]
        label = None if kind in named else kind
        named.add(kind)
        if np.isfinite(event["norm"]):
            style = {"color": "white", "edgecolor": "black", "s": 90, "zorder": 3}
            axes.scatter([place], [event["norm"]], marker=SIGNS[kind], label=label, **style)
        else:
            axes.axvline(place, color="black", linestyle=":", linewidth=1.6, label=label)
