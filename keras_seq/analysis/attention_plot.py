"""The figure of attention weights."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_seq._typing import Figure, PathLike
from keras_seq.analysis.alignments import check_link
from keras_seq.analysis.drawing import finished, letter_scale, new_figure, visible

CELL = 0.32  # inches: the side of a cell where there is room
LONGEST_SIDE = 16.0  # inches: with more tokens the cells get smaller
SMALLEST_FONT = 5.0  # points: with less room only every second, third, ... token is named


def plot_attention(
    attention: ArrayLike,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    title: str | None = None,
    save: PathLike | None = None,
    gold: Iterable[tuple[int, int]] | None = None,
    vmax: float | None = 1.0,
) -> Figure:
    """Draw which source tokens each target token attended to.

    The colours are viridis, which gets brighter from 0 to `vmax` and so is read without seeing
    hues. Of very long sentences only every second, third, ... token is named.

    Args:
        attention: weights `(target tokens, source tokens)`, each row summing to 1.
        source_tokens: the labels of the columns.
        target_tokens: the labels of the rows.
        title: text above the figure.
        save: a path to write the figure to (`.png`, `.svg`, `.pdf`).
        gold: links `(source position, target position)` that are right, counted from 0, as
            `read_alignments` gives them for one sentence; each is framed.
        vmax: the weight of the brightest colour; `None` for the largest one there is.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the weights do not fit the labels, there are no tokens, or a gold link
            leads outside.

    Example:

    >>> figure = plot_attention([[0.9, 0.1], [0.2, 0.8]], ["le", "mot"], ["the", "word"])
    >>> figure.axes[0].get_xlabel()
    'source'

    ```python
    answer = model.generate("27 September 2016", return_attention=True)
    plot_attention(answer["attention"], answer["source_tokens"], answer["target_tokens"])
    ```

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473, figure 3.
    """
    attention = np.asarray(attention)
    if attention.shape != (len(target_tokens), len(source_tokens)) or not attention.size:
        raise ValueError(
            f"`attention` must be of shape (target tokens, source tokens) = "
            f"({len(target_tokens)}, {len(source_tokens)}); received {attention.shape}. "
            "There must be at least one token on either side."
        )
    scale = letter_scale()
    sides = [min(CELL * scale * count, LONGEST_SIDE) for count in attention.shape]
    size = max(sides[1] + 1.6 * scale, 4.0), max(sides[0] + 1.4 * scale, 2.2)
    figure = new_figure(size)
    axes = figure.add_subplot()
    image = axes.imshow(attention, cmap="viridis", vmin=0, vmax=vmax, aspect="auto")
    _label(axes.xaxis, source_tokens, sides[1])
    _label(axes.yaxis, target_tokens, sides[0])
    axes.set_xlabel("source")
    axes.set_ylabel("target")
    figure.colorbar(image, ax=axes, label="attention weight", fraction=0.05, pad=0.02)
    width = min(1.2, 72 * min(np.divide(sides, attention.shape)) / 16)  # points
    for link in () if gold is None else gold:
        _frame(axes, link, attention.shape, width)
    return finished(figure, title, save)


def _label(axis, tokens, side):
    """Name the tokens along an axis that is `side` inches long."""
    room = 72 * side / len(tokens)  # points for each token
    every = max(1, int(np.ceil(SMALLEST_FONT / (0.8 * room))))
    places = range(0, len(tokens), every)
    # Without `parse_math=False` a token such as "$x$" would be read as a formula.
    axis.set_ticks(places, [visible(tokens[i]) for i in places], parse_math=False)
    size = min(10.0 * letter_scale(), 0.8 * room * every)
    words = [token for token in tokens if not token.startswith("<")]
    upright = axis.axis_name == "x" and max(map(len, words), default=0) > 2
    axis.set_tick_params(labelsize=size, rotation=90 if upright else 0)


def _frame(axes, link, shape, width):
    """Frame the cell of a link, black on white, so that it shows on any colour."""
    from matplotlib.patches import Rectangle

    source, target = check_link(link, "gold")
    if source >= shape[1] or target >= shape[0]:
        raise ValueError(
            f"A gold link must lead from one of {shape[1]} source tokens to one of {shape[0]} "
            f"target tokens, counted from 0; received {link}."
        )
    corner = (source - 0.42, target - 0.42)
    for color, line in (("white", 2.5 * width), ("black", width)):
        axes.add_patch(Rectangle(corner, 0.84, 0.84, fill=False, edgecolor=color, linewidth=line))
