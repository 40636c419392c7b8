"""What the figures share: their colours, making them, and writing them to a file."""

import os
import pathlib

# Okabe & Ito's colours, which people with any common colour blindness tell apart. Lines differ in
# their marker too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#8A8A8A"


def new_figure(size):
    """A figure of `(width, height)` inches that no window shows, so that nothing is left open.

    matplotlib is imported here, on first use.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def tidy(axes):
    """A light grid behind the curves, and no frame above and to the right."""
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def finished(figure, title=None, save=None):
    """Set the title, write the file, return the figure."""
    if title is not None:
        if len(figure.axes) == 1:
            figure.axes[0].set_title(title)
        else:
            figure.suptitle(title)
    if save is not None:
        path = pathlib.Path(save)
        temporary = path.with_name(f".{path.stem}.part{path.suffix}")
        try:
            figure.savefig(temporary, dpi=150)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
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
