"""A text coloured by numbers, for a page or a terminal."""

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_seq._checks import check_choice

# Blue for below 0, orange for above: told apart with any common colour blindness.
BELOW, ABOVE = (0, 114, 178), (230, 159, 0)


def highlight(
    tokens: Sequence[str], values: ArrayLike, format: str = "html", limit: float | None = None
) -> str:
    r"""Colour each token by its value: blue below 0, white at 0, orange above.

    Args:
        tokens: list of str.
        values: a number for each token, such as one unit of `Activations.values["h"]`, or
            `Connectivity.values`.
        format: `"html"`, a `<pre>` element; or `"ansi"`, for terminals with 24-bit colours.
        limit: the absolute value that has the full colour; the largest one where it is not given.

    Returns:
        A str; a notebook shows the HTML. Tokens stand as they are, with nothing between them, in
        HTML escaped, each with its value as a tooltip.

    Raises:
        ValueError: for another number of values than tokens, values that are no numbers, an unknown
            format, or a limit that is not above 0.

    Example:

    >>> highlight(["a", "b"], [0.0, 1.0], format="ansi")
    '\x1b[48;2;255;255;255m\x1b[30ma\x1b[48;2;230;159;0m\x1b[30mb\x1b[0m'
    """
    check_choice("format", format, ("html", "ansi"))
    tokens, values = list(tokens), np.asarray(values, "float64")
    if values.shape != (len(tokens),):
        raise ValueError(
            f"There must be one value for each of the {len(tokens)} tokens; received the shape "
            f"{values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"The values must be numbers; received {values}.")
    if limit is not None and not limit > 0:
        raise ValueError(f"`limit` must be above 0; received {limit!r}.")
    largest = limit or (np.abs(values).max() if values.size else 1.0) or 1.0
    colors = [_color(value / largest) for value in values]
    if format == "ansi":
        parts = [
            f"\x1b[48;2;{r};{g};{b}m\x1b[30m{token}"
            for token, (r, g, b) in zip(tokens, colors, strict=True)
        ]
        return "".join([*parts, "\x1b[0m"])
    parts = [
        f'<span style="background:rgb({r},{g},{b});color:#000" title="{value:.4g}">'
        f"{html.escape(token)}</span>"
        for token, value, (r, g, b) in zip(tokens, values, colors, strict=True)
    ]
    return Page("<pre>" + "".join(parts) + "</pre>")


class Page(str):
    """HTML that a notebook shows, where it is the result of a cell."""

    def _repr_html_(self):
        return str(self)


def _color(share):
    """From white, at 0, to the full colour at -1 or 1."""
    share = max(-1.0, min(1.0, share))
    full = ABOVE if share > 0 else BELOW
    return tuple(round(255 + abs(share) * (channel - 255)) for channel in full)
