"""Figures of gradients, gates and Jacobians: each returns a matplotlib figure, see `plots`."""

import numpy as np

from keras_seq.analysis.activations import Activations
from keras_seq.analysis.connectivity import Connectivity
from keras_seq.analysis.drawing import COLORS, MARKERS, finished, new_figure, visible

LEAST = 1e-45  # below the least float32 there is nothing to draw on a log scale
MOST_TOKENS = 60


def plot_gradient_flow(flows, title=None, save=None):
    """Draw the norm of the gradient at every time step, on a log scale.

    Args:
        flows: what `gradient_flow` returned; or a dict from a name (of a cell, a length) to such a
            result or to one array of it, to compare several. A norm of 0 is a gap.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: where there is nothing to draw.

    Example:

    >>> figure = plot_gradient_flow({"lstm": [1e-9, 1e-4, 1.0]})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    curves = _curves(flows)
    figure = new_figure((6.4, 3.8))
    axes = figure.subplots()
    for i, (name, norms) in enumerate(curves.items()):
        steps = np.arange(1, len(norms) + 1)
        axes.plot(
            steps,
            np.where(norms > LEAST, norms, np.nan),
            color=COLORS[i % len(COLORS)],
            marker=MARKERS[i % len(MARKERS)],
            markevery=max(1, len(norms) // 12),
            markersize=4,
            label=name,
        )
    axes.set_yscale("log")
    axes.set_xlabel("time step")
    axes.set_ylabel("norm of the gradient, ‖∂L/∂h‖")
    _tidy(axes)
    axes.legend(frameon=False, fontsize="small")
    return finished(figure, title, save)


def _curves(flows):
    """A flat dict from a name to an array, of one or several results."""
    curves = {}
    for name, flow in dict(flows).items():
        if isinstance(flow, dict):
            curves |= {f"{name}: {layer}": np.asarray(norms) for layer, norms in flow.items()}
        else:
            curves[name] = np.asarray(flow, "float64")
    if not curves or any(norms.ndim != 1 or not norms.size for norms in curves.values()):
        shapes = {name: norms.shape for name, norms in curves.items()}
        raise ValueError(f"There must be arrays (time,) to draw; received {shapes}.")
    return curves


def plot_gradient_heatmap(callback, layers=None, title=None, save=None):
    """Draw the norm of the gradient over time steps and training, as a heat map a layer.

    Args:
        callback: a `callbacks.GradientFlow` after `fit`; or a pair of its `flows` and `times`.
        layers: names of the layers to draw; all where `None`.
        title, save: as in `plot_gradient_flow`.

    Returns:
        A `matplotlib.figure.Figure`. The colours are a log scale, the same in all panels; a norm
        of 0, and steps that are masked in all rows, are white.

    Raises:
        ValueError: where there is nothing to draw, or for an unknown layer.

    Example:

    >>> flows = {"lstm": np.array([[1e-3, 1.0], [1e-2, 0.5]])}
    >>> figure = plot_gradient_heatmap((flows, [0, 1]))
    >>> figure.axes[0].get_xlabel()
    'time step'
    """
    flows, times = callback if isinstance(callback, tuple) else (callback.flows, callback.times)
    per = getattr(callback, "per", "epoch")
    layers = list(flows) if layers is None else list(layers)
    unknown = [name for name in layers if name not in flows]
    if not layers or unknown:
        raise ValueError(f"There must be layers of {list(flows)} to draw; received {layers}.")
    from matplotlib.colors import LogNorm

    values = np.concatenate([np.ravel(flows[name]) for name in layers])
    values = values[values > LEAST]
    scale = LogNorm(values.min(), values.max()) if values.size else None
    figure = new_figure((1.6 + 3.6 * len(layers), 3.6))
    panels = figure.subplots(1, len(layers), squeeze=False)[0]
    for axes, name in zip(panels, layers, strict=True):
        norms = np.asarray(flows[name])
        image = axes.imshow(
            np.where(norms > LEAST, norms, np.nan),
            aspect="auto",
            origin="lower",
            norm=scale,
            cmap="cividis",
            interpolation="nearest",
            extent=(0.5, norms.shape[1] + 0.5, -0.5, len(norms) - 0.5),
        )
        places = range(0, len(times), -(-len(times) // 8))
        axes.set_yticks(places, [times[place] for place in places])
        axes.set_xlabel("time step")
        axes.set_ylabel({"epoch": "epochs trained", "batch": "batches trained"}[per])
        if len(layers) > 1:
            axes.set_title(name, fontsize="medium")
    figure.colorbar(image, ax=list(panels), label="norm of the gradient, ‖∂L/∂h‖")
    return finished(figure, title, save)


def plot_gates(activations, gates=None, title=None, save=None):
    """Draw the gates of one layer over a text: units down, steps across, from shut to open.

    Args:
        activations: one `Activations` of what `gate_activations` returned.
        gates: names of what to draw, one panel each; everything but the states where `None`.
        title, save: as in `plot_gradient_flow`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for anything else, or an unknown gate.

    Example:

    >>> found = Activations("lstm", ("a", "b"), {"forget": np.ones((2, 3)), "h": np.ones((2, 3))})
    >>> [axes.get_title() for axes in plot_gates(found).axes][0]
    'forget gate'
    """
    if not isinstance(activations, Activations):
        raise ValueError(
            f"`activations` must be one layer of `gate_activations`; received {activations!r}."
        )
    known = activations.values
    gates = [name for name in known if name not in ("h", "c")] if gates is None else list(gates)
    if not gates or any(gate not in known for gate in gates):
        raise ValueError(f"There must be gates of {list(known)} to draw; received {gates}.")
    steps = len(known[gates[0]])
    figure = new_figure((max(5.0, min(14.0, 1.5 + 0.22 * steps)), 0.8 + 1.7 * len(gates)))
    panels = figure.subplots(len(gates), 1, squeeze=False, sharex=True)[:, 0]
    for axes, gate in zip(panels, gates, strict=True):
        values = known[gate]
        low = 0.0 if values.min() >= 0 else -1.0
        image = axes.imshow(
            values.T,
            aspect="auto",
            vmin=low,
            vmax=max(1.0, float(values.max())),
            cmap="cividis",
            interpolation="nearest",
        )
        axes.set_title(f"{gate} gate" if gate not in ("h", "c") else gate, fontsize="medium")
        axes.set_ylabel("unit")
        figure.colorbar(image, ax=axes)
    _token_axis(panels[-1], activations.tokens, steps)
    return finished(figure, title, save)


def plot_unit(activations, unit, state="h", title=None, save=None):
    """Draw one unit over a text, as bars.

    Args:
        activations: one `Activations` of what `unit_activations` or `gate_activations` returned.
        unit: its number, from 0.
        state: the name of the values, such as `"h"`, `"c"` or a gate.
        title, save: as in `plot_gradient_flow`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for an unknown state or unit.

    Example:

    >>> figure = plot_unit(Activations("rnn", ("a", "b"), {"h": np.ones((2, 3))}), unit=2)
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['a', 'b']
    """
    if state not in activations.values:
        raise ValueError(f"`state` must be one of {list(activations.values)}; received {state!r}.")
    values = activations.values[state]
    if not 0 <= unit < values.shape[1]:
        raise ValueError(f"`unit` must be from 0 to {values.shape[1] - 1}; received {unit}.")
    values = values[:, unit]
    figure = new_figure((max(5.0, min(14.0, 1.5 + 0.22 * len(values))), 2.8))
    axes = figure.subplots()
    colors = [COLORS[1] if value > 0 else COLORS[0] for value in values]
    axes.bar(range(len(values)), values, color=colors)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel(f"{state}, unit {unit}")
    _token_axis(axes, activations.tokens, len(values))
    _tidy(axes)
    return finished(figure, title, save)


def plot_connectivity(connections, title=None, save=None):
    """Draw how much an output changes with each character or word read.

    Args:
        connections: what `connectivity` returned, or one `Connectivity` of it.
        title, save: as in `plot_gradient_flow`.

    Returns:
        A `matplotlib.figure.Figure`, a panel for each input.

    Raises:
        ValueError: for anything else.

    Example:

    >>> figure = plot_connectivity(Connectivity("words", ("a", "b"), np.array([1.0, 2.0]), None, 0))
    >>> figure.axes[0].get_ylabel()
    'norm of the gradient'
    """
    if isinstance(connections, Connectivity):
        connections = {connections.layer: connections}
    if not connections or not all(isinstance(x, Connectivity) for x in connections.values()):
        raise ValueError(
            f"`connections` must be what `connectivity` returned; received {connections!r}."
        )
    steps = max(len(one.values) for one in connections.values())
    size = (max(5.0, min(14.0, 1.5 + 0.22 * steps)), 2.6 * len(connections))
    figure = new_figure(size)
    panels = figure.subplots(len(connections), 1, squeeze=False)[:, 0]
    for axes, (name, one) in zip(panels, connections.items(), strict=True):
        axes.bar(range(len(one.values)), one.values, color=COLORS[0])
        axes.set_ylabel("norm of the gradient")
        if len(connections) > 1:
            axes.set_title(name, fontsize="medium")
        _token_axis(axes, one.tokens, len(one.values))
        _tidy(axes)
    return finished(figure, title, save)


def plot_jacobian_spectrum(spectra, title=None, save=None):
    """Draw the singular values of Jacobians over time: the largest, the median and the least.

    Args:
        spectra: what `jacobian_spectrum` returned, `(time, n)`; or a dict from a name (a cell, a
            number of steps) to that. A batch axis is averaged over, geometrically.
        title, save: as in `plot_gradient_flow`.

    Returns:
        A `matplotlib.figure.Figure`: a line a name for the median, a band from the least to the
        largest.

    Raises:
        ValueError: for anything else.

    Example:

    >>> figure = plot_jacobian_spectrum({"1 step": np.ones((5, 3))})
    >>> figure.axes[0].get_ylabel()
    'singular values'
    """
    spectra = spectra if isinstance(spectra, dict) else {"": spectra}
    figure = new_figure((6.4, 3.8))
    axes = figure.subplots()
    for i, (name, values) in enumerate(spectra.items()):
        values = np.maximum(np.asarray(values, "float64"), LEAST)
        if values.ndim not in (2, 3) or not values.size:
            raise ValueError(
                "Spectra must be (time, n) or (batch, time, n), not empty; received the shape "
                f"{values.shape}."
            )
        if values.ndim == 3:
            values = np.exp(np.log(values).mean(axis=0))
        steps = np.arange(1, len(values) + 1)
        color = COLORS[i % len(COLORS)]
        median = np.median(values, axis=1)
        marker = MARKERS[i % len(MARKERS)]
        every = max(1, len(values) // 12)
        axes.plot(steps, median, color=color, marker=marker, markevery=every, label=name)
        axes.fill_between(steps, values[:, -1], values[:, 0], color=color, alpha=0.2, linewidth=0)
    axes.axhline(1, color="black", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_xlabel("time step")
    axes.set_ylabel("singular values")
    if any(spectra):
        axes.legend(frameon=False, fontsize="small")
    _tidy(axes)
    return finished(figure, title, save)


def _token_axis(axes, tokens, steps):
    """Tokens below the steps, where they are known and not too many."""
    if tokens is None or steps > MOST_TOKENS:
        axes.set_xlabel("time step")
        return
    upright = max(map(len, tokens), default=0) > 2
    axes.set_xticks(
        range(steps), [visible(token, longest=14) for token in tokens], rotation=90 * upright
    )


def _tidy(axes):
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
