"""Functions of `api.Backend` for backends that need nothing of their own there."""

import contextlib

import keras

compiles_singly = False
jit_pays = False
keeps_values_aside = False
takes_tf_data = False


def tanh(x):
    return keras.ops.tanh(x)


def fused(kind, inputs, state, weights, mask=None, reverse=False):
    return None


def fused_both(kind, inputs, states, weights, mask=None):
    return None


def fused_step(kind):
    return None


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
