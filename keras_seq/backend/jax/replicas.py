"""Several devices that share the batches of a training, on JAX: `keras.distribution`.

A step sees the whole batch, whose rows lie on the devices; XLA lets them talk.
"""

import contextlib
import itertools
import math
import os

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils

from keras_seq.backend.devices import check_devices, check_port, ends_after

broken_connection = (jax.errors.JaxRuntimeError,)
AGREED = 64  # batches whose lengths the workers tell each other at once
HEARTBEAT = 30  # seconds after which a process that says nothing is taken for dead


def replicas(model=None):
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.num_model_replicas


def workers(model=None):
    distribution = keras.distribution.distribution()
    if distribution is None or distribution.num_processes == 1:
        return 1, 0
    count = min(distribution.num_processes, distribution.num_model_replicas)
    return count, distribution.data_shard_id


def distribute(model, batches, cut, whole=True):
    return cut(batches, *workers()) if whole else _OfOneLength(batches)


class _OfOneLength(keras.utils.PyDataset):
    """Batches of one worker, as long as those of the others: a step is one for all devices.

    They are made in their order. That of many is agreed on at once, as one waits for the others.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return int(self.batches.cardinality())

    def __getitem__(self, number):
        if number == 0:
            self._epoch = self._padded()
        return next(self._epoch)

    def _padded(self):
        batches = self.batches.as_numpy_iterator()
        while many := list(itertools.islice(batches, AGREED)):
            widths = np.array([[*map(_width, jax.tree.leaves(batch))] for batch in many], "int32")
            widths = multihost_utils.process_allgather(widths).max(axis=0)
            for batch, longest in zip(many, widths.tolist(), strict=True):
                leaves, form = jax.tree.flatten(batch)  # the last two are labels and weights
                padding = [0] * len(leaves)
                padding[-2] = np.nan if leaves[-2].dtype.kind == "f" else 0
                yield jax.tree.unflatten(form, map(_padded_to, leaves, longest, padding))


def _width(array):
    return array.shape[1] if array.ndim > 1 else 0


def _padded_to(array, width, value):
    if array.ndim < 2:
        return array
    padding = [(0, 0), (0, width - array.shape[1]), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(array, padding, constant_values=value)


@contextlib.contextmanager
def own_shares(divided=True):
    """Keras would cut the batches once more, and takes nothing but a `tf.data.Dataset` for it."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        yield
        return
    before, distribution.auto_shard_dataset = distribution.auto_shard_dataset, False
    keras.distribution.set_distribution(distribution if divided else None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
        distribution.auto_shard_dataset = before


def alone(function):
    with own_shares(divided=False):
        return function()


def workers_sum(array, model=None):
    if workers(model)[0] == 1:
        return array
    return multihost_utils.process_allgather(array).sum(axis=0)


def use_devices(count):
    if "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        with contextlib.suppress(RuntimeError):  # JAX runs already
            jax.config.update("jax_num_cpu_devices", min(max(count, 1), os.cpu_count()))
    devices = keras.distribution.list_devices()
    check_devices(count, len(devices))
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:count]))
    return contextlib.nullcontext()


def join_workers(addresses, count, index, timeout):
    if index == 0:
        check_port(addresses[0])
    with ends_after(timeout, count, addresses[0], *addresses[: min(index, 1)]):
        jax.distributed.initialize(
            addresses[0],
            count,
            index,
            initialization_timeout=math.ceil(timeout) + HEARTBEAT,  # later than `ends_after`
            heartbeat_timeout_seconds=HEARTBEAT,
        )
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    return contextlib.nullcontext()
