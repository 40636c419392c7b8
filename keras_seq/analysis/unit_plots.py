"""Figures of what units do over a text: each returns a matplotlib figure."""

from collections.abc import Sequence
from typing import Any

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.activations import Activations
from keras_seq.analysis.connectivity import Connectivity
from keras_seq.analysis.drawing import COLORS, finished, letter_scale, new_figure, tidy, visible

MOST_TOKENS = 60


def plot_gates(
    activations: Any,
    gates: Sequence[str] | None = None,
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw the gates of one layer over a text: units down, steps across, from shut to open.

    Args:
        activations: one `Activations` of what `gate_activations` returned.
        gates: names of what to draw, one panel each; everything but the states where `None`.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for anything else, or an unknown gate.

    Example:

    >>> import numpy as np
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


def plot_unit(
    activations: Any,
    unit: int,
    state: str = "h",
    title: str | None = None,
    save: PathLike | None = None,
) -> Figure:
    """Draw one unit over a text, as bars.

    Args:
        activations: one `Activations` of what `unit_activations` or `gate_activations` returned.
        unit: its number, from 0.
        state: the name of the values, such as `"h"`, `"c"` or a gate.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: for an unknown state or unit.

    Example:

    >>> import numpy as np
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
    tidy(axes)
    return finished(figure, title, save)


def plot_connectivity(
    connections: Any, title: str | None = None, save: PathLike | None = None
) -> Figure:
    """Draw how much an output changes with each character or word read.

    Args:
        connections: what `connectivity` returned, or one `Connectivity` of it.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`, a panel for each input.

    Raises:
        ValueError: for anything else.

    Example:

    >>> import numpy as np
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
    steps = max(len(connection.values) for connection in connections.values())
    height = 2.6 * len(connections) * letter_scale()
    figure = new_figure((max(5.0, min(14.0, 1.5 + 0.22 * steps)), height))
    panels = figure.subplots(len(connections), 1, squeeze=False)[:, 0]
    for axes, (name, connection) in zip(panels, connections.items(), strict=True):
        axes.bar(range(len(connection.values)), connection.values, color=COLORS[0])
        axes.set_ylabel("norm of the gradient")
        if len(connections) > 1:
            axes.set_title(name, fontsize="medium")
        _token_axis(axes, connection.tokens, len(connection.values))
        tidy(axes)
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
