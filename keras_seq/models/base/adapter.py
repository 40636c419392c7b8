"""The one door for data: what a user gave as `x`, `y` and `sample_weight`, told once.

Behind it there are the few forms of `data`, whose methods the model calls.
"""

from collections.abc import Mapping

import numpy as np
from keras import ops

from keras_seq._tensorflow import tensorflow
from keras_seq.models.base.data import IdDataset, Ids, TextDataset, Texts
from keras_seq.models.base.epoch_batches import EpochBatches
from keras_seq.models.base.rows import Rows, find_fields, gives_batches
from keras_seq.text.forms import (
    as_list,
    column_names,
    is_column,
    is_readable,
    is_table,
    single_text,
)
from keras_seq.text.pipeline import is_text_dataset, text_batches


class Adapter:
    """What may be given to a task model, read for it.

    - Columns: lists, tuples, arrays, tensors, a `Series`, a `Column`, a generator of texts.
    - Tables: a `DataFrame`, a `Dataset` with columns, a dict of columns; the fields are told by
      their names, see `rows.find_fields`.
    - What gives examples: an object or generator of pairs `(x, y)` or triples `(x, y,
      sample_weight)`, or of dicts with such fields.
    - What gives batches of these: a `keras.utils.PyDataset`, a `DataLoader`, a generator.
    - A `tf.data.Dataset` of strings; elements may be dicts.
    - Ids prepared by hand: the dict that `call` takes, or what gives batches of it.

    All but the last three are read into memory, and so are batches where no epoch is repeated.

    Args:
        model: the `Task`.
    """

    def __init__(self, model):
        self.model = model

    def training(self, x, y, sample_weight, steps, batch_size):
        """Return the `Data` to train on, with labels where training takes some.

        Args:
            x, y, sample_weight: what came.
            steps: how many batches make an epoch of what gives any number of them; `None` for all.
            batch_size: how many examples make a batch where single ones come.
        """
        if self.model.reads_all:
            return self.measuring(x, y, sample_weight, None, batch_size)
        data = self._read(x, y, sample_weight, steps=steps, batch_size=batch_size, anew=True)
        data.check_labelled()
        return data

    def measuring(self, x, y, sample_weight, steps, batch_size):
        """Return the `Data` to evaluate on; the arguments are those of `training`."""
        whole = self.model.reads_all
        steps = None if whole else steps
        data = self._read(x, y, sample_weight, steps=steps, batch_size=batch_size)
        if whole and isinstance(data, TextDataset):
            if data.share:
                raise ValueError(
                    "With a `window` all texts are read as one, by each worker: `x` must be the "
                    f"whole stream; received shard({data.share.count}, {data.share.index}) of it."
                )
            texts = [text for batch in text_batches(data.x) for text in batch]
            data = Texts(self.model, texts, y, sample_weight)
        elif whole:
            data.counted = False  # the steps are those of what is made of the texts
        data.check_labelled()
        return data

    def validation(self, data, steps, batch_size):
        """Return the `Data` of the `validation_data` of `fit`."""
        pair = isinstance(data, tuple) or (isinstance(data, list) and self._labelled)
        x, y, sample_weight = (*(data if pair else (data,)), None, None)[:3]
        return self.measuring(x, y, sample_weight, steps, batch_size)

    def batch(self, x, y=None, sample_weight=None):
        """Return the `Data` of one batch."""
        return self._read(x, y, sample_weight)

    def inputs(self, x, steps=None):
        """Return the `Data` of a call without targets."""
        return self._read(x, targets=False, steps=steps)

    @property
    def _labelled(self):
        """Whether something belongs to each text."""
        return self.model.needs_targets or self.model.needs_labels

    def _read(
        self, x, y=None, sample_weight=None, targets=True, steps=None, batch_size=None, anew=False
    ):
        """Tell what came; `targets`: whether `x` may hold some, `anew`: whether to repeat it."""
        besides = y, sample_weight
        if x is None or isinstance(x, (str, list, tuple)):
            pass
        elif is_text_dataset(x):
            return TextDataset(self.model, self._unpacked(x), *besides)
        elif is_table(x):
            return self._columns(x, *besides, targets)
        elif isinstance(x, Mapping):
            self._check_no_tables(x)
        elif (text := single_text(x)) is not None:
            x = text
        elif gives_batches(x) or is_readable(x):
            return self._rows(x, besides, targets, steps, batch_size, anew)
        if is_column(x):
            return Texts(self.model, x, *besides)
        arrays = x is None or isinstance(x, (dict, np.ndarray)) or ops.is_tensor(x)
        return (Ids if arrays else IdDataset)(self.model, x, *besides)

    def _check_no_tables(self, x):
        """Raise a `ValueError` for a dict of data sets in the place of one of ids."""
        tables = [name for name, value in x.items() if is_table(value) or gives_batches(value)]
        if tables:
            raise ValueError(
                f"`x` is a dict of data sets, {', '.join(map(repr, x))}; give one of them, such as "
                f"x[{tables[0]!r}]."
            )

    def _columns(self, table, y, sample_weight, targets):
        """The columns of a table."""
        names = column_names(table)
        if len(names) == 1:
            return Texts(self.model, as_list(table, "x"), y, sample_weight, counted=not targets)
        labelled = targets and self._labelled and y is None
        x_name, y_name, weight_name = find_fields(self.model, names, labelled)
        if labelled and y_name is not None:
            y = table[y_name]
            if sample_weight is None and weight_name is not None:
                sample_weight = table[weight_name]
        x = as_list(table[x_name], "x")
        return Texts(self.model, x, y, sample_weight, counted=not targets)

    def _unpacked(self, dataset):
        """A `tf.data.Dataset` of strings without dicts."""
        spec = dataset.element_spec
        first = spec[0] if isinstance(spec, tuple) and spec else spec
        if not isinstance(first, Mapping):
            return dataset
        tf = tensorflow()
        if isinstance(spec, tuple):
            strings = [name for name, spec in first.items() if spec.dtype == tf.string]
            name = strings[0] if len(strings) == 1 else find_fields(self.model, strings, False)[0]
            return dataset.map(lambda x, *rest: (x[name], *rest))
        name, *others = find_fields(self.model, list(first))
        if others[0] is None:
            return dataset.map(lambda row: row[name])
        names = [name, *(other for other in others if other is not None)]
        return dataset.map(lambda row: tuple(row[name] for name in names))

    def _rows(self, x, besides, targets, steps, batch_size, anew):
        """What gives texts, examples or batches, one after the other."""
        rows = Rows(self.model, x, targets and besides[0] is None)
        if rows.kind == "ids":
            self._check_batches_of_ids(rows, besides)
            return IdDataset(self.model, rows.source(), *besides)
        if rows.kind == "none":
            return Texts(self.model, as_list(x, "x"), *besides, counted=True)
        size = batch_size or self.model.default_batch_size()
        if anew and (rows.repeats or (steps is not None and rows.once)):
            return EpochBatches(self.model, rows, size, *besides)
        texts, *new = rows.gathered(None if anew else steps, size)
        if targets and self._labelled:
            besides = (n if came is None else came for n, came in zip(new, besides, strict=True))
        return Texts(self.model, texts, *besides, counted=True)

    def _check_batches_of_ids(self, rows, besides):
        """Raise a `ValueError` for what gives neither texts nor the dicts that `call` takes."""
        if self.model.id_columns() is not None and not isinstance(rows.first, Mapping):
            raise ValueError(
                "`x` must give texts, or batches of ids as the dict that `call` takes; the first "
                f"that it gives is {repr(rows.first)[:60]} of type {type(rows.first).__name__}."
            )
        if any(part is not None for part in besides):
            raise ValueError(
                "What gives batches of ids holds its labels and weights itself, as (x, y) or "
                "(x, y, sample_weight); received `y` or `sample_weight` besides."
            )
