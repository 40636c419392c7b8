"""Texts, examples or batches that come one after the other, looked at without losing the first."""

import itertools
from collections.abc import Mapping

import keras
import numpy as np

from keras_seq.text.forms import (
    as_list,
    is_column,
    is_iterator,
    is_one_column,
    limited,
    single_text,
)

# What the fields of rows are called, where they have names.
INPUTS = ("text", "texts", "sentence", "sentences", "source", "sources", "input", "inputs", "x")
INPUTS += ("word", "words", "token", "tokens", "document", "review", "prompt")
TARGETS = ("label", "labels", "class", "target", "targets", "tag", "tags", "output", "y")
WEIGHTS = ("sample_weight", "sample_weights", "weight", "weights")


def find_fields(model, names, labelled=True):
    """Return the names of the input, the target and the weight among names; `None` for none.

    Args:
        model: the `Task`, whose `words` a message has.
        names: of columns or of the entries of a dict.
        labelled: whether there should be one target.

    Raises:
        ValueError: where it is not certain which is which.
    """
    source, target = model.words[0], model.words[1].split()[0]
    x_names, y_names, weights = (
        [name for name in names if str(name).lower() in known]
        for known in ((*INPUTS, source), (*TARGETS, target), WEIGHTS)
    )
    if not x_names:  # the only one that is nothing else
        x_names = [name for name in names if name not in (*y_names, *weights)]
    if len(x_names) != 1 or (len(y_names) > 1 and labelled):
        raise ValueError(
            f"Which of the fields {', '.join(map(repr, names))} is the {source}, and which the "
            f"{model.words[1]}, is not certain: call them {source!r} and {target!r}, or give each "
            "by itself, as x and y."
        )
    return x_names[0], *(known[0] if len(known) == 1 else None for known in (y_names, weights))


class Rows:
    """What gives texts, examples or batches.

    An example is a pair `(x, y)` or a triple `(x, y, sample_weight)`, or a dict with such fields.

    Args:
        model: the `Task`.
        source: an iterable, or an object with a length and items.
        targets: whether there should be targets in it.

    Attributes:
        kind: what the first element is: "text" (one, by itself), "example", "batch", "ids", or
            "none" where there is no element.
        first: the input in the first element, or `None`.
        paired: whether the first element has a target.
        once: whether it can be read once only.
        repeats: whether each epoch should read it anew, as it gives batches of its own.
    """

    def __init__(self, model, source, targets):
        self.model = model
        self.given = source
        self.targets = targets
        self.batches = gives_batches(source)
        self.once = is_iterator(source)
        self.kind, self.paired, self.first = "none", False, None
        self._first = []
        for element in itertools.islice(self._elements(), 1):
            self._first = [element] if self.once else []
            self.kind, self.first, y, _ = self._parts(element)
            self.paired = y is not None
        self.repeats = self.batches and self.kind == "batch"

    def source(self):
        """What was given, with the first element that was taken from it."""
        if not self.once:
            return self.given

        def whole():
            yield from itertools.chain(self._first, self.given)

        return whole()

    def _elements(self, order=None):
        """Iterate over what was given; words that can be read once are read."""
        first, self._first = self._first, []
        elements = itertools.chain(first, self._source(order))
        return (list(element) if is_iterator(element) else element for element in elements)

    def _source(self, order):
        """Iterate over what was given, as it is."""
        source = self.given
        if self.once:
            return source
        if isinstance(source, keras.utils.PyDataset):
            count = source.num_batches
            numbers = itertools.count() if count is None else range(count)
            return (source[i] for i in (numbers if order is None else order(numbers)))
        if hasattr(source, "__iter__"):
            return iter(source)
        return (source[i] for i in range(len(source)))

    def __iter__(self):
        return self.examples()

    def examples(self, order=None):
        """Give `(x, y, sample_weight)` of each element, all of the kind of the first."""
        for number, element in enumerate(self._elements(order)):
            kind, *parts = self._parts(element)
            if kind != self.kind or (parts[1] is not None) != self.paired:
                raise ValueError(
                    f"`x` must give elements of one form; number {number} is "
                    f"{repr(element)[:80]}, another one than the first."
                )
            yield parts

    def gathered(self, steps, batch_size):
        """Return `(x, y, sample_weight)` of all elements, or of so many batches, as lists."""
        batch = self.kind == "batch"
        examples = self.examples()
        if steps is not None:
            examples = itertools.islice(examples, steps if batch else steps * batch_size)
        columns = [[], [], []]
        for parts in limited(examples, "x"):
            for column, part in zip(columns, parts, strict=True):
                column.append(part)
        x, y, weights = columns
        if batch:
            x = [text for part in x for text in as_list(part, "x")]
        return (
            x,
            _joined(y, batch) if self.paired else None,
            None if weights[0] is None else _joined(weights, batch),
        )

    def _parts(self, element):
        """Return `(kind, x, y, sample_weight)` of one element: a text, several parts, a dict."""
        labelled = self.targets and (self.model.needs_targets or self.model.needs_labels)
        if isinstance(element, Mapping):
            if not any(map(_is_texts, element.values())):
                return "ids", element, None, None
            names = find_fields(self.model, list(element), labelled)
            x, y, weight = (None if name is None else element[name] for name in names)
        elif self._has_parts(element, labelled):
            x, y, weight = (*element, None, None)[:3]
        else:
            x, y, weight = element, None, None
        if isinstance(x, Mapping) and any(map(_is_texts, x.values())):
            names = [name for name, value in x.items() if _is_texts(value)]
            x = x[names[0] if len(names) == 1 else find_fields(self.model, names, False)[0]]
        return self._kind(x, y is not None), x, y, weight

    def _has_parts(self, element, labelled):
        """Whether this is `(x, y)` or so, rather than a sentence of words or a batch of texts."""
        if not isinstance(element, (list, tuple)) or not 1 <= len(element) <= 3:
            return False
        if labelled and not self.batches:
            return True
        if all(single_text(part) is not None for part in element):
            # A text and its label; but two words of a tagger, or two texts of a batch.
            return not (self.batches or self.model.takes_words or isinstance(element, list))
        if labelled or not self.model.takes_words:
            return True
        # A batch of sentences, which are lists of words?
        return isinstance(element, tuple) or not all(isinstance(part, list) for part in element)

    def _kind(self, x, paired):
        """The `kind` of an element with the input `x`, and with a target where `paired`."""
        if isinstance(x, Mapping) or not _is_texts(x):
            return "ids"
        words = self.model.takes_words and not self.batches and _is_flat(x)
        if single_text(x) is not None or words:
            return "example" if paired else "text"
        return "batch"


def gives_batches(x):
    """Whether this is a `keras.utils.PyDataset` or a `DataLoader` of PyTorch."""
    if isinstance(x, keras.utils.PyDataset):
        return True
    return all(hasattr(x, name) for name in ("dataset", "batch_sampler", "__iter__"))


def _is_texts(value):
    """Whether a part of an element holds texts: one, several, or lists of words."""
    if single_text(value) is not None:
        return True
    if isinstance(value, (list, tuple)):
        return not value or _is_texts(value[0])
    return is_column(value) and not is_iterator(value)


def _is_flat(x):
    """Whether a column holds texts, and no lists of words."""
    return single_text(x) is None and all(single_text(text) is not None for text in as_list(x, "x"))


def _joined(parts, batch):
    """Targets or weights of single examples, or those of batches behind each other."""
    if not batch:
        return parts
    shapes = [getattr(part, "shape", ()) for part in parts]
    if all(len(shape) == 2 and shape[1] > 1 for shape in shapes):
        return np.concatenate([np.asarray(as_list(part, "y")) for part in parts])
    rows = []
    for part in parts:
        labels = as_list(part, "y", "labels")
        rows += [row[0] for row in labels] if is_one_column(part) else labels
    return rows
