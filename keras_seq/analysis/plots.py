"""Figures of curves: every function returns a matplotlib figure, and writes it to `save`."""

import itertools
from collections.abc import Sequence
from typing import Any

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import COLORS, GREY, MARKERS, finished, legend_above, new_figure

LABELS = {"bleu": "BLEU", "chrf": "chrF", "exact_match": "exact match"}


def plot_history(
    history: Any,
    metrics: Sequence[str] | None = None,
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw the training curves.

    Args:
        history: what `fit` returned, or its `history` dict.
        metrics: the names to draw, one panel each, with `val_...` beside; all where `None`.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if a metric is not in the history, or there is none.

    Example:

    >>> figure = plot_history({"loss": [2.0, 1.0], "val_loss": [2.1, 1.3]})
    >>> figure.axes[0].get_ylabel()
    'loss'
    """
    values = getattr(history, "history", history)
    if metrics is None:
        metrics = [name for name in values if not name.startswith("val_")]
    missing = [name for name in metrics if name not in values]
    if missing:
        raise ValueError(f"The history has {', '.join(values)}; it has no {', '.join(missing)}.")
    if not metrics:
        raise ValueError("There must be at least one metric to draw; received none.")
    figure = new_figure((4.2 * len(metrics), 3.2))
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, name in zip(panels, metrics, strict=True):
        epochs = range(1, len(values[name]) + 1)
        axes.plot(epochs, values[name], marker="o", color=COLORS[0], label="training")
        if f"val_{name}" in values:
            validation = values[f"val_{name}"]
            axes.plot(epochs, validation, marker="s", color=COLORS[1], label="validation")
            axes.legend(frameon=False)
        if name in ("loss", "perplexity"):
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel(name.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True)
    return finished(figure, title, save)


def plot_score_by_length(
    results: Any,
    metrics: Sequence[str] = ("bleu", "chrf", "exact_match"),
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw scores over the length of the source, of one model or of several.

    A point is a bin, at the mean length of its texts, and the thin line through it goes from the
    shortest to the longest. The number of texts in each bin stands in a panel below.

    Args:
        results: what `score_by_length` returned, or a dict from a name to that.
        metrics: which scores to draw, one panel each.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, no metrics, or a metric that is not in them.

    Example:

    >>> row = {"shortest": 1, "longest": 9, "mean_length": 4.5, "count": 80, "bleu": 31.5}
    >>> figure = plot_score_by_length({"mine": [row]}, metrics=["bleu"])
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['BLEU', 'texts']
    """
    named = results if isinstance(results, dict) else {"": results}
    _check_rows(named, metrics)
    figure, panels, below = _panels_over_counts(len(metrics))
    looks = zip(itertools.cycle(COLORS), itertools.cycle(MARKERS), strict=True)
    for (name, rows), (color, marker) in zip(named.items(), looks, strict=False):
        for axes, metric in zip(panels, metrics, strict=True):
            _score_line(axes, rows, metric, color=color, marker=marker, label=name)
    counts = [_count_bars(rows) for rows in named.values()]
    if all(bars == counts[0] for bars in counts):
        below.bar(**counts[0], align="edge", color=GREY, edgecolor="white")
    else:
        for bars, color in zip(counts, itertools.cycle(COLORS), strict=False):
            below.bar(**bars, align="edge", fill=False, edgecolor=color)
    for axes, metric in zip(panels, metrics, strict=True):
        axes.set_ylabel(LABELS.get(metric, metric.replace("_", " ")))
        highest = max(row[metric] for rows in named.values() for row in rows)
        axes.set_ylim(0, 1.05 * highest or 1.0)
    if isinstance(results, dict):
        legend_above(panels[0], loc="lower left", bbox_to_anchor=(0, 1))
    below.set_xlabel("length of the source in tokens")
    return finished(figure, title, save)


def plot_exposure_bias(
    result: dict[str, Any], title: str | None = None, save: PathLike | None = None
) -> Figure:
    """Draw how often a token is right at each place, after right tokens and after the model's own.

    The number of texts that reach a place stands in a panel below: where it is small, the curves
    say little.

    Args:
        result: what `exposure_bias` returned.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for anything else.

    Example:

    >>> forced, free = ({"accuracy": [0.9, last], "bleu": last} for last in (0.8, 0.5))
    >>> result = {"counts": [7, 5], "teacher_forced": forced, "free_running": free}
    >>> [axes.get_ylabel() for axes in plot_exposure_bias(result).axes]
    ['token accuracy', 'texts']
    """
    sides = ("teacher_forced", "free_running")
    if not isinstance(result, dict) or {"counts", *sides} - set(result):
        raise ValueError(f"`result` must be what `exposure_bias` returned; received {result!r}.")
    figure, (axes,), below = _panels_over_counts(1)
    places = range(1, len(result["counts"]) + 1)
    fed = {"teacher_forced": "right tokens fed", "free_running": "own tokens fed"}
    for side, color, marker in zip(sides, COLORS, MARKERS, strict=False):
        label = f"{fed[side]} (BLEU {result[side]['bleu']:.1f})"
        accuracy = result[side]["accuracy"]
        axes.plot(places, accuracy, color=color, marker=marker, markersize=4, label=label)
    below.bar(places, result["counts"], width=0.8, color=GREY)
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("token accuracy")
    legend_above(axes, loc="lower left", bbox_to_anchor=(0, 1))
    below.set_xlabel("place in the target")
    return finished(figure, title, save)


def _check_rows(named, metrics):
    """Raise a `ValueError` unless all results have rows with all metrics."""
    if not named or not metrics or isinstance(metrics, str):
        raise ValueError(
            "There must be results and a list of metrics; received "
            f"{len(named)} results and metrics={metrics!r}."
        )
    needed = {"shortest", "longest", "mean_length", "count", *metrics}
    for rows in named.values():
        for row in rows or [{}]:
            missing = sorted(needed - set(row))
            if missing:
                raise ValueError(
                    "Results must be lists of dicts as `score_by_length` returns them; "
                    f"{', '.join(missing)} missing in {row!r}."
                )


def _panels_over_counts(number):
    """`(figure, panels, panel of counts)`, one below the other, with one axis of lengths."""
    heights = [2.4] * number + [0.9]
    figure = new_figure((6.0, sum(heights) + 0.6))
    *panels, below = figure.subplots(number + 1, sharex=True, height_ratios=heights)
    for axes in panels:
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    for axes in (*panels, below):
        axes.spines[["top", "right"]].set_visible(False)
    below.set_ylabel("texts")
    below.xaxis.get_major_locator().set_params(integer=True)
    return figure, panels, below


def _score_line(axes, rows, metric, color, marker, label):
    """One curve, each point with the reach of its bin."""
    middles = [row["mean_length"] for row in rows]
    scores = [row[metric] for row in rows]
    ends = [row["shortest"] for row in rows], [row["longest"] for row in rows]
    axes.hlines(scores, *ends, color=color, linewidth=0.8, alpha=0.6)
    axes.plot(middles, scores, color=color, marker=marker, label=label, clip_on=False)


def _count_bars(rows):
    """The bars of how many texts there are in each bin, as `Axes.bar` takes them."""
    return {
        "x": [row["shortest"] - 0.5 for row in rows],
        "width": [row["longest"] - row["shortest"] + 1 for row in rows],
        "height": [row["count"] for row in rows],
    }
