"""Seconds of one training step inside a real `fit`, and of the same loop in plain PyTorch."""

import itertools
import statistics
import time

import torch  # isort: skip  (before TensorFlow: after it, it can crash)

import keras

from keras_seq._tensorflow import tensorflow
from keras_seq.text.pipeline import without_threads


class StepClock(keras.callbacks.Callback):
    """Notes when each training step of a `fit` is done.

    The loss is read after each step, so that no step is still being computed when the next one
    begins; `fit` does so itself wherever it shows the loss.
    """

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])
        self.ends.append(time.perf_counter())

    def seconds(self):
        """Seconds of each step but the first, before which `fit` has its start-up."""
        return gaps(self.ends)


class Repeated(keras.utils.PyDataset):
    """The same batch so many times."""

    def __init__(self, batch, count):
        super().__init__()
        self.batch, self.count = batch, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.batch


def fit_step(model, batch, steps):
    """A function that runs `fit` for `steps` steps on one batch, and returns seconds per step.

    The batch comes out of a `tf.data.Dataset` on TensorFlow and out of a `keras.utils.PyDataset`
    elsewhere, as training data of the package does. What is returned is the median over the steps.

    Args:
        model: a compiled Keras model.
        batch: a tuple of nests of arrays, `(x, y)` or `(x, y, sample_weight)`.
        steps: how many steps are timed.
    """
    if keras.config.backend() == "tensorflow":
        tf = tensorflow()
        with tf.device("CPU:0"):
            batch = keras.tree.map_structure(tf.constant, batch)
            data = without_threads(tf.data.Dataset.from_tensors(batch).repeat(steps + 1))
    else:
        data = Repeated(batch, steps + 1)
    clock = StepClock()

    def run():
        model.fit(data, shuffle=False, verbose=0, callbacks=[clock])
        return statistics.median(clock.seconds())

    return run


def torch_step(step, steps):
    """The same for a function `step` that trains a PyTorch model once and reads the loss."""

    def run():
        ends = []
        for _ in range(steps + 1):
            step()
            ends.append(time.perf_counter())
        return statistics.median(gaps(ends))

    return run


def gaps(times):
    """What lies between each two of a list of times."""
    return [after - before for before, after in itertools.pairwise(times)]


def to_torch(array, device):
    """An array on the device of the PyTorch peers."""
    return torch.from_numpy(array).to(device)
