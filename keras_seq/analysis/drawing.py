"""Colours, figures and files shared by all plots."""

import functools
import io
import pathlib

from keras_seq._files import replacing

# Okabe & Ito's colours, which people with any common colour blindness tell apart. Lines differ in
# their marker too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#8A8A8A"
LEVELS = ("--", ":", "-.")  # of level lines


def new_figure(size):
    """A figure of `(width, height)` inches that no window shows, so that nothing is left open.

    A notebook shows it where it is the result of a cell, whether pyplot is there or not.
    """
    figure = import_matplotlib().figure.Figure(figsize=size, layout="constrained")
    figure._repr_png_ = functools.partial(as_png, figure)
    return figure


def as_png(figure, dpi="figure"):
    """The bytes of a figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def check_figure_file(path):
    """Raise a `ValueError` unless the suffix of `path` is a format of figures.

    Raises:
        ImportError: without matplotlib; says what to install.
    """
    known = import_matplotlib().figure.Figure().canvas.get_supported_filetypes()
    suffix = pathlib.Path(path).suffix
    if suffix[1:].lower() not in known:
        raise ValueError(
            f"The file of a figure must end in .png, .pdf, .svg or another of {sorted(known)}; "
            f"received {path}."
        )


def import_matplotlib():
    """Return matplotlib, which is imported on first use.

    Raises:
        ImportError: without matplotlib; says what to install.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(
            f"Figures need matplotlib: pip install 'keras_seq[plots]' ({error})."
        ) from error
    return matplotlib


def letter_scale():
    """How large letters are, by matplotlib's own size; `set_figure_style` makes them larger."""
    return import_matplotlib().rcParams["font.size"] / 10


def level_lines(axes, lines):
    """Black lines across, from a dict of names and numbers or `None`; a legend has to name them."""
    for i, (name, value) in enumerate((lines or {}).items()):
        axes.axhline(value, color="black", linestyle=LEVELS[i % 3], linewidth=1.5, label=name)


def tidy(axes):
    """A light grid behind the curves, and no frame above and to the right."""
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def legend_above(place, **where):
    """Give a figure or axes a legend, of so many columns as they are wide enough for.

    Args:
        place: the figure or the axes.
        **where: as `legend` of matplotlib takes it.
    """
    for columns in (3, 2, 1):
        legend = place.legend(ncols=columns, frameon=False, **where)
        if legend.get_window_extent().width <= place.bbox.width:
            break
        if columns > 1:
            legend.remove()


def finished(figure, title=None, save=None):
    """Set the title, write the file, return the figure."""
    if title is not None:
        if len(figure.axes) == 1:
            figure.axes[0].set_title(title)
        else:
            figure.suptitle(title)
    if save is not None:
        check_figure_file(save)
        with replacing(save) as beside:
            figure.savefig(beside, dpi=150)
    return figure


def visible(token, longest=20):
    """A token with its blanks shown, cut to `longest` characters.

    The joiner of `text.WordTokenizer` is in few fonts: a larger square stands for it.

    >>> visible("a b"), visible("incomprehensibilities", longest=8)
    ('a␣b', 'incompr…')
    """
    for blank, shown in {" ": "␣", "\n": "⏎", "\t": "⇥", "\uffed": "▪"}.items():
        token = token.replace(blank, shown)
    return token if len(token) <= longest else token[: longest - 1] + "…"
