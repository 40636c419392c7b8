"""Batches that several devices share in training and evaluation."""

import hashlib
import pathlib
import tempfile

import numpy as np

from keras_seq.backend import (
    distribute,
    own_shares,
    replicas,
    saves_together,
    workers,
    workers_sum,
)
from keras_seq.text.shares import even_batches, rows_of_worker


def check_divisible(name, size, model):
    """Return `size`, the rows of a batch; a `ValueError` unless all devices get as many of them."""
    count = replicas(model)
    if size % count:
        raise ValueError(
            f"`{name}` must be a multiple of {count}, the number of devices that share a batch; "
            f"received {size}."
        )
    return size


def among_devices(model, arguments):
    """Return the arguments of Keras's `fit` or `evaluate` with batches that the devices share.

    All workers make the same batches, from the seed, and each reads its rows of them: so each has
    as many batches, of as many rows and steps, and no row is dropped or seen twice.

    Args:
        model: the `Task`.
        arguments: `x` has what gives `(x, y, sample_weight)`, and so has `validation_data`.
    """
    count = replicas(model)
    if count == 1:
        return arguments
    if not model.fills_batches():
        raise ValueError(
            "On several devices batches are filled up with rows of weight 0: losses and metrics "
            "must take a `sample_weight`; received a metric whose `update_state` takes none."
        )
    shared = dict(arguments)
    made = {"the state of NumPy's generator (`keras.utils.set_random_seed`)": _random_state()}
    for name in ("x", "validation_data"):
        batches = arguments.get(name)
        if batches is None:
            continue
        if arguments.get("y") is not None or isinstance(batches, (dict, tuple)):
            raise ValueError(
                f"On several devices `{name}` must be texts; received ids prepared by hand."
            )
        batches = even_batches(batches, count, model.label_per_token)
        shared[name] = distribute(model, batches, rows_of_worker)
        made[f"the number of batches in `{name}`"] = _count(batches)
    check_agreement(made, model)
    return shared


def check_agreement(values, model=None):
    """Raise a `ValueError`, on all workers, unless they all have the same values.

    Args:
        values: from what it is called to anything with a `repr`.
        model: the `Task`, where there is one.
    """
    count, index = workers(model)
    if count == 1:
        return
    digests = [hashlib.sha256(repr(value).encode()).digest()[:3] for value in values.values()]
    table = np.zeros((count, len(digests)), "float32")
    table[index] = [int.from_bytes(digest, "big") for digest in digests]  # exact in a float32
    table = workers_sum(table, model)
    for name, column in zip(values, table.T, strict=True):
        others = np.flatnonzero(column != column[0])
        if len(others):
            raise ValueError(
                f"All workers must have the same of everything; {name} of worker {others[0]} "
                "differs from that of worker 0."
            )


def written_once(model, write):
    """Call `write` on the first worker alone; all of them go on when that is done."""
    count, index = workers(model)
    if index == 0:
        with own_shares(divided=False):  # nothing that is made meanwhile waits for the others
            write()
    if count > 1:
        workers_sum(np.zeros(1, "float32"), model)


def saved_once(model, path):
    """Save a model on the first worker; all of them go on when that is done.

    Where `saves_together`, the others save too, into a folder that goes: Keras makes an optimizer
    each time it saves one, and its variables wait for all workers.
    """
    _, index = workers(model)
    if index and saves_together:
        with tempfile.TemporaryDirectory() as folder:
            model.save(pathlib.Path(folder) / pathlib.Path(path).name)
    written_once(model, lambda: model.save(path))


def _random_state():
    _, keys, *place = np.random.get_state()
    return keys.tobytes(), place


def _count(batches):
    """How many there are, or `None`."""
    return int(batches.cardinality()) if hasattr(batches, "cardinality") else None
