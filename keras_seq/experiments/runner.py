"""Run the trainings of an experiment one after the other, each in a process of its own."""

import importlib
import itertools
import json
import numbers
import typing
from collections.abc import Callable

import keras

from keras_seq._checks import as_integer
from keras_seq._processes import in_a_process


class Run(typing.NamedTuple):
    """One training of an experiment."""

    what: str  # for messages, such as "The run of lstm, seed 0,"
    arguments: dict  # of the function that trains and measures, ready for JSON if isolated
    complete: Callable  # from what was measured, a dict, to the result, a dict


def run_all(measure, groups, isolate, report=None):
    """Train and measure each run, and return a list of the results.

    Args:
        measure: a function `(read, isolated) -> dict`, where `read()` gives the arguments of a run.
            In a process of its own it can prepare before they come.
        groups: an iterable of iterables of `Run`.
        isolate: whether each run has a process of its own. It gets the dtype policy of this one.
        report: a function that is called with each result as it comes.
    """
    results = []
    for run in itertools.chain.from_iterable(groups):
        if isolate:
            policy = {"dtype_policy": keras.config.dtype_policy().name}
            measured = in_a_process(measure, {**run.arguments, **policy}, run.what)
        else:
            measured = measure(lambda arguments=run.arguments: arguments, isolated=False)
        results.append(run.complete(measured))
        if report is not None:
            report(results[-1])
    return results


def named(what, things):
    """Return a dict from name to thing for such a dict, a list or one name, and refuse none."""
    if isinstance(things, str):
        things = [things]
    if not isinstance(things, dict):
        things = {str(getattr(thing, "name", thing)): thing for thing in things}
    return dict(filled(what, things))


def filled(what, things):
    """Return `things`, or raise a `ValueError` where there are none."""
    if not len(things):
        raise ValueError(f"There must be {what}; received none.")
    return things


def check_seeds(seeds):
    """Return seeds as a list, or raise a `ValueError`; one number is one seed."""
    seeds = [seeds] if isinstance(seeds, numbers.Integral) else list(seeds)
    integers = [as_integer(seed) for seed in seeds]
    if not seeds or None in integers or min(integers) < 0:
        raise ValueError(f"`seeds` must be whole numbers from 0 on; received {seeds!r}.")
    return integers


def pack(name, thing, isolate):
    """Return a name, a dict, a layer or a function as `unpack` takes it.

    It is in JSON if another process shall read it. A dict is in any case, so that each run has
    layers of its own.
    """
    if isinstance(thing, dict) or (isolate and isinstance(thing, keras.layers.Layer)):
        packed = keras.saving.serialize_keras_object(thing)
        try:
            json.dumps(packed)
        except TypeError as error:
            raise ValueError(
                f"The arguments of {name!r} cannot be written down: {error}."
            ) from None
        return packed
    if isinstance(thing, str) or not isolate:
        return thing
    module, place = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "<>")
    if module in (None, "__main__") or not place.isidentifier():
        raise ValueError(
            f"{name!r} cannot be measured in a process of its own, which must be able to import "
            f"its function: put it into a module, by a name of its own, or say isolate=False; "
            f"received {thing!r}."
        )
    return {"function": f"{module}:{place}"}


def unpack(packed):
    """Return a name, a function, a layer, or a dict of arguments."""
    if isinstance(packed, dict) and set(packed) == {"function"}:
        module, _, name = packed["function"].partition(":")
        return getattr(importlib.import_module(module), name)
    return keras.saving.deserialize_keras_object(packed) if isinstance(packed, dict) else packed
