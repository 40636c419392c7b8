"""Figures: every function returns a matplotlib figure, and writes it where `save` says."""

import os
import pathlib

import numpy as np


def plot_attention(attention, source_tokens, target_tokens, title=None, save=None):
    """Draw which source tokens each target token attended to.

    Args:
        attention: weights `(target tokens, source tokens)`, each row summing to 1.
        source_tokens: the labels of the columns.
        target_tokens: the labels of the rows.
        title: text above the figure.
        save: a path to write the figure to (`.png`, `.svg`, `.pdf`).

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the weights do not fit the labels.

    Example:

    ```python
    answer = model.generate("27 September 2016", return_attention=True)
    plot_attention(answer["attention"], answer["source_tokens"], answer["target_tokens"])
    ```
    """
    attention = np.asarray(attention)
    if attention.shape != (len(target_tokens), len(source_tokens)):
        raise ValueError(
            f"`attention` must be of shape (target tokens, source tokens) = "
            f"({len(target_tokens)}, {len(source_tokens)}); received {attention.shape}."
        )
    width = 1.6 + 0.32 * len(source_tokens)
    figure = _figure((max(width, 4.0), 1.4 + 0.32 * len(target_tokens)))
    axes = figure.add_subplot()
    image = axes.imshow(attention, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(source_tokens)), [_visible(token) for token in source_tokens])
    axes.set_yticks(range(len(target_tokens)), [_visible(token) for token in target_tokens])
    words = [token for token in source_tokens if not token.startswith("<")]
    if max(map(len, words), default=0) > 2:
        axes.tick_params(axis="x", rotation=60)
    axes.set_xlabel("source")
    axes.set_ylabel("target")
    figure.colorbar(image, ax=axes, label="attention weight", fraction=0.05, pad=0.02)
    return _finished(figure, axes, title, save)


def plot_history(history, metrics=None, title=None, save=None):
    """Draw the training curves.

    Args:
        history: what `fit` returned, or its `history` dict.
        metrics: the names to draw, one panel each, with `val_...` beside; all where `None`.
        title: text above the figure.
        save: a path to write the figure to.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if a metric is not in the history.
    """
    values = getattr(history, "history", history)
    if metrics is None:
        metrics = [name for name in values if not name.startswith("val_")]
    missing = [name for name in metrics if name not in values]
    if missing:
        raise ValueError(f"The history has {', '.join(values)}; it has no {', '.join(missing)}.")
    figure = _figure((4.2 * len(metrics), 3.2))
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axes, name in zip(panels, metrics, strict=True):
        epochs = range(1, len(values[name]) + 1)
        axes.plot(epochs, values[name], marker="o", color="#0072B2", label="training")
        if f"val_{name}" in values:
            validation = values[f"val_{name}"]
            axes.plot(epochs, validation, marker="s", color="#D55E00", label="validation")
            axes.legend(frameon=False)
        if name in ("loss", "perplexity"):
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel(name.replace("_", " "))
        axes.xaxis.get_major_locator().set_params(integer=True)
    return _finished(figure, None, title, save)


def _figure(size):
    """A figure that no window shows, so that nothing is left open."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _finished(figure, axes, title, save):
    """Set the title, write the file, return the figure."""
    if title is not None:
        (figure.suptitle if axes is None else axes.set_title)(title)
    if save is not None:
        path = pathlib.Path(save)
        temporary = path.with_name(f".{path.stem}.part{path.suffix}")
        try:
            figure.savefig(temporary, dpi=150)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    return figure


def _visible(token):
    """A token with its blanks shown."""
    return token.replace(" ", "\u2423").replace("\n", "\u23ce").replace("\t", "\u21e5")
