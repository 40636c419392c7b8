"""The forms that texts and labels come in, as lists of Python values.

A pandas or polars `Series`, a Hugging Face `Column`, an array of NumPy, a tensor, a generator: each
is known by what it can do (`tolist`, `numpy`, `__len__`, `__iter__`), and no library but NumPy is
imported for it.
"""

import itertools
import numbers
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

LISTED = ("tolist", "to_list", "to_pylist", "to_numpy", "numpy", "__array__")
MOST = 10_000_000  # examples of an iterator that are read into memory


def single_text(value):
    """Return the str that a str, bytes, or an array or tensor without axes is, else `None`.

    >>> single_text(np.array("a")), single_text(b"a"), single_text(["a"])
    ('a', 'a', None)
    """
    if isinstance(value, str):
        return str.__str__(value)  # `np.str_` and other kinds of str too
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, type) or getattr(value, "shape", None) != () or is_symbolic(value):
        return None
    scalar = value.numpy() if hasattr(value, "numpy") else value
    scalar = scalar.item() if hasattr(scalar, "item") else scalar
    return single_text(scalar) if isinstance(scalar, (str, bytes)) else None


def one_or_many(inputs, name):
    """Return `(texts, single)`: a list of str, and whether it holds the one that came by itself."""
    text = single_text(inputs)
    return (as_texts(inputs, name), False) if text is None else ([text], True)


def is_symbolic(value):
    """Whether this is a tensor of a graph, which has no values yet."""
    return hasattr(value, "op") and hasattr(value, "graph")


def is_table(value):
    """Whether this has named columns, as the `DataFrame` or `Dataset` of a library.

    A dict is one where it holds texts: a dict of ids is what a model's `call` takes.
    """
    if isinstance(value, Mapping):
        return any(_begins_with_text(column) for column in value.values())
    names = getattr(value, "columns", None)
    names = getattr(value, "column_names", None) if names is None else names
    return (
        not isinstance(value, type)
        and isinstance(names, Iterable)
        and not isinstance(names, (str, Mapping))
        and hasattr(value, "__len__")
        and hasattr(value, "__getitem__")
    )


def column_names(table):
    """Return the names of the columns of a table, a list of str or of what else they are."""
    if isinstance(table, Mapping):
        return list(table)
    names = getattr(table, "column_names", None)  # where there are both, `columns` is no names
    return list(names if isinstance(names, (list, tuple)) else table.columns)


def is_column(value):
    """Whether this is a list of values, or a column or array of a library that gives one.

    Numbers in an array or a tensor are ids, and what gives batches (a `tf.data.Dataset`, a
    `keras.utils.PyDataset`, a `DataLoader`) is no column either.
    """
    if isinstance(value, (str, bytes, list, tuple)):
        return True
    if _is_no_column(value) or hasattr(value, "column_names"):
        return False  # what has columns without being a table gives rows
    if _is_tensor(value):
        return _holds_strings(value)
    return any(hasattr(value, how) for how in LISTED)


def is_readable(value):
    """Whether only reading this shows what it holds, as a generator or an object with items."""
    if _is_no_column(value) or is_column(value) or _is_tensor(value):
        return False
    items = hasattr(value, "__len__") and hasattr(value, "__getitem__")
    return items or hasattr(value, "__iter__")


def holds_values(value):
    """Whether this holds values one behind the other, of any kind, as labels and weights are."""
    if single_text(value) is not None:
        return False
    tensor = _is_tensor(value) and not is_symbolic(value) and len(value.shape) > 0
    return tensor or is_column(value) or is_readable(value)


def as_list(values, name, what="strings"):
    """Return what a column holds as a list, or raise a `ValueError` that says what came.

    Args:
        values: a list, or anything else that holds values one behind the other.
        name: what the argument is called in messages.
        what: what it should hold, likewise.
    """
    if isinstance(values, (list, tuple)):
        return list(values)
    if is_table(values) and len(names := column_names(values)) == 1:
        return as_list(values[names[0]], name, what)
    items = None if _is_no_column(values) else _listed(values, name)
    if not isinstance(items, list):
        hint = " Give one of them." if is_table(values) else ""
        raise ValueError(f"`{name}` must be a list of {what}; received {describe(values)}.{hint}")
    if not items and is_iterator(values):
        raise ValueError(
            f"`{name}` is a {type(values).__name__} and gave nothing: it can be read once only, "
            "and may have been read before. Make a list of it, and give that each time."
        )
    return items


def is_one_column(values):
    """Whether this is an array or a tensor of the shape `(rows, 1)`."""
    shape = getattr(values, "shape", None)
    return shape is not None and not is_table(values) and len(shape) == 2 and shape[1] == 1


def as_texts(values, name):
    """Return a column of texts as a list of str, or raise a `ValueError` that says what came.

    Bytes are read as UTF-8.

    >>> as_texts(np.array([["a"], ["b"]]), "x")
    ['a', 'b']
    """
    if (text := single_text(values)) is not None:
        raise ValueError(
            f"`{name}` must be a list of strings; received one string, {text[:40]!r}. "
            "Put it in a list."
        )
    if _is_tensor(values) and not _holds_strings(values):
        raise ValueError(f"`{name}` must be a list of strings; received {describe(values)}.")
    texts = as_list(values, name)
    if is_one_column(values):
        texts = [row[0] for row in texts]
    for i, text in enumerate(texts):
        if type(text) is not str:
            texts[i] = as_text(text, name, i, values)
    return texts


def as_text(value, name, place, values=None):
    """Return one item of a column of texts as a str, or raise a `ValueError`.

    Args:
        value: the item.
        name: what the column is called in messages.
        place: where the item stands in it.
        values: the column, where it may have a dtype to speak of.
    """
    try:
        text = single_text(value)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"`{name}` must hold strings, or bytes in UTF-8; item {place} is {error.object[:40]!r},"
            " which is no UTF-8: decode it first."
        ) from None
    if text is not None:
        return text
    if is_missing(value):
        raise ValueError(
            f"`{name}` must hold strings; item {place} is {value!r} of type "
            f"{type(value).__name__}, a missing value: leave it out, or put '' in its place."
        )
    dtype = getattr(values, "dtype", None)
    if isinstance(value, numbers.Number) and dtype is not None and str(dtype) != "object":
        raise ValueError(
            f"`{name}` must be a list of strings; received {type(values).__name__} of {dtype}."
        )
    raise ValueError(
        f"`{name}` must hold strings; item {place} is {value!r} of type {type(value).__name__}. "
        "Ids go in as the dict that `call` takes."
    )


def as_weights(values, count):
    """Return the weights of so many examples, float32 `(count,)`, or raise a `ValueError`."""
    if holds_values(values):
        weights = as_list(values, "sample_weight", "numbers")
        weights = [row[0] for row in weights] if is_one_column(values) else weights
        values = [plain(value) for value in weights]
    try:
        array = np.asarray(values, "float32")
    except (TypeError, ValueError):
        array = np.empty((), "float32")
    if array.shape != (count,):
        raise ValueError(
            f"`sample_weight` must hold one number for each of {count} examples; received "
            + (f"shape {array.shape}." if array.shape else f"{describe(values)}.")
        )
    if wrong := np.flatnonzero(~np.isfinite(array)).tolist():
        raise ValueError(
            f"`sample_weight` must hold finite numbers; item {wrong[0]} is {array[wrong[0]]}."
        )
    return array


def is_missing(value):
    """Whether this is `None`, NaN, or what a table has where there is no value."""
    if value is None:
        return True
    try:
        return bool(np.ndim(value) == 0 and value != value)
    except (TypeError, ValueError):  # `pandas.NA` is neither equal to itself nor unequal
        return True


def is_iterator(value):
    """Whether this can be read once only, as a generator, `map`, or an open file."""
    return isinstance(value, Iterator)


def plain(value):
    """Return a value of NumPy or of a tensor without axes as that of Python; bytes as a str."""
    if isinstance(value, bytes):
        return value.decode()
    if getattr(value, "shape", None) != () or is_symbolic(value):
        return value
    for how in ("numpy", "item"):
        if hasattr(value, how):
            return plain(getattr(value, how)())
    return value


def describe(value):
    """Return what a value is, in words: its type, with the dtype and shape of an array."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        dtype, ranked = getattr(value.dtype, "name", value.dtype), getattr(value.shape, "rank", 0)
        shape = "unknown" if ranked is None else tuple(value.shape)
        several = f" and shape {shape}" if len(shape) != 1 else ""
        return f"{type(value).__name__} of {dtype}{several}"
    if is_table(value):
        return f"{type(value).__name__} with the columns {column_names(value)}"
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:40] + '...'} of type {type(value).__name__}"


def one_by_one(values):
    """Give what `values` holds, reading no more than must be.

    Args:
        values: a column, or what is read item by item, also a `tf.data.Dataset` of strings.

    Raises:
        TypeError: for anything else.
        ValueError: for a table with several columns.
    """
    if hasattr(values, "element_spec"):
        for element in values.as_numpy_iterator():
            yield from element.tolist() if getattr(element, "ndim", 0) == 1 else [element]
    elif is_readable(values):
        # An object with items but no iterator need not say where it ends.
        known = not hasattr(values, "__iter__")
        yield from (values[i] for i in range(len(values))) if known else values
    elif (is_column(values) or is_table(values)) and not isinstance(values, (str, bytes)):
        items = values if isinstance(values, (list, tuple)) else as_list(values, "texts")
        yield from (row[0] for row in items) if is_one_column(values) else items
    else:
        raise TypeError(f"cannot be read one by one: {describe(values)}")


def limited(values, name):
    """Give the values of an iterator, and raise a `ValueError` where they seem to have no end."""
    yield from itertools.islice(values, MOST)
    if next(values, values) is not values:
        raise ValueError(
            f"`{name}` gave more than {MOST:,} examples, which are read into memory: to train on "
            "a generator without an end say how many batches are an epoch, by `steps_per_epoch`, "
            "or give a tf.data.Dataset."
        )


def _listed(values, name):
    """What some object holds as a list, by the first way that it offers; `None` for none."""
    if is_iterator(values):
        return list(limited(values, name))
    for how in ("tolist", "to_list", "to_pylist"):
        if callable(getattr(values, how, None)):
            return getattr(values, how)()
    for how in ("numpy", "to_numpy"):
        if callable(getattr(values, how, None)):
            return np.asarray(getattr(values, how)()).tolist()
    if hasattr(values, "__len__") and hasattr(values, "__getitem__"):
        return [values[i] for i in range(len(values))]
    if hasattr(values, "__iter__"):
        return list(values) if hasattr(values, "__len__") else list(limited(iter(values), name))
    return np.asarray(values).tolist() if hasattr(values, "__array__") else None


def _is_no_column(value):
    """Whether this is no column for certain, though one might iterate over it."""
    kinds = (str, bytes, type, Mapping, set, frozenset)
    if value is None or isinstance(value, kinds) or is_symbolic(value) or is_table(value):
        return True
    return hasattr(value, "element_spec")


def _is_tensor(value):
    """Whether this is an array or a tensor, and not the column of a table."""
    if isinstance(value, type) or hasattr(value, "to_numpy"):
        return False
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _holds_strings(tensor):
    """Whether an array or a tensor may hold strings."""
    if isinstance(tensor, np.ndarray):
        return tensor.dtype.kind in "UOST"
    return getattr(tensor.dtype, "name", None) == "string"


def _begins_with_text(column):
    """Whether the first value of a column is a text, or a list of words."""
    if not isinstance(column, Iterable) or isinstance(column, (str, bytes, Iterator, Mapping)):
        return False
    first = next(iter(column), None)
    if isinstance(first, (list, tuple)) and first:
        first = first[0]
    return single_text(first) is not None
