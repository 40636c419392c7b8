"""The tags that a CRF lets begin, follow each other, and end."""

import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Constraints: TypeAlias = dict[str, Any] | Sequence[Sequence[int]]
KINDS = ("transitions", "start", "end")


def read_constraints(constraints, units):
    """Return what a user gave as a dict of lists of integers, one list for each of `KINDS`.

    Args:
        constraints: a list of forbidden pairs, or a dict of lists under some of `KINDS`; `None`
            stays `None`.
        units: the number of tags.

    Raises:
        ValueError: for another key, for what is not a pair, and for tags outside [0, units).
    """
    if constraints is None:
        return None
    by_kind = constraints if isinstance(constraints, dict) else {"transitions": constraints}
    if unknown := sorted(set(by_kind) - set(KINDS)):
        raise ValueError(
            f"`constraints` must be a dict with some of the keys {list(KINDS)}; received {unknown}."
        )
    return {kind: [_read(kind, item, units) for item in by_kind.get(kind, ())] for kind in KINDS}


def _read(kind, item, units):
    pairs = kind == "transitions"
    try:
        tags = [operator.index(tag) for tag in (item if pairs else [item])]
    except TypeError:
        tags = []
    if len(tags) != 1 + pairs or not all(0 <= tag < units for tag in tags):
        expected = "pairs (from, to) of tags" if pairs else "tags"
        raise ValueError(
            f"`constraints[{kind!r}]` must hold {expected} in [0, {units}); received {item!r}."
        )
    return tags if pairs else tags[0]


def allowed_steps(constraints, units):
    """Return what is allowed as boolean arrays: transitions `(N, N)`, start `(N,)`, end `(N,)`.

    Args:
        constraints: as `read_constraints` returned it.
        units: the number of tags, N.

    Raises:
        ValueError: where no sequence is left.
    """
    transitions = np.ones((units, units), bool)
    start, end = np.ones(units, bool), np.ones(units, bool)
    if constraints is None:
        return transitions, start, end
    for pair in constraints["transitions"]:
        transitions[tuple(pair)] = False
    start[list(constraints["start"])] = False
    end[list(constraints["end"])] = False
    reached = start
    for _ in range(units):  # what a longer path reaches, it reaches without its loop as well
        if (reached & end).any():
            return transitions, start, end
        reached = (reached[:, None] & transitions).any(axis=0)
    raise ValueError(f"`constraints` leave no sequence of {units} tags: {constraints!r}.")
