"""Figures behind a slider, for notebooks and pages."""

import base64
import hashlib
import html

from keras_seq._typing import Figure
from keras_seq.analysis.drawing import as_png


class Slides:
    """Figures of which a slider shows one, in a notebook or on a page.

    The figures are inside, as PNG: nothing is computed while the slider moves, no kernel has to
    run, and no other host is asked.

    Args:
        figures: a dict from a label (a number, a name) to a `matplotlib.figure.Figure`.
        name: what the labels are, shown beside the slider.
        start: the label that is shown first; the first one where `None`.
        dpi: dots an inch of the pictures.

    Raises:
        ValueError: for no figures, anything else than figures, and an unknown `start`.

    Example:

    >>> from keras_seq.analysis import linear_recurrence, plot_recurrence
    >>> slides = Slides(
    ...     {r: plot_recurrence(linear_recurrence([[r]], 20)) for r in (0.9, 1.1)}, name="radius"
    ... )
    >>> slides
    <Slides of radius: 0.9, 1.1>
    """

    def __init__(
        self,
        figures: dict[object, Figure],
        name: str = "figure",
        start: object | None = None,
        dpi: int = 80,
    ):
        if not isinstance(figures, dict) or not figures:
            raise ValueError(f"`figures` must be a dict of figures; received {figures!r}.")
        wrong = [label for label, figure in figures.items() if not hasattr(figure, "savefig")]
        if wrong:
            raise ValueError(f"`figures` must be figures; received {figures[wrong[0]]!r}.")
        if start is not None and start not in figures:
            raise ValueError(f"`start` must be one of {list(figures)}; received {start!r}.")
        self.name = name
        self.labels = [str(label) for label in figures]
        self.start = 0 if start is None else list(figures).index(start)
        self.pictures = [as_png(figure, dpi) for figure in figures.values()]

    def __repr__(self):
        return f"<Slides of {self.name}: {', '.join(self.labels)}>"

    def _repr_html_(self):
        pictures = [base64.b64encode(picture).decode() for picture in self.pictures]
        key = "slides-" + hashlib.sha256("".join(pictures).encode()).hexdigest()[:12]
        images = "".join(
            f'<img src="data:image/png;base64,{picture}" alt="{_escaped(self.name, label)}" '
            f'style="max-width:100%;display:{"block" if i == self.start else "none"}">'
            for i, (label, picture) in enumerate(zip(self.labels, pictures, strict=True))
        )
        move = (
            "const b=this.closest('div'),n=+this.value;"
            "b.querySelectorAll('img').forEach((x,i)=>x.style.display=i==n?'block':'none');"
            "b.querySelector('output').textContent=b.querySelectorAll('img')[n].alt"
        )
        return (
            f'<div id="{key}"><label>{html.escape(self.name)} '
            f'<input type="range" min="0" max="{len(pictures) - 1}" value="{self.start}" '
            f'style="width:50%;vertical-align:middle" oninput="{html.escape(move)}"></label> '
            f"<output>{_escaped(self.name, self.labels[self.start])}</output>{images}</div>"
        )


def _escaped(name, label):
    return html.escape(f"{name} {label}")
