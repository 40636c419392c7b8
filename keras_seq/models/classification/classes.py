"""The classes of a classifier: from names to numbers and back."""

from collections import Counter
from numbers import Real

import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.models.classification.labels import (
    check_labels,
    in_marks,
    is_group,
    is_number_name,
    label_name,
    marks_of,
    shown_label,
)
from keras_seq.text.forms import column_names, is_missing, is_table


class Classes:
    """The names of classes, in the order of the outputs of a model.

    A label is the name of a class, or a number. Where a class is named by a whole number, as "3",
    numbers are names: 3 is "3", whatever its place, and a number that is no name is an error. Where
    none is, a number is the place of a class: 0 is the first. So the labels that
    `TextClassifier.from_texts` names classes by always mean these classes. `True` and `False` are
    the classes of these names.

    Args:
        names: distinct str.
        multi_label: whether a text has any number of classes.

    Raises:
        ValueError: for names that are no distinct str, and for fewer than two of them, or none with
            `multi_label`.

    Example:

    >>> classes = Classes(["bad", "good"])
    >>> classes.encode(["good", "bad", 1]).tolist()
    [1, 0, 1]
    >>> classes.decode(np.array([[0.2, 0.8]]))
    ['good']
    >>> Classes(["1", "2", "3"]).encode([3, 1, "2"]).tolist()  # stars
    [2, 0, 1]
    """

    def __init__(self, names, multi_label=False):
        self.names = _check_names(names)
        self.multi_label = bool(multi_label)
        if len(self.names) < (1 if multi_label else 2):
            raise ValueError(
                "There must be at least two classes to choose from, or one with "
                f"multi_label=True; received the class names {list(self.names)}."
            )
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._numbered = any(map(is_number_name, self.names))

    def encode(self, labels):
        """Return the labels of texts as numbers.

        Args:
            labels: a list, or anything that holds values like one, with a label for each text: the
                name of a class or a number, as above; with `multi_label` a list of these for each
                text, or 0 and 1 in a column for each class: an array, a list of such rows, or a
                `DataFrame`, whose columns are told by their names.

        Returns:
            int32 `(texts,)`; with `multi_label` 0 and 1, `(texts, classes)`.

        Raises:
            ValueError: for anything else; the message has the first label that is wrong.
        """
        if is_table(labels):
            labels = self._ordered(labels)
        labels = check_labels(labels, not self.multi_label)
        if not self.multi_label:
            numbers = [self._number(label, i) for i, label in enumerate(labels)]
            return np.array(numbers, "int32").reshape(-1)
        if isinstance(labels, np.ndarray):
            return self._check_marks(labels)
        for i, group in enumerate(labels):
            if not is_group(group):
                raise ValueError(
                    "With multi_label=True the label of a text is a list of class names; label "
                    f"{i} is {group!r}."
                )
        if in_marks(labels, len(self.names)):
            return self._check_marks(np.array(labels))
        marks = np.zeros((len(labels), len(self.names)), "int32")
        for i, group in enumerate(labels):
            for label in group:
                marks[i, self._number(label, i)] = 1
        return marks

    def encode_tensors(self, labels):
        """The same inside of a `tf.data` graph, for a tensor `(texts,)` of names or numbers."""
        tf = tensorflow()
        if self.multi_label:
            raise ValueError(
                "A dataset of texts has no lists of class names: with multi_label=True give lists."
            )
        received, whole = labels, True
        if labels.dtype == tf.bool:
            labels = tf.where(labels, "True", "False")
        elif labels.dtype != tf.string:
            labels = tf.cast(labels, "int64")
            whole = tf.cast(labels, received.dtype) == received
            labels = tf.strings.as_string(labels) if self._numbered else labels
        if labels.dtype != tf.string:
            numbers = tf.cast(labels, "int32")
            known = whole & (numbers >= 0) & (numbers < len(self.names))
        else:
            same = labels[:, None] == tf.constant(self.names)[None]
            numbers = tf.argmax(same, axis=1, output_type="int32")
            known = tf.reduce_any(same, axis=1) & whole
        message = f"Every label must be one of the classes {', '.join(self.names)}; received"
        with tf.control_dependencies(
            [tf.Assert(tf.reduce_all(known), [message, received[~known]])]
        ):
            return tf.identity(numbers)

    def decode(self, probabilities, threshold=0.5):
        """Return the name of the most probable class of each text, or the list of all above it.

        Args:
            probabilities: `(texts, classes)`.
            threshold: with `multi_label`, what the probability of a class must be above.
        """
        if self.multi_label:
            return [
                [name for name, p in zip(self.names, row, strict=True) if p > threshold]
                for row in probabilities
            ]
        return [self.names[number] for number in np.argmax(probabilities, axis=-1)]

    def weights(self, class_weight, labels):
        """Return the weight of each text by its class, float32 `(texts,)`.

        Args:
            class_weight: a dict from names or numbers of classes to numbers above 0, 1 for the
                rest; or `"balanced"`.
            labels: int32 `(texts,)`, as `encode` returns them.
        """
        if self.multi_label:
            raise ValueError("`class_weight` has no meaning with multi_label=True.")
        counts = np.bincount(labels, minlength=len(self.names))
        if class_weight == "balanced":
            weights = len(labels) / (len(self.names) * np.maximum(counts, 1))
        elif isinstance(class_weight, dict):
            weights = np.ones(len(self.names))
            for label, weight in class_weight.items():
                if not isinstance(weight, Real) or not weight > 0:
                    raise ValueError(
                        "`class_weight` must hold numbers above 0; received "
                        f"{weight!r} for {label!r}."
                    )
                weights[self._number(label)] = weight
        else:
            raise ValueError(
                '`class_weight` must be a dict from class names to numbers, or "balanced"; '
                f"received {class_weight!r}."
            )
        return weights[labels].astype("float32")

    def _number(self, label, place=None):
        """The number of a class, given by its name or its number."""
        where = "" if place is None else f" (label {place})"
        name = label_name(label)
        if isinstance(label, str) or (name is not None and self._numbered):
            if name in self._numbers:
                return self._numbers[name]
            raise ValueError(f"There is no class {label!r}{where}; there are {self._shown()}.")
        if isinstance(label, bool) and name in self._numbers:
            return self._numbers[name]
        if name is not None and not isinstance(label, bool):
            if 0 <= label < len(self.names):
                return int(label)
            raise ValueError(
                f"There is no class number {label}{where}; they go from 0 to "
                f"{len(self.names) - 1}: {self._shown()}."
            )
        missing = ", a missing value" if is_missing(label) else ""
        raise ValueError(
            f"A label must be the name of a class, or its number; received {shown_label(label)}"
            f"{missing}{where}. The classes are {self._shown()}."
        )

    def _ordered(self, table):
        """The columns of a table of 0 and 1 in the order of the classes; or its only column."""
        names = column_names(table)
        if len(names) == 1 and not self.multi_label:
            return table[names[0]]
        if not self.multi_label or {*map(str, names)} != {*self.names}:
            if self.multi_label and names == list(range(len(self.names))):
                return marks_of(table, names)
            raise ValueError(
                "A table of labels must have a column of 0 and 1 for each class, with its name, "
                f"and multi_label=True; received the columns {names}. The classes are "
                f"{self._shown()}."
            )
        columns = {str(name): name for name in names}
        return marks_of(table, [columns[name] for name in self.names])

    def _check_marks(self, marks):
        if marks.shape[1] != len(self.names) or not np.isin(marks, (0, 1)).all():
            raise ValueError(
                f"An array of labels must hold 0 and 1, in one column for each of "
                f"{len(self.names)} classes; received the shape {marks.shape} and values from "
                f"{marks.min()} to {marks.max()}."
            )
        return marks.astype("int32")

    def _shown(self, most=20):
        shown = ", ".join(repr(name) for name in self.names[:most])
        more = len(self.names) - most
        return f"{shown} and {more} more" if more > 0 else shown


def class_names_of(labels, names=None, multi_label=None):
    """Return `(names, multi_label)` of the labels of a corpus.

    Args:
        labels: for each text a name or number, or a list of them; or 0 and 1 in a column for each
            class.
        names: the classes, where they are known.
        multi_label: whether a text has any number of classes, where that is known.

    Raises:
        ValueError: for no labels, labels that are no names, and for a class without an example.
    """
    columns = column_names(labels) if is_table(labels) else None
    if columns is not None and len(columns) == 1 and not multi_label:
        labels, columns = labels[columns[0]], None
    if columns is not None and names is None:
        names = [str(name) for name in columns]
    listed = labels if columns is not None else check_labels(labels, not multi_label)
    if not len(listed):
        raise ValueError("The corpus is empty: received no labels.")
    if multi_label is None:
        marks = columns is not None or isinstance(listed, np.ndarray)
        multi_label = marks or any(map(is_group, listed))
    if names is None:
        return _sorted_names(listed, multi_label), multi_label
    classes = Classes(names, multi_label)
    encoded = classes.encode(listed)
    counts = encoded.sum(axis=0) if multi_label else np.bincount(encoded, minlength=len(names))
    without = [name for name, count in zip(classes.names, counts, strict=True) if not count]
    if without:
        raise ValueError(
            "Every class in `class_names` must have an example to learn from; received none of "
            f"{', '.join(map(repr, without))}."
        )
    return list(classes.names), multi_label


def _sorted_names(labels, multi_label):
    """The names of the classes of labels, sorted: numbers by their size."""
    if isinstance(labels, np.ndarray) or (multi_label and _are_marks(labels)):
        count = len(labels[0])
        Classes(list(map(str, range(count))), True).encode(labels)  # checked
        return [str(i) for i in range(count)]
    groups = labels if multi_label else [[label] for label in labels]
    labels_of = {name: label for group in groups for name, label in _names_in(group)}
    if not labels_of:
        raise ValueError("There must be a class; received no class name in any label.")
    if any(isinstance(label, str) for label in labels_of.values()):
        return sorted(labels_of)
    return sorted(labels_of, key=labels_of.get)


def _are_marks(groups):
    """Whether groups are rows of 0 and 1."""
    several = is_group(groups[0]) and len(groups[0]) > 1
    return several and all(map(is_group, groups)) and in_marks(groups, len(groups[0]))


def _names_in(group):
    """Pairs of the name and the label of each class of one text, or a `ValueError`."""
    if not is_group(group):
        raise ValueError(
            "With multi_label=True the label of a text is a list of class names; received "
            f"{group!r}."
        )
    for label in group:
        if label_name(label) is None:
            missing = ", a missing value" if is_missing(label) else ""
            raise ValueError(
                "A label must be a name, a whole number, True or False, so that the classes have "
                f"names; received {shown_label(label)}{missing}."
            )
    return [(label_name(label), label) for label in group]


def _check_names(names):
    """The names as a tuple, or a `ValueError`."""
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(
            f"`class_names` must be a list of str, none of them empty; received {names!r}."
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"`class_names` must be distinct; received {twice[0]!r} more than once.")
    return tuple(names)
