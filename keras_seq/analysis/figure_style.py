"""The look of figures for a lecture room."""

from keras_seq.analysis.drawing import COLORS, import_matplotlib


def set_figure_style(font_size: float = 14.0) -> None:
    """Give all figures of this process letters and lines that can be read from the back row.

    It sets matplotlib's defaults: the sizes of letters, lines and markers, the colours of Okabe &
    Ito (which people with any common colour blindness tell apart), no frame above and to the right,
    and a layout in which nothing overlaps.

    Args:
        font_size: of the letters, in points.

    Raises:
        ValueError: for a size that is not above 0.

    Example:

    >>> import matplotlib
    >>> with matplotlib.rc_context():
    ...     set_figure_style(16)
    ...     matplotlib.rcParams["font.size"]
    16.0
    """
    matplotlib = import_matplotlib()
    if not isinstance(font_size, (int, float)) or not font_size > 0:
        raise ValueError(f"`font_size` must be a number above 0; received {font_size!r}.")
    matplotlib.rcParams.update(
        {
            "font.size": font_size,
            "axes.titlesize": font_size,
            "axes.labelsize": font_size,
            "lines.linewidth": 2.5,
            "lines.markersize": 7,
            "axes.prop_cycle": matplotlib.cycler(color=COLORS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "legend.frameon": False,
            "figure.figsize": (9.0, 4.5),
            "figure.dpi": 80,
            "figure.constrained_layout.use": True,
        }
    )
