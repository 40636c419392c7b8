"""The figure of `gradient_experiment`."""

import numpy as np

from keras_seq.analysis.drawing import COLORS, MARKERS, finished, new_figure, tidy


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
    if not runs:
        raise ValueError("There must be runs to draw; received none.")
    cells = list(dict.fromkeys(run["cell"] for run in runs))
    looks = {name: (COLORS[i % 7], MARKERS[i % 7]) for i, name in enumerate(cells)}
    figure = new_figure((8.4, 6.4))
    before, after, scores = _panels(figure)
    longest = max(run["length"] for run in runs)
    of_longest = [run for run in runs if run["length"] == longest]
    for axes, which, name in (
        (before, "start_flow", f"before training, length {longest}"),
        (after, "end_flow", "after training"),
    ):
        _flows(axes, of_longest, which, looks)
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


def _flows(axes, runs, which, looks):
    for name, (color, marker) in looks.items():
        flows = np.array([run[which] for run in runs if run["cell"] == name], "float64")
        if not flows.size:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(flows / flows[:, -1:])
        logs[~np.isfinite(logs)] = np.nan
        known = np.isfinite(logs).any(axis=0)
        curve = np.full(flows.shape[1], np.nan)
        curve[known] = np.exp(np.nanmean(logs[:, known], axis=0))
        every = max(1, len(curve) // 8)
        axes.plot(
            np.arange(1, len(curve) + 1),
            curve,
            color=color,
            marker=marker,
            markersize=4,
            markevery=every,
            label=name,
        )


def _scores(axes, runs, looks):
    lengths = sorted({run["length"] for run in runs})
    several = len(lengths) > 1
    for i, (name, (color, marker)) in enumerate(looks.items()):
        own = [run for run in runs if run["cell"] == name and np.isfinite(run["score"])]
        places = [run["length"] if several else i for run in own]
        values = [run["score"] for run in own]
        axes.plot(places, values, marker, color=color, alpha=0.6, linestyle="none")
        if several:
            known = sorted(set(places))
            means = [
                np.mean([v for p, v in zip(places, values, strict=True) if p == x]) for x in known
            ]
            axes.plot(known, means, color=color)
    if several:
        axes.set_xscale("log")
        axes.set_xticks(lengths, map(str, lengths))
        axes.minorticks_off()
        axes.set_xlabel("length")
    else:
        axes.set_xticks(range(len(looks)), list(looks))
    accuracy = runs[0]["metric"] == "accuracy"
    axes.set_ylabel("accuracy" if accuracy else "mean squared error")
    if accuracy:
        axes.set_ylim(0, 1.05)
    else:
        axes.set_yscale("log")
    axes.axhline(runs[0]["chance"], color="black", linewidth=0.8, linestyle=":")
