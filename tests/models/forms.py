"""The forms that users have their texts and labels in: stand-ins of what libraries offer."""

import keras
import numpy as np
import tensorflow as tf


class Series:
    """As that of pandas: an index that is no position, `tolist`, `to_numpy`, a dtype, a shape."""

    def __init__(self, values, dtype="str"):
        self.values, self.dtype, self.shape = list(values), dtype, (len(values),)
        self.index = [(7 * i + 3) % len(values) + 100 for i in range(len(values))]

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)

    def __getitem__(self, key):
        return self.values[self.index.index(key)]

    def tolist(self):
        return list(self.values)

    def to_numpy(self):
        return np.array(self.values, object)


class PolarsSeries:
    """As that of polars."""

    def __init__(self, values):
        self.values, self.dtype, self.shape = list(values), "String", (len(values),)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return self.values[i]

    def to_list(self):
        return list(self.values)

    def to_numpy(self):
        return np.array(self.values, object)


class ArrowArray:
    """As that of Arrow: its items are no values of Python."""

    def __init__(self, values):
        self.values = list(values)

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return map(object.__new__, [object] * len(self.values))

    def to_pylist(self):
        return list(self.values)


class Column:
    """As that of Hugging Face's datasets: a length, items and an iterator, and no more."""

    def __init__(self, values):
        self.values = list(values)

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)

    def __getitem__(self, i):
        return self.values[i]


class Items:
    """As the `Dataset` of PyTorch: a length and items, without an end of its own."""

    def __init__(self, values):
        self.values = list(values)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return self.values[i % len(self.values)]


class Lines:
    """As `datasets.Lines`: an iterator each time, and no length."""

    def __init__(self, values):
        self.values = values

    def __iter__(self):
        return iter(self.values)


class Frame:
    """As the `DataFrame` of pandas or polars: iterating gives the names of columns."""

    def __init__(self, **columns):
        self.data = columns
        self.columns = list(columns)
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        return iter(self.columns)

    def __getitem__(self, name):
        return Series(self.data[name])

    def to_numpy(self):
        return np.array(list(self.data.values()), object).T


class Table:
    """As the `Dataset` of Hugging Face: rows are dicts, columns are `Column`s."""

    def __init__(self, **columns):
        self.data, self.column_names = columns, list(columns)

    def __len__(self):
        return len(next(iter(self.data.values())))

    def __iter__(self):
        return (
            dict(zip(self.data, row, strict=True)) for row in zip(*self.data.values(), strict=True)
        )

    def __getitem__(self, name):
        return Column(self.data[name])


class Loader:
    """As the `DataLoader` of PyTorch, whose `default_collate` gives a list of columns."""

    def __init__(self, *columns, batch_size=2):
        self.dataset = list(zip(*columns, strict=True))
        self.batch_sampler = batch_size
        self.iterations = 0

    def __len__(self):
        return -(-len(self.dataset) // self.batch_sampler)

    def __iter__(self):
        self.iterations += 1
        for start in range(0, len(self.dataset), self.batch_sampler):
            columns = list(zip(*self.dataset[start : start + self.batch_sampler], strict=True))
            yield list(columns[0]) if len(columns) == 1 else columns


class Batches(keras.utils.PyDataset):
    """A `keras.utils.PyDataset` of texts."""

    def __init__(self, *columns, batch_size=2):
        super().__init__()
        self.columns, self.size, self.epochs = columns, batch_size, 0

    @property
    def num_batches(self):
        return -(-len(self.columns[0]) // self.size)

    def __getitem__(self, i):
        part = slice(i * self.size, (i + 1) * self.size)
        batch = tuple(column[part] for column in self.columns)
        return batch[0] if len(batch) == 1 else batch

    def on_epoch_end(self):
        self.epochs += 1


def generator(values):
    """A generator, which can be read once."""
    yield from values


# What may stand in the place of a list of strings.
COLUMNS = {
    "tuple": tuple,
    "array": np.array,
    "array of objects": lambda values: np.array(values, object),
    "array of StringDType": lambda values: np.array(values, np.dtypes.StringDType()),
    "array of bytes": lambda values: np.array([value.encode() for value in values]),
    "array (rows, 1)": lambda values: np.array(values)[:, None],
    "list of bytes": lambda values: [value.encode() for value in values],
    "list of numpy.str_": lambda values: list(map(np.str_, values)),
    "list of arrays without axes": lambda values: list(map(np.array, values)),
    "list of tensors": lambda values: list(map(tf.constant, values)),
    "tensor": tf.constant,
    "Series": Series,
    "Series of polars": PolarsSeries,
    "array of Arrow": ArrowArray,
    "Column": Column,
    "Dataset of PyTorch": Items,
    "Lines": Lines,
    "values of a dict": lambda values: dict(enumerate(values)).values(),
    "generator": generator,
    "map": lambda values: map(str, values),
}
