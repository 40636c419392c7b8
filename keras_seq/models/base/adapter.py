"""The one door for data: what a user gave as `x`, `y` and `sample_weight`, in the forms used here.

Behind it there are lists of texts and what belongs to them, `tf.data` datasets of strings, and what
is prepared by hand (ids) as it came.
"""

import itertools
from collections.abc import Mapping

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow
from keras_seq.text.forms import (
    as_list,
    column_names,
    is_column,
    is_iterator,
    is_one_column,
    is_readable,
    is_table,
    limited,
    single_text,
)
from keras_seq.text.pipeline import is_text_dataset

# What the fields of rows are called, where they have names.
INPUTS = ("text", "texts", "sentence", "sentences", "source", "sources", "input", "inputs", "x")
INPUTS += ("word", "words", "token", "tokens", "document", "review", "prompt")
TARGETS = ("label", "labels", "class", "target", "targets", "tag", "tags", "output", "y")
WEIGHTS = ("sample_weight", "sample_weights", "weight", "weights")


class Adapter:
    """What may be given to a task model, read for it.

    - Columns: lists, tuples, arrays, tensors, a `Series`, a `Column`, a generator of texts.
    - Tables: a `DataFrame`, a `Dataset` with columns, a dict of columns; the fields are told by
      their names, see `INPUTS`, `TARGETS` and `WEIGHTS`.
    - What gives examples: an object or generator of pairs `(x, y)` or triples `(x, y,
      sample_weight)`, or of dicts with such fields.
    - What gives batches of these: a `keras.utils.PyDataset`, a `DataLoader`, a generator.
    - A `tf.data.Dataset` of strings; elements may be dicts.

    All but the last two are read into memory, and so are batches where no epoch is repeated.

    Args:
        model: the `Task`.
    """

    def __init__(self, model):
        self.model = model

    def read(
        self,
        x,
        y=None,
        sample_weight=None,
        targets=True,
        steps=None,
        batch_size=None,
        streams=False,
    ):
        """Return `(x, y, sample_weight)` as the methods of a task take them.

        Args:
            x, y, sample_weight: what came.
            targets: whether `x` may hold targets too.
            steps: how many batches are read of what gives any number of them; `None` for all.
            batch_size: how many examples make a batch where single ones come.
            streams: whether batches may be read anew in each epoch: then `x` is a `Stream`.

        Returns:
            `x` is a str, a list, a column as it came, a `tf.data.Dataset` of strings or of tuples
            of them, a `Stream`, or, where it holds no text, what it was.
        """
        if x is None or isinstance(x, (str, list, tuple)):
            return x, y, sample_weight
        if is_text_dataset(x):
            return self._unpacked(x), y, sample_weight
        if is_table(x):
            return self._columns(x, y, sample_weight, targets and self.labelled)
        if isinstance(x, Mapping):
            return self._check_ids(x), y, sample_weight
        if (text := single_text(x)) is not None:
            return text, y, sample_weight
        if gives_batches(x) or is_readable(x):
            return self._read_rows((x, y, sample_weight), targets, steps, batch_size, streams)
        return x, y, sample_weight

    def inputs(self, x, steps=None):
        """Return the `x` of `read` for a call without targets."""
        return self.read(x, targets=False, steps=steps)[0]

    @property
    def labelled(self):
        """Whether something belongs to each text."""
        return self.model.needs_targets or self.model.needs_labels

    def _check_ids(self, x):
        """A dict of ids, or a `ValueError` for one of data sets."""
        tables = [name for name, value in x.items() if is_table(value) or gives_batches(value)]
        if tables:
            raise ValueError(
                f"`x` is a dict of data sets, {', '.join(map(repr, x))}; give one of them, such as "
                f"x[{tables[0]!r}]."
            )
        return x

    def _columns(self, table, y, sample_weight, labelled):
        """The columns of a table."""
        names = column_names(table)
        if len(names) == 1:
            return as_list(table, "x"), y, sample_weight
        x_name, y_name, weight_name = self._fields(names, labelled and y is None)
        if labelled and y is None and y_name is not None:
            y = table[y_name]
            if sample_weight is None and weight_name is not None:
                sample_weight = table[weight_name]
        return as_list(table[x_name], "x"), y, sample_weight

    def _fields(self, names, labelled=True):
        """The names of the input, of the target and of the weight among names; `None` for none."""
        x_names, y_names, weights = (
            [name for name in names if str(name).lower() in known]
            for known in (INPUTS, TARGETS, WEIGHTS)
        )
        if not x_names:  # the only one that is nothing else
            x_names = [name for name in names if name not in (*y_names, *weights)]
        if len(x_names) != 1 or (len(y_names) > 1 and labelled):
            one, other = self.model.words
            raise ValueError(
                f"Which of the fields {', '.join(map(repr, names))} is the {one}, and which the "
                f"{other}, is not certain: call them {one!r} and {other.split()[0]!r}, or give "
                "each by itself, as x and y."
            )
        return x_names[0], *(found[0] if len(found) == 1 else None for found in (y_names, weights))

    def _unpacked(self, dataset):
        """A `tf.data.Dataset` of strings without dicts."""
        spec = dataset.element_spec
        first = spec[0] if isinstance(spec, tuple) and spec else spec
        if not isinstance(first, Mapping):
            return dataset
        tf = tensorflow()
        if isinstance(spec, tuple):
            strings = [name for name, one in first.items() if one.dtype == tf.string]
            name = strings[0] if len(strings) == 1 else self._fields(strings, False)[0]
            return dataset.map(lambda x, *rest: (x[name], *rest))
        name, *others = self._fields(list(first))
        if others[0] is None:
            return dataset.map(lambda row: row[name])
        names = [name, *(other for other in others if other is not None)]
        return dataset.map(lambda row: tuple(row[name] for name in names))

    def _read_rows(self, given, targets, steps, batch_size, streams):
        """What gives texts, examples or batches, one after the other."""
        x, y, sample_weight = given
        rows = Rows(self, x, targets and y is None)
        if rows.kind == "ids":
            self._check_batches_of_ids(rows, y, sample_weight)
            return rows.source(), y, sample_weight
        if rows.kind == "none":
            return as_list(x, "x"), y, sample_weight
        if streams and (rows.repeats or (steps is not None and rows.once)):
            return Stream(self.model, rows, batch_size or 32), y, sample_weight
        found = rows.gathered(None if streams else steps, batch_size)
        if not targets or not self.labelled:
            return found[0], y, sample_weight
        return found[0], *(
            new if came is None else came for new, came in zip(found[1:], given[1:], strict=True)
        )

    def _check_batches_of_ids(self, rows, y, sample_weight):
        """Raise a `ValueError` for what gives neither texts nor the dicts that `call` takes."""
        if self.model.id_columns() is not None and not isinstance(rows.first, Mapping):
            raise ValueError(
                "`x` must give texts, or batches of ids as the dict that `call` takes; the first "
                f"that it gives is {repr(rows.first)[:60]} of type {type(rows.first).__name__}."
            )
        if y is not None or sample_weight is not None:
            raise ValueError(
                "What gives batches of ids holds its labels and weights itself, as (x, y) or "
                "(x, y, sample_weight); received `y` or `sample_weight` besides."
            )

    def parts(self, element, batches, targets):
        """Return `(kind, x, y, sample_weight)` of one element.

        The kind is "text" (one, by itself), "example", "batch", or "ids".

        Args:
            element: a text, a tuple or list of parts, or a dict.
            batches: whether it is known to be a batch.
            targets: whether there should be targets in it.
        """
        if isinstance(element, Mapping):
            if not any(map(_is_texts, element.values())):
                return "ids", element, None, None
            names = self._fields(list(element), targets and self.labelled)
            x, y, weight = (None if name is None else element[name] for name in names)
        elif self._has_parts(element, batches, targets and self.labelled):
            x, y, weight = (*element, None, None)[:3]
        else:
            x, y, weight = element, None, None
        if isinstance(x, Mapping) and any(map(_is_texts, x.values())):
            names = [name for name, value in x.items() if _is_texts(value)]
            x = x[names[0] if len(names) == 1 else self._fields(names, False)[0]]
        return self._kind(x, batches, y is not None), x, y, weight

    def _has_parts(self, element, batches, targets):
        """Whether this is `(x, y)` or so, rather than a sentence of words or a batch of texts."""
        if not isinstance(element, (list, tuple)) or not 1 <= len(element) <= 3:
            return False
        if targets and not batches:
            return True
        if all(single_text(part) is not None for part in element):
            # A text and its label; but two words of a tagger, or two texts of a batch.
            return not (batches or self.model.takes_words or isinstance(element, list))
        if targets or not self.model.takes_words:
            return True
        # A batch of sentences, which are lists of words?
        return isinstance(element, tuple) or not all(isinstance(part, list) for part in element)

    def _kind(self, x, batches, paired):
        """See `parts`."""
        if isinstance(x, Mapping) or not _is_texts(x):
            return "ids"
        words = self.model.takes_words and not batches and _is_flat(x)
        if single_text(x) is not None or words:
            return "example" if paired else "text"
        return "batch"


class Rows:
    """What gives texts, examples or batches, looked at without losing the first.

    Args:
        adapter: the `Adapter`.
        source: an iterable, or an object with a length and items.
        targets: whether there should be targets in it.

    Attributes:
        kind: that of the first element, see `Adapter.parts`, or "none".
        first: the input in the first element, or `None`.
        paired: whether the first element has a target.
        once: whether it can be read once only.
        repeats: whether each epoch should read it anew, as it gives batches of its own.
    """

    def __init__(self, adapter, source, targets):
        self.adapter = adapter
        self.given = source
        self.targets = targets
        self.batches = gives_batches(source)
        self.once = is_iterator(source)
        self.kind, self.paired, self.first = "none", False, None
        self._first = []
        for element in itertools.islice(self._elements(), 1):
            self._first = [element] if self.once else []
            self.kind, self.first, y, _ = adapter.parts(element, self.batches, targets)
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
            kind, *parts = self.adapter.parts(element, self.batches, self.targets)
            if kind != self.kind or (parts[1] is not None) != self.paired:
                raise ValueError(
                    f"`x` must give elements of one form; number {number} is "
                    f"{repr(element)[:80]}, another one than the first."
                )
            yield parts

    def gathered(self, steps=None, batch_size=None):
        """Return `(x, y, sample_weight)` of all elements, or of so many batches, as lists."""
        batch = self.kind == "batch"
        found = self.examples()
        if steps is not None:
            found = itertools.islice(found, steps if batch else steps * (batch_size or 32))
        columns = [[], [], []]
        for parts in limited(found, "x"):
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


class Stream:
    """Batches that are read anew in each epoch, encoded one by one.

    Args:
        model: the `Task`.
        rows: the `Rows`.
        batch_size: how many examples make a batch where single ones come.

    Attributes:
        dataset: a `tf.data.Dataset` of `(x, y, sample_weight)`, as that of `BatchedDataset`.
    """

    def __init__(self, model, rows, batch_size):
        tf = tensorflow()
        self.model = model
        self.rows = rows
        self.batch_size = batch_size
        self.shuffle = False
        self.seed = int(np.random.randint(2**31))
        self.epoch = 0
        self._first = None
        if (model.needs_labels or model.needs_targets) and not rows.paired:
            one, other = model.words
            raise ValueError(f"There must be one {other} for each {one}; received no {other}s.")
        first = next(self._batches())
        self._first = first if rows.once else None
        with tf.device("CPU:0"):
            self.dataset = tf.data.Dataset.from_generator(
                self._encoded, output_signature=keras.tree.map_structure(_spec, first)
            )
        count = getattr(rows.given, "num_batches", None)
        if count is None and not rows.once and hasattr(rows.given, "__len__"):
            count = len(rows.given)
        if count is not None:
            self.dataset = self.dataset.apply(tf.data.experimental.assert_cardinality(count))

    def set_epoch(self, epoch):
        """Make the next iteration that of `epoch`."""
        self.epoch = epoch

    def _encoded(self):
        """The batches of one epoch."""
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        yield from self._batches()
        if hasattr(self.rows.given, "on_epoch_end"):
            self.rows.given.on_epoch_end()

    def _batches(self):
        for x, y, weights in self._grouped():
            yield self.model.as_batch(x, y, weights)

    def _grouped(self):
        """Batches as they came, or so many examples together."""
        if self.rows.kind == "batch":
            for x, y, weights in self.rows.examples(self._order):
                yield as_list(x, "x"), y, weights
            return
        examples = self.rows.examples()
        while group := list(itertools.islice(examples, self.batch_size)):
            x, y, weights = map(list, zip(*group, strict=True))
            yield x, y if self.rows.paired else None, None if weights[0] is None else weights

    def _order(self, numbers):
        """The order of the batches of a `PyDataset`, which Keras shuffles too."""
        if not self.shuffle or not isinstance(numbers, range):
            return numbers
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(numbers)).tolist()


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
    return single_text(x) is None and all(single_text(one) is not None for one in as_list(x, "x"))


def _joined(parts, batch):
    """Targets or weights of single examples, or those of batches behind each other."""
    if not batch:
        return parts
    shapes = [getattr(part, "shape", ()) for part in parts]
    if all(len(shape) == 2 and shape[1] > 1 for shape in shapes):
        return np.concatenate([np.asarray(as_list(part, "y")) for part in parts])
    rows = []
    for part in parts:
        found = as_list(part, "y", "labels")
        rows += [row[0] for row in found] if is_one_column(part) else found
    return rows


def _spec(array):
    """What is known of the batches behind the first."""
    shape = [None] * array.ndim
    return tensorflow().TensorSpec(shape, array.dtype)
