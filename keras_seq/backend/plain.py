"""Functions of `api.Backend` for backends that need nothing of their own there."""

import contextlib

import keras

compiles_singly = False
jit_pays = False
keeps_values_aside = False
takes_tf_data = False
one_process_a_device = False
predicts_together = False


def tanh(x):
    return keras.ops.tanh(x)


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    return None


def fused_both(kind, inputs, states, weights, mask=None):
    return None


def fused_step(kind):
    return None


def straight(function, variables=()):
    """A step within a compiled search is compiled with it."""
    del variables
    return function


def portable():
    """Nothing in a graph needs a compiler."""
    return contextlib.nullcontext()


def synchronize(model):
    """Variables always hold their newest values."""


def kept_on_error(model):
    """A step that breaks off changes nothing."""
    return contextlib.nullcontext()


def guarded(model, function):
    return function


def random_state():
    """No layer of Keras draws from global generators."""
    return []


def set_random_state(states):
    pass


def replicas(model=None):
    return 1


def workers(model=None):
    return 1, 0


def parts(model=None):
    return 1


def scope(model):
    return contextlib.nullcontext()


def variables_of_replicas():
    return contextlib.nullcontext()


def own_shares(divided=True):
    return contextlib.nullcontext()


def alone(function):
    return function()


def workers_sum(array, model=None):
    return array


def part_of_batch(model, batch):
    return batch


def part_logs(logs):
    return logs


def replica_sum(x, name):
    return x


def added_up(loss):
    return loss


def shared_step(model):
    return None


def summed_over_workers(variables):
    return contextlib.nullcontext()
