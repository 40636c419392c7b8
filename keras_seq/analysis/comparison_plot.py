"""The figures of a comparison of architectures: what each gives and takes, how far it remembers."""

import numpy as np

from keras_seq.analysis.drawing import COLORS, GREY, MARKERS, finished, new_figure, tidy

# The scores share the first panel; the others are on a logarithmic axis.
SCORES = {"accuracy": "accuracy", "macro_f1": "macro F1"}
COSTS = {
    "training_seconds": "seconds of training",
    "seconds_per_1000": "seconds for 1,000 texts",
    "memory": "memory (MiB)",
    "parameters": "parameters",
}


def plot_comparison(results, title=None, save=None):
    """Draw the table of `models.compare`: scores and costs of each architecture, side by side.

    The first panel has accuracy and macro F1 on the test part; the others seconds of training,
    seconds for 1,000 texts, memory and parameters, on logarithmic axes. A small point is one run, a
    large one the mean over the seeds. What no run knows has no panel.

    Args:
        results: what `models.compare` returned.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, or those of `models.compare_memory`.

    Example:

    >>> result = {"name": "lstm", "accuracy": 0.8, "macro_f1": 0.8, "training_seconds": 30.0,
    ...           "seconds_per_1000": 0.2, "memory": None, "parameters": 12_000}
    >>> [axes.get_xlabel() for axes in plot_comparison([result]).axes]
    ['score', 'seconds of training', 'seconds for 1,000 texts', 'parameters']
    """
    if not results or any("length" in result for result in results):
        raise ValueError(
            "Expected the results of `models.compare`; received "
            + (f"{results[0]!r}. Is it for `plot_memory_comparison`?" if results else "none.")
        )
    names = list(dict.fromkeys(result["name"] for result in results))
    costs = [key for key in COSTS if any(result.get(key) is not None for result in results)]
    figure = new_figure((3.4 + 2.1 * len(costs), 1.3 + 0.34 * len(names)))
    widths = [1.5, *[1] * len(costs)]
    scores, *panels = figure.subplots(1, 1 + len(costs), sharey=True, width_ratios=widths)
    for i, (key, label) in enumerate(SCORES.items()):
        shift = (-0.12, 0.12)[i]
        _points(scores, results, names, key, COLORS[i], MARKERS[i], shift, label)
    scores.set_xlabel("score")
    scores.legend(frameon=False, fontsize="small", ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    for axes, key in zip(panels, costs, strict=True):
        _points(axes, results, names, key, GREY, "o", 0.0)
        _logarithmic(axes, [result[key] for result in results if result.get(key)])
        axes.set_xlabel(COSTS[key])
    for axes in (scores, *panels):
        tidy(axes)
    scores.margins(x=0.1)
    scores.set_ylim(-0.5, len(names) - 0.5)
    scores.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    scores.invert_yaxis()
    return finished(figure, title, save)


def _points(axes, results, names, key, color, marker, shift, label=None):
    """The runs of each architecture as small points, their mean as a large one."""
    for place, name in enumerate(names):
        own = [result[key] for result in results if result["name"] == name]
        own = [value for value in own if value is not None]
        if not own:
            continue
        look = {"color": color, "linestyle": "none", "marker": marker}
        if len(own) > 1:
            axes.plot(own, [place + shift] * len(own), markersize=3, alpha=0.5, **look)
        axes.plot([np.mean(own)], [place + shift], markersize=6.5, label=label, **look)
        label = None  # one entry of the legend


def _logarithmic(axes, values):
    """A logarithmic axis over the values, of a decade at least, with short numbers."""
    from matplotlib.ticker import LogLocator

    lowest, highest = min(values) / 1.5, 1.5 * max(values)
    widen = max(1.0, 10 * lowest / highest) ** 0.5
    axes.set_xscale("log")
    axes.set_xlim(lowest / widen, highest * widen)
    close = highest * widen < 100 * lowest / widen  # one decade alone may have a single power of 10
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if close else (1.0,), numticks=6))
    axes.xaxis.set_major_formatter(lambda value, _: _short(value))
    axes.xaxis.set_minor_formatter(lambda value, _: "")


def _short(value):
    """A number with k for thousands and M for millions."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def plot_memory_comparison(results, title=None, save=None):
    """Draw accuracy over length, a line for each architecture.

    A line is the mean over the seeds, a small point one run. Chance is a dotted line, the best
    possible accuracy a dashed one.

    Args:
        results: what `models.compare_memory` returned.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, or those of `models.compare`.

    Example:

    >>> result = {"name": "lstm", "length": 10, "accuracy": 0.9, "chance": 0.1, "best": 1.0}
    >>> (axes,) = plot_memory_comparison([result, {**result, "length": 20}]).axes
    >>> axes.get_xlabel(), axes.get_ylabel(), len(axes.get_lines())
    ('length', 'accuracy', 3)
    """
    if not results or any("length" not in result for result in results):
        raise ValueError(
            "Expected the results of `models.compare_memory`; received "
            + (f"{results[0]!r}. Is it for `plot_comparison`?" if results else "none.")
        )
    lengths = sorted({result["length"] for result in results})
    figure = new_figure((7.6, 4.0))
    axes = figure.subplots()
    tidy(axes)
    for i, name in enumerate(dict.fromkeys(result["name"] for result in results)):
        own = [result for result in results if result["name"] == name]
        look = {"color": COLORS[i % 7], "marker": MARKERS[i % 7]}
        known, means, several = _over_lengths(own, "accuracy")
        # The eighth line has the colour of the first: it is drawn hollow.
        inside = {} if i < 7 else {"markerfacecolor": "white"}
        axes.plot(known, means, label=name.replace("_", " "), **look, **inside)
        if several:
            places, values = ([run[key] for run in own] for key in ("length", "accuracy"))
            axes.plot(places, values, linestyle="none", markersize=3, alpha=0.5, **look)
    for key, style in (("best", "--"), ("chance", ":")):
        known, means, _ = _over_lengths(results, key)
        label = {"best": "best possible"}.get(key, key)
        axes.plot(known, means, style, color="black", linewidth=1.0, label=label)
    axes.set_xscale("log")
    axes.set_xticks(lengths, map(str, lengths))
    axes.minorticks_off()
    axes.set_xlabel("length")
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1.05)
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return finished(figure, title, save)


def _over_lengths(results, key):
    """The lengths, the mean at each, and whether there are several runs of one length."""
    groups = {}
    for result in results:
        groups.setdefault(result["length"], []).append(result[key])
    known = sorted(groups)
    return known, [np.mean(groups[length]) for length in known], len(results) > len(known)
