"""Batches that several devices share in training and evaluation."""

import hashlib
import json
import re

import numpy as np

from keras_seq.backend import (
    alone,
    distribute,
    predicts_together,
    replicas,
    workers,
    workers_sum,
)
from keras_seq.text.shares import even_batches, first_batch, rows_of_worker
from keras_seq.text.stream_share import share_of


def check_divisible(name, size, model):
    """Return `size`, the rows of a batch; a `ValueError` unless all devices get as many of them."""
    count = replicas(model)
    if size % count:
        raise ValueError(
            f"`{name}` must be a multiple of {count}, the number of devices that share a batch; "
            f"received {size}."
        )
    return size


def check_texts(model):
    """Raise a `ValueError` where several devices would share batches of ids."""
    count = replicas(model)
    if count > 1:
        raise ValueError(
            f"{count} devices share batches of texts, which are made for all of them; received "
            "ids prepared by hand: give `fit` and `evaluate` the texts, or take one device."
        )


def among_devices(model, arguments):
    """Return the arguments of Keras's `fit` or `evaluate` with batches that the devices share.

    All workers make the same batches, from the seed, and each reads its rows of them: so each has
    as many batches, of as many rows and steps, and no row is dropped or seen twice. What is made
    of a `StreamShare` has the rows of one worker already.

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
    shared, several = dict(arguments), workers(model)[0] > 1
    made = {"the state of NumPy's generator (`keras.utils.set_random_seed`)": _random_state()}
    made["the vocabulary, or another argument of the model,"] = _config(model)
    for name in ("x", "validation_data"):
        batches = arguments.get(name)
        if batches is None:
            continue
        share = share_of(batches)
        here = count // share.count if share else count
        batches = even_batches(batches, here, model.label_per_token)
        first = "a share" if share else None
        if several and not share:
            first, batches = first_batch(batches)
        made[f"the first batch of `{name}`, which each makes of all the data,"] = first
        made[f"the number of batches in `{name}`"] = _count(batches)
        shared[name] = distribute(model, batches, rows_of_worker, whole=not share)
    check_agreement(made, model)
    return shared


def check_predicts_alone(model):
    """Raise a `ValueError` where Keras's `predict` would wait for the other workers."""
    count, _ = workers(model)
    if count > 1 and predicts_together:
        raise ValueError(
            f"`predict` on one of {count} workers must get texts, and neither `steps` nor "
            "`callbacks`: with these, and for ids, Keras waits for all workers."
        )


def check_share(share, model):
    """Return a `StreamShare` that the workers divide a stream by; `None` for one worker alone.

    Raises:
        ValueError: for a share of another number of workers, or of another worker.
    """
    count, index = workers(model)
    if share is None or count == 1:
        return None
    if (share.count, share.index) != (count, index):
        raise ValueError(
            f"A stream must be whole, or the shard({count}, {index}) of it that belongs to this "
            f"worker; received shard({share.count}, {share.index})."
        )
    return share


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
        alone(write)
    if count > 1:
        workers_sum(np.zeros(1, "float32"), model)


def saved_once(model, path):
    """Save a model on the first worker; all of them go on when that is done."""
    written_once(model, lambda: model.save(path))


def _random_state():
    _, keys, *place = np.random.get_state()
    return keys.tobytes(), place


def _config(model):
    """All that a model is made of, but for the numbers that Keras puts behind names."""
    try:
        config = model.get_config()
    except NotImplementedError:  # a class of a user's own
        return None
    text = json.dumps(config, default=lambda part: type(part).__name__)
    return re.sub(r'("name": "[^"]*?)_\d+"', r'\1"', text)


def _count(batches):
    """How many there are, or `None`."""
    return int(batches.cardinality()) if hasattr(batches, "cardinality") else None
