"""Labels of texts in the forms that they come in, as Python values."""

import re
from numbers import Integral, Real

import numpy as np

from keras_seq.text.forms import (
    as_list,
    holds_values,
    is_one_column,
    is_table,
    plain,
)

_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


def is_number_name(name):
    """Whether a str is how a whole number is written."""
    return _NUMBER.fullmatch(name) is not None


def label_name(label):
    """Return the name of the class that a label stands for by itself; `None` for no label.

    >>> [label_name(label) for label in ("a", 3, 3.0, True, 0.5)]
    ['a', '3', '3', 'True', None]
    """
    if isinstance(label, (str, bool)):
        return str(label)
    if isinstance(label, Integral) or (isinstance(label, Real) and float(label).is_integer()):
        return str(int(label))
    return None


def check_labels(labels, single=True):
    """Return labels as a list of values, or lists, of Python, or raise a `ValueError`.

    Args:
        labels: a list, or anything that holds values like one.
        single: whether a text has one label: then an array `(texts, 1)` holds one in each row.

    Returns:
        A list; or an array for an array of numbers with two axes.
    """
    if not holds_values(labels):
        raise ValueError(
            "The labels must be a list with one for each text; received "
            f"{labels!r} of type {type(labels).__name__}."
        )
    listed = as_list(labels, "labels", "labels")
    if single and is_one_column(labels):
        return [plain(row[0]) for row in listed]
    shape = getattr(labels, "shape", ())
    if len(shape) == 2 and shape[1] is not None:
        array = np.array(listed)
        if array.dtype.kind in "biuf" and array.ndim == 2:
            return array
    return [_plain(label) for label in listed]


def _plain(label):
    """A label, or the labels of one text, as Python values."""
    if isinstance(label, (str, bool, int, float)):
        return str.__str__(label) if isinstance(label, str) else label
    if not is_group(label):
        return plain(label)
    values = sorted(label, key=str) if isinstance(label, (set, frozenset)) else label
    return [plain(value) for value in as_list(values, "labels", "labels")]


def is_group(label):
    """Whether this is what a text with any number of labels has: a list, or the like."""
    if isinstance(label, (list, tuple, set, frozenset)):
        return True
    return not is_table(label) and holds_values(label)


def in_marks(groups, count):
    """Whether groups of labels are rows of 0 and 1, one for each of so many classes.

    Raises:
        ValueError: where they may as well be the numbers of classes: one or two of them.
    """
    if not groups or not all(len(group) == count for group in groups):
        return False
    values = [value for group in groups for value in group]
    if any(isinstance(value, str) or value not in (0, 1) for value in values):
        return False
    booleans = any(isinstance(value, bool) for value in values)
    if booleans or (count == 1 and 1 in values) or any(len({*row}) < count for row in groups):
        return True
    raise ValueError(
        f"Labels such as {groups[0]} may be numbers of classes, or 0 and 1 for each of {count}: "
        "give the names of the classes, or an array of 0 and 1 of the shape (texts, classes)."
    )


def marks_of(table, names):
    """Return columns of a table as an array `(rows, columns)`."""
    return np.array([as_list(table[name], "labels", "0 and 1") for name in names]).T


def shown_label(label):
    """A label and its type, for a message."""
    return f"{label!r} of type {type(label).__name__}"
