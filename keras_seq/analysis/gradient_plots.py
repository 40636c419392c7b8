"""Figures of gradients and Jacobians over time: each returns a matplotlib figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.drawing import COLORS, MARKERS, finished, new_figure, tidy

LEAST = 1e-45  # below the least float32 there is nothing to draw on a log scale


def plot_gradient_flow(
    flows: dict[str, Any], title: str | None = None, save: PathLike | None = None
) -> Figure:
    """Draw the norm of the gradient at every time step, on a log scale.

    Args:
        flows: what `gradient_flow` returned; or a dict from a name (of a cell, a length) to such a
            result or to one array of it, to compare several. A norm of 0 is a gap. A curve that
            lies on an earlier one is dashed, and the earlier one wide below it.
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
    covers = _covered(list(curves.values()))
    for i, (name, norms) in enumerate(curves.items()):
        steps = np.arange(1, len(norms) + 1)
        axes.plot(
            steps,
            np.where(norms > LEAST, norms, np.nan),
            color=COLORS[i % len(COLORS)],
            marker=MARKERS[i % len(MARKERS)],
            markevery=max(1, len(norms) // 12),
            markersize=4,
            linestyle="--" if i in covers else "-",
            linewidth=7 if i in covers.values() else None,
            alpha=0.5 if i in covers.values() else None,
            label=name,
        )
    axes.set_yscale("log")
    axes.set_xlabel("time step")
    axes.set_ylabel("norm of the gradient, ‖∂L/∂h‖")
    tidy(axes)
    axes.legend(frameon=False, fontsize="small")
    return finished(figure, title, save)


def _covered(curves):
    """A dict from the number of each curve that lies on an earlier one to that of the earlier."""
    return {
        i: j
        for i, curve in enumerate(curves)
        for j, earlier in reversed([*enumerate(curves[:i])])
        if curve.shape == earlier.shape and np.allclose(curve, earlier, rtol=0.02, atol=0)
    }


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


def plot_gradient_heatmap(
    callback: Any,
    layers: Sequence[str] | None = None,
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
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


def plot_jacobian_spectrum(
    spectra: "ArrayLike | dict[Any, ArrayLike]",
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
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
    tidy(axes)
    return finished(figure, title, save)
