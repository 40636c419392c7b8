"""Small tools of the tests: nests of arrays, gradients, configs."""

import socket

import keras
import numpy as np

from keras_seq.backend import compiled, compiles_singly, gradient
from keras_seq.testing.comparing import arrays, assert_close, weighted_sum  # noqa: F401


def array(tensor):
    """One tensor as a NumPy array."""
    return keras.ops.convert_to_numpy(tensor)


def free_port():
    """A port of this machine that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def shortened(cases, *kept):
    """All cases on PyTorch; on a backend that compiles each of them, those to be kept."""
    return [*cases] if keras.config.backend() == "torch" else list(kept)


def compiled_call(function, variables):
    """`function` of arrays, compiled where one operation at a time is slow."""
    run = compiled(function, variables) if compiles_singly else function
    return lambda *args: run(*keras.tree.map_structure(keras.ops.convert_to_tensor, args))


def weight_gradients(variables, function):
    """The gradients of the scalar `function()` with respect to Keras variables, as arrays."""

    def of_values(values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function()

    def gradients(values):
        return gradient(of_values, values)[1]

    if compiles_singly:
        gradients = compiled(gradients)
    return arrays(gradients([variable.value for variable in variables]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    """Softmax in float64; -inf is weight 0, and a row of nothing else is all 0."""
    largest = np.max(x, axis=axis, keepdims=True)
    powers = np.exp(x - np.where(np.isfinite(largest), largest, 0))
    total = powers.sum(axis=axis, keepdims=True)
    return powers / np.where(total == 0, 1, total)


def log_softmax(x):
    x = np.asarray(x, "float64")
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


class Killed(Exception):
    """Stands for a SIGKILL."""


class KillIn(keras.callbacks.Callback):
    """Breaks off in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise Killed
