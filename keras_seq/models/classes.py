"""The classes of a classifier: from names to numbers and back."""

import numbers
from collections import Counter

import numpy as np

from keras_seq.text.tokenizer import tensorflow


class Classes:
    """The names of classes, in the order of the outputs of a model.

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

    def encode(self, labels):
        """Return the labels of texts as numbers.

        Args:
            labels: a list, tuple or array with the name of a class, or its number, for each text;
                with `multi_label` a list of these for each text, or an array of 0 and 1
                `(texts, classes)`.

        Returns:
            int32 `(texts,)`; with `multi_label` 0 and 1, `(texts, classes)`.

        Raises:
            ValueError: for anything else; the message has the first label that is wrong.
        """
        labels = check_labels(labels)
        if not self.multi_label:
            found = [self._number(label, i) for i, label in enumerate(labels)]
            return np.array(found, "int32").reshape(-1)
        if isinstance(labels, np.ndarray) and labels.ndim == 2:
            return self._check_marks(labels)
        marks = np.zeros((len(labels), len(self.names)), "int32")
        for i, group in enumerate(labels):
            if not isinstance(group, (list, tuple, set, frozenset, np.ndarray)):
                raise ValueError(
                    "With multi_label=True the label of a text is a list of class names; label "
                    f"{i} is {group!r}."
                )
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
        if labels.dtype != tf.string:
            found = tf.cast(labels, "int32")
            known = (found >= 0) & (found < len(self.names))
        else:
            same = labels[:, None] == tf.constant(self.names)[None]
            found = tf.argmax(same, axis=1, output_type="int32")
            known = tf.reduce_any(same, axis=1)
        message = f"Every label must be one of the classes {', '.join(self.names)}; received"
        with tf.control_dependencies([tf.Assert(tf.reduce_all(known), [message, labels[~known]])]):
            return tf.identity(found)

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
                if not isinstance(weight, numbers.Real) or not weight > 0:
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
        if isinstance(label, str):
            if label in self._numbers:
                return self._numbers[label]
            raise ValueError(f"There is no class {label!r}{where}; there are {self._shown()}.")
        if isinstance(label, numbers.Integral) and not isinstance(label, (bool, np.bool_)):
            if 0 <= label < len(self.names):
                return int(label)
            raise ValueError(
                f"There is no class number {label}{where}; they go from 0 to "
                f"{len(self.names) - 1}: {self._shown()}."
            )
        raise ValueError(
            f"A label must be the name of a class, or its number; received {label!r} of type "
            f"{type(label).__name__}{where}. The classes are {self._shown()}."
        )

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
        labels: for each text a name, or a list of names.
        names: the classes, where they are known.
        multi_label: whether a text has any number of classes, where that is known.

    Raises:
        ValueError: for no labels, labels that are no names, and for a class without an example.
    """
    labels = check_labels(labels)
    if not len(labels):
        raise ValueError("The corpus is empty: received no labels.")
    if multi_label is None:
        multi_label = any(not isinstance(label, (str, numbers.Number)) for label in labels)
    if names is None:
        groups = labels if multi_label else [[label] for label in labels]
        found = {label for group in groups for label in _names_in(group)}
        if not found:
            raise ValueError("There must be a class; received no class name in any label.")
        return sorted(found), multi_label
    classes = Classes(names, multi_label)
    encoded = classes.encode(labels)
    counts = encoded.sum(axis=0) if multi_label else np.bincount(encoded, minlength=len(names))
    without = [name for name, count in zip(classes.names, counts, strict=True) if not count]
    if without:
        raise ValueError(
            "Every class in `class_names` must have an example to learn from; received none of "
            f"{', '.join(map(repr, without))}."
        )
    return list(classes.names), multi_label


def check_labels(labels):
    """Return labels as a list, or as an array of two axes, or raise a `ValueError`."""
    if isinstance(labels, np.ndarray):
        return labels if labels.ndim == 2 else labels.tolist()
    if isinstance(labels, (list, tuple)):
        return list(labels)
    raise ValueError(
        "The labels must be a list with one for each text; received "
        f"{labels!r} of type {type(labels).__name__}."
    )


def _names_in(group):
    """The names of the classes of one text, or a `ValueError`."""
    if isinstance(group, (str, numbers.Number)):  # in the place of a list
        raise ValueError(
            "With multi_label=True the label of a text is a list of class names; received "
            f"{group!r}."
        )
    for label in group:
        if not isinstance(label, str):
            raise ValueError(
                f"The labels must be names, so that the classes have names; received {label!r} of "
                f"type {type(label).__name__}. Numbers go with `class_names`."
            )
    return group


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
