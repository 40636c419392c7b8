"""The data of an experiment: texts and labels in three parts, and generated tasks."""

import typing

import numpy as np

from keras_seq.datasets import TASKS, SequenceTask
from keras_seq.models.classification.classes import Classes
from keras_seq.models.classification.labels import check_labels, label_name
from keras_seq.text.forms import as_texts

HELD_OUT = 0.1


class ComparisonData(typing.NamedTuple):
    """Three pairs of texts and labels, lists of str."""

    train: tuple
    dev: tuple
    test: tuple


def make_data(texts, labels, validation_data=None, test_data=None):
    """Return the `ComparisonData` of what a user gave.

    Args:
        texts, labels: to train on; a part is held out for what is not given.
        validation_data, test_data: pairs of texts and labels, or `None`.

    Raises:
        ValueError: for no texts, other numbers of labels, labels that are no names or numbers,
            one class only, a class that occurs in another part than the first, and for too few
            texts to hold some out.
    """
    train = _pair(texts, labels, "texts", "labels")
    classes = Classes(sorted(set(train[1])))
    rest = {}
    for name, pair in (("test_data", test_data), ("validation_data", validation_data)):
        if pair is None:
            train, rest[name] = _held_out(train, name)
            continue
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError(f"`{name}` must be a pair of texts and labels; received {pair!r}.")
        rest[name] = _pair(*pair, f"{name}[0]", f"{name}[1]")
        try:
            classes.encode(rest[name][1])
        except ValueError as error:
            raise ValueError(f"`{name}` has a class that `texts` lack: {error}") from None
    return ComparisonData(train, rest["validation_data"], rest["test_data"])


def _pair(texts, labels, of_texts, of_labels):
    """Texts and names of classes, as lists of str."""
    texts = as_texts(texts, of_texts)
    labels = [_name(label, i) for i, label in enumerate(check_labels(labels))]
    if len(texts) != len(labels):
        raise ValueError(
            f"There must be one label for each text; received {len(texts)} `{of_texts}` and "
            f"{len(labels)} `{of_labels}`."
        )
    if not texts:
        raise ValueError(f"There must be texts; received none in `{of_texts}`.")
    return texts, labels


def _name(label, place):
    """The name of a class; that of a number is its digits."""
    if name := label_name(label):
        return name
    raise ValueError(
        f"A label must be the name of a class, or a whole number; label {place} is {label!r}."
    )


def _held_out(pair, what):
    """Two pairs: one without a tenth of each class, and that tenth."""
    texts, labels = pair
    random = np.random.default_rng(0)
    rows = np.zeros(len(labels), bool)
    for name in sorted(set(labels)):
        of_class = np.flatnonzero(np.array(labels, dtype=object) == name)
        rows[random.permutation(of_class)[: round(HELD_OUT * len(of_class))]] = True
    if not rows.any():
        raise ValueError(
            f"{len(texts)} texts of {len(set(labels))} classes are too few to hold a tenth of each "
            f"class out: give `{what}`."
        )

    def part(chosen):
        places = np.flatnonzero(chosen)
        return [texts[i] for i in places], [labels[i] for i in places]

    return part(~rows), part(rows)


def make_task(task, count, length, seed):
    """Return the `SequenceTask` of a name in `datasets.TASKS`, or of a function."""
    if not callable(task):
        if task not in TASKS:
            raise ValueError(f"Unknown task {task!r}. Choose one of {', '.join(TASKS)}.")
        task = TASKS[task]
    made = task(count, length, seed=seed)
    if not isinstance(made, SequenceTask):
        raise ValueError(f"The function of the task must return a SequenceTask; received {made!r}.")
    return made


def make_text_task(task, count, length, seed):
    """`make_task` for one that a classifier of texts can learn: of words, with one class a row."""
    made = make_task(task, count, length, seed)
    if made.vocabulary is None or made.classes is None or made.targets.ndim != 1:
        raise ValueError(
            "Architectures are compared on tasks of words with one class a row, such as recall, "
            f"agreement, coreference or temporal_order; received {made!r}."
        )
    return made
