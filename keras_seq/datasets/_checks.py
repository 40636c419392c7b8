"""Checks of arguments that several files share."""

import operator


def natural(value, name):
    """`value` as an int; ValueError unless it is an integer >= 0."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ValueError(f"`{name}` must be an integer >= 0, but {value!r} came.")
    return number


def check_pairs(sources, targets):
    """ValueError unless there are as many sources as targets, and at least one."""
    if len(sources) != len(targets):
        raise ValueError(
            f"{len(sources)} sources and {len(targets)} targets came: expected as many of each."
        )
    if not len(sources):
        raise ValueError("No pairs came: expected at least one.")
