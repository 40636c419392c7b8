"""The figures of experiments: scores and costs, accuracy by length, gradients."""

import numpy as np

from keras_seq.analysis.drawing import (
    COLORS,
    GREY,
    MARKERS,
    finished,
    import_matplotlib,
    new_figure,
    tidy,
)
from keras_seq.experiments.runner import filled

# The scores share the first panel; the others are on a logarithmic axis.
SCORES = {"accuracy": "accuracy", "macro_f1": "macro F1"}
COSTS = {
    "training_seconds": "seconds of training",
    "seconds_per_1000": "seconds for 1,000 texts",
    "memory": "memory (MiB)",
    "parameters": "parameters",
}


def plot_comparison(results, title=None, save=None):
    """Draw the table of `experiments.compare`: scores and costs of each architecture, side by side.

    The first panel has accuracy and macro F1 on the test part; the others seconds of training,
    seconds for 1,000 texts, memory and parameters, on logarithmic axes. A small point is one run, a
    large one the mean over the seeds. What no run knows has no panel.

    Args:
        results: what `experiments.compare` returned.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, or those of `experiments.compare_memory`.

    Example:

    >>> result = {"name": "lstm", "accuracy": 0.8, "macro_f1": 0.8, "training_seconds": 30.0,
    ...           "seconds_per_1000": 0.2, "memory": None, "parameters": 12_000}
    >>> [axes.get_xlabel() for axes in plot_comparison([result]).axes]
    ['score', 'seconds of training', 'seconds for 1,000 texts', 'parameters']
    """
    if not results or any("length" in result for result in results):
        raise ValueError(
            "`results` must be those of `experiments.compare`; received "
            + (f"{results[0]!r}. Is it for `plot_memory_comparison`?" if results else "none.")
        )
    names = list(dict.fromkeys(result["name"] for result in results))
    costs = [key for key in COSTS if any(result.get(key) is not None for result in results)]
    scale = import_matplotlib().rcParams["font.size"] / 10  # larger letters need more room
    size = 3.4 + 2.1 * len(costs), 1.3 + 0.34 * len(names)
    figure = new_figure([scale * side for side in size])
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
        values = [result[key] for result in results if result["name"] == name]
        values = [value for value in values if value is not None]
        if not values:
            continue
        look = {"color": color, "linestyle": "none", "marker": marker}
        if len(values) > 1:
            axes.plot(values, [place + shift] * len(values), markersize=3, alpha=0.5, **look)
        axes.plot([np.mean(values)], [place + shift], markersize=6.5, label=label, **look)
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
        results: what `experiments.compare_memory` returned.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no results, or those of `experiments.compare`.

    Example:

    >>> result = {"name": "lstm", "length": 10, "accuracy": 0.9, "chance": 0.1, "best": 1.0}
    >>> (axes,) = plot_memory_comparison([result, {**result, "length": 20}]).axes
    >>> axes.get_xlabel(), axes.get_ylabel(), len(axes.get_lines())
    ('length', 'accuracy', 3)
    """
    if not results or any("length" not in result for result in results):
        raise ValueError(
            "`results` must be those of `experiments.compare_memory`; received "
            + (f"{results[0]!r}. Is it for `plot_comparison`?" if results else "none.")
        )
    figure = new_figure((7.6, 4.0))
    axes = figure.subplots()
    tidy(axes)
    for name, look in _looks(results, "name").items():
        of_name = [result for result in results if result["name"] == name]
        lengths, means = _over_lengths(of_name, "accuracy")
        axes.plot(lengths, means, label=name.replace("_", " "), **look)
        if len(of_name) > len(lengths):
            points = {**look, "linestyle": "none", "markersize": 3, "alpha": 0.5}
            axes.plot(*([run[key] for run in of_name] for key in ("length", "accuracy")), **points)
    for key, style in (("best", "--"), ("chance", ":")):
        label = {"best": "best possible"}.get(key, key)
        axes.plot(*_over_lengths(results, key), style, color="black", linewidth=1.0, label=label)
    _length_axis(axes, results)
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1.05)
    axes.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return finished(figure, title, save)


def plot_gradient_experiment(runs, title=None, save=None):
    """Draw how much of the gradient arrives, before and after training, and what was learnt.

    The upper panels have the gradient at each step divided by that at the last one, for the longest
    task: the geometric mean over the seeds. The lower panel has the score of every seed, over the
    lengths where there are several, with chance as a dotted line.

    Args:
        runs: what `gradient_experiment` returned.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for no runs.

    Example:

    >>> run = {"cell": "lstm", "length": 3, "score": 1.0, "chance": 0.1, "metric": "accuracy",
    ...        "start_flow": [1e-3, 0.1, 1.0], "end_flow": [0.5, 0.5, 1.0]}
    >>> [axes.get_ylabel() for axes in plot_gradient_experiment([run]).axes]
    ['gradient, by that of the last step', '', 'accuracy']
    """
    filled("runs to draw", runs)
    looks = _looks(runs, "cell")
    figure = new_figure((8.4, 6.4))
    before, after, scores = _panels(figure)
    longest = max(run["length"] for run in runs)
    of_longest = [run for run in runs if run["length"] == longest]
    for axes, key, name in (
        (before, "start_flow", f"before training, length {longest}"),
        (after, "end_flow", "after training"),
    ):
        _flows(axes, of_longest, key, looks)
        axes.set_title(name, fontsize="medium")
    before.set_ylabel("gradient, by that of the last step")
    _scores(scores, runs, looks)
    before.legend(frameon=False, fontsize="small")
    return finished(figure, title, save)


def _panels(figure):
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.1, 1])
    before, after = upper.subplots(1, 2, sharey=True)
    scores = lower.subplots()
    for axes in (before, after, scores):
        tidy(axes)
    for axes in (before, after):
        axes.set_yscale("log")
        axes.set_xlabel("time step")
    return before, after, scores


def _flows(axes, runs, key, looks):
    for name, look in looks.items():
        flows = np.array([run[key] for run in runs if run["cell"] == name], "float64")
        if not flows.size:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(flows / flows[:, -1:])
        logs[~np.isfinite(logs)] = np.nan
        known = np.isfinite(logs).any(axis=0)
        curve = np.full(flows.shape[1], np.nan)
        curve[known] = np.exp(np.nanmean(logs[:, known], axis=0))
        every = max(1, len(curve) // 8)
        steps = np.arange(1, len(curve) + 1)
        axes.plot(steps, curve, markersize=4, markevery=every, label=name, **look)


def _scores(axes, runs, looks):
    several = len({run["length"] for run in runs}) > 1
    for i, (name, look) in enumerate(looks.items()):
        finite = [run for run in runs if run["cell"] == name and np.isfinite(run["score"])]
        places = [run["length"] if several else i for run in finite]
        points = {**look, "linestyle": "none", "alpha": 0.6}
        axes.plot(places, [run["score"] for run in finite], **points)
        if several:
            axes.plot(*_over_lengths(finite, "score"), color=look["color"])
    if several:
        _length_axis(axes, runs)
    else:
        axes.set_xticks(range(len(looks)), list(looks))
    accuracy = runs[0]["metric"] == "accuracy"
    axes.set_ylabel("accuracy" if accuracy else "mean squared error")
    if accuracy:
        axes.set_ylim(0, 1.05)
    else:
        axes.set_yscale("log")
    axes.axhline(runs[0]["chance"], color="black", linewidth=0.8, linestyle=":")


def _looks(runs, key):
    """Colour and marker of each architecture or cell; the eighth is the first, drawn hollow."""
    looks = {}
    for i, name in enumerate(dict.fromkeys(run[key] for run in runs)):
        looks[name] = {"color": COLORS[i % 7], "marker": MARKERS[i % 7]}
        if i >= 7:
            looks[name]["markerfacecolor"] = "white"
    return looks


def _over_lengths(runs, key):
    """The lengths, and the mean of `key` at each of them."""
    lengths = sorted({run["length"] for run in runs})
    return lengths, [np.mean([run[key] for run in runs if run["length"] == x]) for x in lengths]


def _length_axis(axes, runs):
    lengths = sorted({run["length"] for run in runs})
    axes.set_xscale("log")
    axes.set_xticks(lengths, map(str, lengths))
    axes.minorticks_off()
    axes.set_xlabel("length")
