"""Several devices that share the batches of a training, on JAX: `keras.distribution`.

A step sees the whole batch, whose rows lie on the devices; XLA lets them talk.
"""

import contextlib
import os

import jax
import keras
from jax.experimental import multihost_utils

from keras_seq.backend.devices import check_devices, ends_after

broken_connection = (jax.errors.JaxRuntimeError,)
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


def distribute(model, batches, cut):
    return cut(batches, *workers())


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
    with ends_after(addresses[0], count, timeout):
        jax.distributed.initialize(addresses[0], count, index, heartbeat_timeout_seconds=HEARTBEAT)
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    return contextlib.nullcontext()
