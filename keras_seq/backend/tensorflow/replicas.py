"""Several devices that share the batches of a training, on TensorFlow: `tf.distribute`."""

import concurrent.futures
import json
import os

import keras
import tensorflow as tf

from keras_seq.backend.devices import check_devices, check_port, ends_after
from keras_seq.backend.stack import Stack

predicts_together = True
_totals = Stack()  # what the parts of a batch have together, while a step runs


def replicas(model=None):
    strategy = tf.distribute.get_strategy() if model is None else model.distribute_strategy
    return strategy.num_replicas_in_sync


def workers(model=None):
    strategy = tf.distribute.get_strategy() if model is None else model.distribute_strategy
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return 1, 0
    return resolver.cluster_spec().num_tasks("worker"), resolver.task_id


def parts(model=None):
    return replicas(model)


def scope(model):
    return model.distribute_strategy.scope()


def variables_of_replicas():
    """Each device has values of its own, which no other one sees."""

    def create(next_creator, **kwargs):
        kwargs["synchronization"] = tf.VariableSynchronization.ON_READ
        kwargs["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return next_creator(**kwargs)

    return tf.variable_creator_scope(create)


def distribute(model, batches, cut, whole=True):
    """A worker may have several devices, which take its parts of a batch in turn."""
    total, strategy = replicas(model), model.distribute_strategy

    def of_worker(context):
        here = total // context.num_input_pipelines
        there, first = (total, context.input_pipeline_id * here) if whole else (here, 0)

        def cut(x):
            shape = tf.concat([[there, tf.shape(x)[0] // there], tf.shape(x)[1:]], axis=0)
            parts = tf.reshape(x, shape)[first : first + here]
            return tf.ensure_shape(parts, [here, None, *x.shape[1:]])

        return batches.map(lambda *batch: tf.nest.map_structure(cut, batch)).unbatch()

    return _counted(strategy.distribute_datasets_from_function(of_worker), batches)


def _counted(parted, batches):
    """`parted` with the number of batches, where TensorFlow counts the parts of each worker."""

    class Counted(type(parted)):
        cardinality = int(batches.cardinality())

    parted.__class__ = Counted
    return parted


def part_of_batch(model, batch):
    """Keras takes a mean over the devices, which several workers cannot take of a dict."""
    strategy = model.distribute_strategy
    return tf.nest.map_structure(lambda x: strategy.experimental_local_results(x)[0], batch)


def part_logs(logs):
    """Keras takes a mean over the first axis, where several workers train."""
    several = not tf.distribute.in_cross_replica_context() and workers()[0] > 1
    return {name: value[None] for name, value in logs.items()} if several else logs


def replica_sum(x, name):
    if tf.distribute.in_cross_replica_context() or replicas() == 1:
        return x
    known = _totals.top()
    return _all_reduce(x) if known is None else known[name]


def _all_reduce(x):
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, x)


def added_up(loss):
    return loss


def shared_step(model):
    if replicas(model) == 1:
        return None

    def step(data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        # Before anything else: while one device waits for the others, these run, and the layers
        # that they share hold what a layer adds to the loss.
        named = model.batch_totals(x, y, sample_weight)
        totals = tf.unstack(_all_reduce(tf.stack([*named.values()])))
        with _totals.holding(dict(zip(named, totals, strict=True))):
            return train(x, y, sample_weight)

    def train(x, y, sample_weight):
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
            model.metrics[0].update_state(loss * parts())
            loss = model.optimizer.scale_loss(loss)
        variables, optimizer = model.trainable_weights, model.optimizer
        gradients = tape.gradient(loss, variables)
        record = getattr(optimizer, "record", None)  # `GradientNorms` is at work
        if record is not None or _clips(optimizer):
            gradients = _of_whole_batch(gradients)
            if record is not None:
                record.push(gradients, variables)
                optimizer = record.inner
            gradients = _on_first(gradients)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    return step


def _clips(optimizer):
    """Whether an optimizer looks at a gradient before it adds up those of all devices."""
    base = getattr(optimizer, "inner_optimizer", optimizer)
    return bool(base.clipnorm or base.global_clipnorm or base.clipvalue)


def _of_whole_batch(gradients):
    """The sums of the gradients over all devices."""
    places = [i for i, gradient in enumerate(gradients) if gradient is not None]
    added = _all_reduce([gradients[i] for i in places])
    for i, gradient in zip(places, added, strict=True):
        gradients[i] = gradient
    return gradients


def _on_first(gradients):
    """The gradients on the first device, and 0 on the others: their sum, which Keras takes."""
    is_first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)

    def kept(gradient):
        if gradient is None:
            return None
        if isinstance(gradient, tf.IndexedSlices):
            return tf.IndexedSlices(kept(gradient.values), gradient.indices, gradient.dense_shape)
        return tf.where(is_first, gradient, tf.zeros_like(gradient))

    return [kept(gradient) for gradient in gradients]


def alone(function):
    """A strategy holds in the thread that entered its scope, and in no other one."""
    if workers()[0] == 1:
        return function()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()


def workers_sum(array, model=None):
    if workers(model)[0] == 1:
        return array
    strategy = tf.distribute.get_strategy() if model is None else model.distribute_strategy
    here = strategy.num_replicas_in_sync // workers(model)[0]
    total = strategy.reduce(tf.distribute.ReduceOp.SUM, tf.constant(array), axis=None)
    return total.numpy() / here


broken_connection = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


def use_devices(count):
    gpus = tf.config.list_physical_devices("GPU")
    check_devices(count, len(gpus) or os.cpu_count())
    kind = "GPU" if gpus else "CPU"
    if not gpus:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parted = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parted)
    devices = [f"{kind}:{number}" for number in range(count)]
    return tf.distribute.MirroredStrategy(devices).scope()


def join_workers(addresses, count, index, timeout):
    task = {"type": "worker", "index": index}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
    check_port(addresses[index])
    others = [address for i, address in enumerate(addresses) if i != index]
    with ends_after(timeout, count, addresses[0], *others):
        return tf.distribute.MultiWorkerMirroredStrategy().scope()
