"""What a lesson claims, beside what it measured."""

import html
import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np


class Claims:
    """The closing table of a lesson or a report: what was claimed, and what was measured.

    A claim about a training holds over its seeds or not at all: `holds` takes one truth value or
    one for each seed. In a small run, where too little is trained, such claims are listed and not
    asserted.

    Args:
        small: whether this is a small run; whether `CI=true` in the environment where `None`.
        data: a function that loads what a run that is not small needs, such as
            `keras_seq.datasets.sst2`. Where its files are not there, the run is small, and says so.

    Example:

    >>> claims = Claims(small=False)
    >>> claims.add("half of a half is a quarter", measured=0.5 * 0.5, holds=0.5 * 0.5 == 0.25)
    half of a half is a quarter: 0.25 (holds)
    >>> claims.add("clipping is needed here", "it learns without", [False] * 3, surprise=True)
    clipping is needed here: it learns without (a surprise: it does not hold)
    >>> len(claims.check().rows)
    2
    """

    def __init__(self, small: bool | None = None, data: Callable[[], Any] | None = None):
        self.small = os.environ.get("CI") == "true" if small is None else bool(small)
        if data is not None and not self.small:
            try:
                data()
            except FileNotFoundError as error:
                self.small = True
                print(f"A small run, on generated data, since files are missing. {error}")
        self.rows: list[tuple[str, str, str]] = []
        self.failed: list[str] = []

    def add(
        self, claim: str, measured: Any, holds: Any, trained: bool = False, surprise: bool = False
    ) -> None:
        """Write down one claim, and print it with what was measured.

        Args:
            claim: what is said, one sentence.
            measured: what was found: a text, or numbers, which are shown with three digits.
            holds: whether the claim holds: a truth value, or one for each seed.
            trained: whether the claim is about a training, which a small run cuts short.
            surprise: whether the textbook says so and it does not hold here: then `holds` must be
                false, for each seed.

        Raises:
            ValueError: for an empty claim, and for no truth value at all.
        """
        if not claim or not isinstance(claim, str):
            raise ValueError(f"`claim` must be a sentence; received {claim!r}.")
        values = np.asarray(holds)
        if values.dtype != bool or not values.size:
            raise ValueError(
                f"`holds` must be True or False, or a list of them; received {holds!r}."
            )
        verdict = "a surprise: it does not hold" if surprise else "holds"
        if self.small and trained:
            verdict = "not asserted in a small run"
        elif not (~values if surprise else values).all():
            verdict = "FAILS"
            self.failed.append(f"{claim}: {_shown(measured)}")
        self.rows.append((claim, _shown(measured), verdict))
        print(self._line(*self.rows[-1]))

    def check(self) -> Self:
        """Return the table, which notebooks show.

        Raises:
            AssertionError: where a claim fails; it names all that do.
        """
        if self.failed:
            raise AssertionError("What was claimed was not measured: " + "; ".join(self.failed))
        return self

    def _line(self, claim, measured, verdict):
        return f"{claim}: {measured} ({verdict})"

    def __repr__(self):
        return "\n".join(self._line(*row) for row in self.rows)

    def _repr_html_(self):
        head = "".join(f"<th>{name}</th>" for name in ("we claimed", "we measured", ""))
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(measured):
    """A measurement as text; numbers with three digits."""
    if isinstance(measured, str):
        return measured
    numbers = [float(value) for value in np.ravel(np.asarray(measured, "float64"))]
    return ", ".join(f"{x:,.0f}" if x.is_integer() and x < 1e9 else f"{x:.3g}" for x in numbers)
