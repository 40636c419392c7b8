"""Ids prepared by hand, looked at before a model sees them."""

import dataclasses
from collections.abc import Set

import keras
import numpy as np
from keras import ops

from keras_seq._tensorflow import tensorflow
from keras_seq.text.pipeline import without_threads


@dataclasses.dataclass(frozen=True)
class IdColumn:
    """One entry of the dict that `call` takes.

    Attributes:
        limit: what every number is below; `None` for any number from 0 on.
        rank: the number of axes.
        needed: whether there is no `call` without it.
        beside: the entry whose number of steps it adds to its limit, as a pointer does.
    """

    limit: int | None
    rank: int = 2
    needed: bool = True
    beside: str | None = None


def check_ids(model, x, y=None, sample_weight=None):
    """Return `(x, y, sample_weight)` of ids prepared by hand, or raise a `ValueError`.

    Args:
        model: a `Task`.
        x: the dict that `call` takes, of arrays.
        y: labels, or `None`; with one axis of 1 too many they are taken without it.
        sample_weight: weights of rows or of tokens, or `None`.
    """
    columns = model.id_columns()
    if columns is None:
        return x, y, sample_weight
    if not isinstance(x, dict):
        raise _neither(columns, x)
    _check_names(x, columns)
    arrays = {name: _numbers(f"x[{name!r}]", x[name]) for name in x}
    rows = {name: len(array) for name, array in arrays.items() if array.ndim}
    for name, array in arrays.items():
        column = columns[name]
        _check_rank(f"x[{name!r}]", array, column.rank)
        more = arrays[column.beside].shape[1] if column.beside else 0
        _check_range(f"x[{name!r}]", array, column.limit and column.limit + more)
    if len(set(rows.values())) > 1:
        raise ValueError(f"The arrays of `x` must have the same number of rows; received {rows}.")
    count = next(iter(rows.values()))
    x = {name: arrays[name] if _is_list(x[name]) else x[name] for name in x}
    if y is None:
        return x, None, sample_weight
    y = _check_labels(model, y, count, arrays)
    if sample_weight is not None:
        sample_weight = _check_weights(sample_weight, y, model.label_per_token)
    return x, y, sample_weight


def check_id_dataset(model, dataset):
    """Return a dataset of ids with a check of every batch, or raise a `ValueError`.

    Of a `tf.data.Dataset` the structure is looked at here and the numbers of each batch when it
    comes; anything else that gives batches is returned as it is.
    """
    spec, columns = getattr(dataset, "element_spec", None), model.id_columns()
    if columns is None:
        return dataset
    if spec is None:
        gives = any(hasattr(type(dataset), how) for how in ("__iter__", "__getitem__"))
        if not gives or isinstance(dataset, (Set, bytes, range, np.generic)):
            raise _neither(columns, dataset)
        return dataset
    parts = spec if isinstance(spec, tuple) else (spec,)
    if not isinstance(parts[0], dict):
        raise ValueError(
            "A dataset must give texts, or the dict of ids that `call` takes, "
            f"{_named(columns)}; received elements {spec}."
        )
    _check_names(parts[0], columns)
    for name, column in parts[0].items():
        if not column.dtype.is_integer:
            raise ValueError(f"x[{name!r}] must hold integers; received {column.dtype.name}.")
        if column.shape.rank not in (None, columns[name].rank):
            raise ValueError(
                f"x[{name!r}] of a dataset of ids must have {columns[name].rank} axes, the first "
                f"one of the rows of a batch; received elements {spec}."
            )
    rank = 2 if model.label_per_token or model.output_form().multi_label else 1
    for label in parts[1:2]:
        several = label.shape[-1:] == [1] or _takes_rows(model)
        column = label.shape.rank == rank + 1 and several
        if label.shape.rank not in (None, rank) and not column:
            raise ValueError(f"`y` must have {rank} axes; received elements {spec}.")
    dataset = dataset.map(lambda *parts: _checked(model, columns, rank, *parts))
    return without_threads(dataset)


def _checked(model, columns, rank, x, y=None, weights=None):
    """A batch of ids as it came, with operations that stop where a number is wrong."""
    tf = tensorflow()
    checks = []

    def inside(name, numbers, limit, beside):
        more = tf.shape(x[beside])[1] if beside else 0
        limit = tf.cast(limit + more, numbers.dtype)
        right = tf.reduce_all((numbers >= 0) & (numbers < limit))
        message = f"{_quoted(name)} must hold integers from 0 on and below"
        checks.append(tf.Assert(right, [message, limit, "; received", numbers]))

    for name, numbers in x.items():
        column = columns[name]
        limit = numbers.dtype.max if column.limit is None else column.limit
        inside(f"x[{name!r}]", numbers, limit, column.beside)
    if y is not None and model.label_limit is None:
        numbers = tf.cast(y, "float32")
        padding = tf.math.is_nan(numbers) & model.label_per_token
        finite = tf.reduce_all(tf.math.is_finite(numbers) | padding)
        checks.append(tf.Assert(finite, ["`y` must be finite; received", y]))
    elif y is not None:
        if y.shape.rank == rank + 1:
            y = y[..., 0]
        if y.dtype.is_floating:
            whole = tf.reduce_all(y == tf.round(y))
            checks.append(tf.Assert(whole, ["`y` must hold integers; received", y]))
        y = tf.cast(y, "int32")
        beside = columns[model.labelled].beside if model.label_per_token else None
        inside("y", y, 2 if model.output_form().multi_label else model.label_limit, beside)
    if weights is not None:
        weights = tf.debugging.assert_all_finite(weights, "`sample_weight` must be finite")
    with tf.control_dependencies(checks):
        x = {name: tf.identity(numbers) for name, numbers in x.items()}
    return (x,) if y is None else (x, y) if weights is None else (x, y, weights)


def _neither(columns, x):
    return ValueError(
        f"`x` must hold texts, or be the dict of ids that `call` takes, {_named(columns)}; "
        f"received {_described(x)}."
    )


def check_weights(weights):
    """Return weights as a float array, or raise a `ValueError` for what is no finite number."""
    return _finite("sample_weight", weights)


def unequal(model, sources, targets):
    """Return the error that there are so many of what belongs together."""
    source, target = model.words
    return ValueError(
        f"There must be one {target} for each {source}; received {sources} {source}s and "
        f"{targets} {target}s."
    )


def _finite(name, value, padded=False):
    """A NumPy array of finite numbers; where `padded` NaN is padding."""
    array = np.asarray(_array(name, value))
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must hold numbers; received {array.dtype}.")
    wrong = np.isinf(array) if padded else ~np.isfinite(array)
    if wrong.any():
        place = np.argwhere(wrong)[0].tolist()
        raise ValueError(f"`{name}` must be finite; received {array[tuple(place)]} at {place}.")
    return array


def _takes_rows(model):
    """Whether several numbers may belong to a text."""
    return model.label_limit is None and not model.label_per_token


def _check_labels(model, y, count, arrays):
    limit = model.label_limit
    values, per_token = limit is None, model.label_per_token
    y = _finite("y", y, padded=per_token) if values else _numbers("y", y, whole=True)
    if not per_token:
        shape = (count, limit) if model.output_form().multi_label else (count,)
        limit = 2 if len(shape) == 2 else limit
    else:
        shape = arrays[model.labelled].shape
        beside = model.id_columns()[model.labelled].beside
        limit = limit and limit + (arrays[beside].shape[1] if beside else 0)
    if y.shape == (*shape, 1):  # one column of labels
        y = y[..., 0]
    elif _takes_rows(model):
        shape += y.shape[1:2]
    if y.shape[:1] != shape[:1]:
        raise unequal(model, count, len(y) if y.ndim else "no")
    if y.shape != shape:
        raise ValueError(f"`y` must have the shape {shape}; received {y.shape}.")
    if not values:
        _check_range("y", y, limit)
    return y


def _check_weights(weights, y, per_token):
    array = check_weights(weights)
    if array.shape == (len(y), 1):
        array = array[:, 0]
    shapes = [y.shape[:1], y.shape] if per_token else [y.shape[:1]]
    if array.shape not in shapes:
        wanted = " or ".join(map(str, shapes))
        raise ValueError(f"`sample_weight` must have the shape {wanted}; received {array.shape}.")
    return array.astype("float32")


def _check_names(x, columns):
    missing = [name for name, column in columns.items() if column.needed and name not in x]
    unknown = [name for name in x if name not in columns]
    for what, names in (("lacks", missing), ("does not know", unknown)):
        if names:
            what = f"it {what}" if names is missing else f"the model {what}"
            raise ValueError(
                f"`x` must be the dict of ids that `call` takes, {_named(columns)}; {what} "
                f"{', '.join(map(repr, names))}."
            )


def _numbers(name, value, whole=False):
    """A NumPy array of integers; with `whole`, of floats and booleans that are integers too."""
    array = np.asarray(_array(name, value))
    if array.dtype.kind in "iu":
        return array
    if whole and (array.dtype.kind == "b" or _all_whole(array)):
        return array.astype("int32")
    raise ValueError(f"{_quoted(name)} must hold integers; received {array.dtype}.")


def _all_whole(array):
    return array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.rint(array)).all()


def _array(name, value):
    try:
        return ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{_quoted(name)} must be an array; received {value!r:.80}.") from error


def _check_rank(name, array, rank):
    if array.ndim != rank:
        raise ValueError(f"{name} must have {rank} axes; received the shape {array.shape}.")
    if not array.size:
        raise ValueError(f"{name} is empty: received the shape {array.shape}.")


def _check_range(name, array, limit):
    most = np.inf if limit is None else limit
    if array.size and not (array.min() >= 0 and array.max() < most):
        wrong = np.argwhere((array < 0) | (array >= most))[0].tolist()
        inside = "not be negative" if limit is None else f"be in [0, {limit})"
        raise ValueError(
            f"{_quoted(name)} must {inside}; received {array[tuple(wrong)]} at {wrong}."
        )


def _quoted(name):
    return name if "[" in name else f"`{name}`"


def _is_list(x):
    return isinstance(x, (list, tuple))


def _named(columns):
    names = [f"{name!r}: ..." for name, column in columns.items() if column.needed]
    return "{" + ", ".join(names) + "}"


def _described(x):
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        dtype = keras.backend.standardize_dtype(x.dtype) if keras.ops.is_tensor(x) else x.dtype
        return f"an array of {dtype}, of the shape {tuple(x.shape)}"
    return f"{x!r:.60} of type {type(x).__name__}"
