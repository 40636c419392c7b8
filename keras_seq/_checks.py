"""From what a user writes (`"lstm"`, a config, an instance, a number) to an object."""

import functools
import math
import numbers
import re

from keras_seq._registry import constructor


def resolve(identifier, choices, what, base=object, **arguments):
    """Return the object that `identifier` stands for.

    Args:
        identifier: a name in `choices`, a config as from `keras.saving.serialize_keras_object`,
            a class, or an instance.
        choices: a dict from name to a callable that makes the object, as in `_registry`.
        what: what is looked for, for the error message (`"cell"`).
        base: the class that the object must be an instance of.
        **arguments: passed to the callable when a name or a class was given.

    Raises:
        ValueError: for an unknown name or an object of another kind.
    """
    known = ", ".join(repr(name) for name in choices)
    if isinstance(identifier, str):
        name = identifier.lower()
        if name not in choices:
            raise ValueError(f"Unknown {what} {identifier!r}. Choose one of {known}.")
        return constructor(choices, name)(**arguments)
    if isinstance(identifier, dict):
        import keras  # data sets use this file, and do without

        found = keras.saving.deserialize_keras_object(identifier)
    elif isinstance(identifier, type):
        found = identifier(**arguments)
    else:
        found = identifier
    if not isinstance(found, base):
        raise ValueError(
            f"`{what}` must be one of {known}, a config, or an instance of "
            f"{base.__name__}; received {identifier!r} (of type {type(identifier).__name__})."
        )
    return found


def resolve_layer(identifier, choices, what, base, **arguments):
    """`resolve` for a layer inside of another one, whose name goes into the config of that one.

    Made by a name in `choices`, it is called what Keras calls the first layer of its class: an
    automatic name would depend on what else the process has made.
    """
    if isinstance(identifier, str) and identifier.lower() in choices:
        kind = constructor(choices, identifier.lower())
        kind = kind.func if isinstance(kind, functools.partial) else kind
        words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind.__name__)
        arguments["name"] = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
    return resolve(identifier, choices, what, base, **arguments)


def unbuilt_config(layer):
    """The config of a layer, or of `None`, inside of another one, which will build it."""
    import keras

    found = keras.saving.serialize_keras_object(layer)
    return found and {key: value for key, value in found.items() if key != "build_config"}


def fresh(initializer):
    """Return a copy of `initializer` that draws other numbers.

    One Keras initialiser called twice for one shape gives the same numbers twice, unless it is
    copied; a seed that a user chose is kept.
    """
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def as_integer(value):
    """Return the `int` that `value` is, one of NumPy too, or `None` for anything else."""
    integral = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return int(value) if integral else None


def as_number(value):
    """Return the `int` or `float` that `value` is, one of NumPy too, or `None`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def check_positive(name, value):
    """Return `value` as an `int`; a `ValueError` unless it is an integer above 0."""
    number = as_integer(value)
    if number is None or number <= 0:
        raise ValueError(f"`{name}` must be an integer above 0; received {value!r}.")
    return number


def check_at_least(name, value, least, why=""):
    """Return `value` as an `int`; a `ValueError` unless it is an integer of at least `least`."""
    number = as_integer(value)
    if number is None or number < least:
        least = f"{least} ({why})" if why else least
        raise ValueError(f"`{name}` must be an integer of at least {least}; received {value!r}.")
    return number


def check_number(name, value, least, above=False):
    """Return `value` as a `float`; a `ValueError` unless it is finite, and at least `least`.

    With `above` it must be above `least`.
    """
    number = as_number(value)
    if number is None or not math.isfinite(number) or number < least or (above and number == least):
        bound = f"{'above' if above else 'of at least'} {least:g}"
        raise ValueError(f"`{name}` must be a finite number {bound}; received {value!r}.")
    return float(number)


def check_count(name, value):
    """Return `value` as an `int`; a `ValueError` unless it is an integer of at least 0."""
    return check_at_least(name, value, 0)


def check_batch_size(value, default=None):
    """Return a number of rows as an `int`, or `default` for `None`; a `ValueError` for others."""
    return default if value is None else check_positive("batch_size", value)


def check_rate(name, value):
    """Return `value` as a number of Python; a `ValueError` unless it is in [0, 1)."""
    number = as_number(value)
    if number is None or not 0 <= number < 1:
        raise ValueError(f"`{name}` must be a number in [0, 1); received {value!r}.")
    return number


def check_choice(name, value, choices):
    """Raise a `ValueError` unless `value` is one of `choices`."""
    if value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {known}; received {value!r}.")
    return value


def check_pairs(sources, targets):
    """Raise a `ValueError` unless there are as many sources as targets, and at least one."""
    if len(sources) != len(targets) or not len(sources):
        raise ValueError(
            "There must be one target for each source, and at least one; received "
            f"{len(sources)} sources and {len(targets)} targets."
        )
