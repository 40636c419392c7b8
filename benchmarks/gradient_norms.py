"""What `GradientNorms` costs: a training step with it, beside one without.

    KERAS_BACKEND=torch python -m benchmarks.gradient_norms [--json FILE] [--quick] [--repeats N]

Both are a real `fit` of the same model on one batch, in the same process, in turns. What is
counted is the mean of all steps but the first, so that the fetching of the norms is in it. The
ratio is the median of those of the rounds.
"""

import dataclasses
import statistics

import torch  # noqa: F401  # isort: skip  (before TensorFlow: after it, it can crash)

import keras
import numpy as np

from benchmarks import timing
from benchmarks.steps import StepClock
from keras_seq import layers
from keras_seq._tensorflow import tensorflow
from keras_seq.callbacks import GradientNorms
from keras_seq.text.pipeline import without_threads

SIZE = (64, 40, 256)  # batch, steps, units
QUICK = (3, 5, 4)
VOCABULARY = 8000
STEPS = 40  # training steps of each round


@dataclasses.dataclass(frozen=True)
class Kind:
    """A model, and how its optimiser clips."""

    name: str
    words: bool
    clipping: dict

    def make(self, size, vocabulary):
        """The compiled model: words or vectors -> LSTM -> Dense(1)."""
        _, steps, units = size
        if self.words:
            first = [keras.Input((steps,)), keras.layers.Embedding(vocabulary, units)]
        else:
            first = [keras.Input((steps, units))]
        model = keras.Sequential([*first, layers.LSTM(units), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(**self.clipping), "mse")
        return model

    def batch(self, size, vocabulary):
        """`(inputs, targets)`."""
        batch, steps, units = size
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(batch, steps, units)).astype("float32")
        if self.words:
            inputs = rng.integers(vocabulary, size=(batch, steps)).astype("int32")
        return inputs, rng.normal(size=(batch, 1)).astype("float32")


KINDS = [
    Kind("vectors", False, {}),
    Kind("words", True, {}),
    Kind("words, global_clipnorm", True, {"global_clipnorm": 1.0}),
]


def mean_step(model, batch, steps, callbacks):
    """A function that runs `fit` for `steps` steps after one, and returns their mean seconds."""
    tf = tensorflow()
    with tf.device("CPU:0"):
        batch = tuple(map(tf.constant, batch))
        data = without_threads(tf.data.Dataset.from_tensors(batch).repeat(steps + 1))
    clock = StepClock()

    def run():
        model.fit(data, shuffle=False, verbose=0, callbacks=[*callbacks, clock])
        return statistics.mean(clock.seconds())

    return run


def compare(kind, size, options):
    """The result for one model."""
    vocabulary, steps = (9, 3) if options.quick else (VOCABULARY, STEPS)
    batch = kind.batch(size, vocabulary)
    callbacks = {"without": [], "with": [GradientNorms(warn=False)]}
    functions = {
        name: mean_step(kind.make(size, vocabulary), batch, steps, own)
        for name, own in callbacks.items()
    }
    seconds = timing.interleaved(functions, options.repeats, warmup=2)
    keras.backend.clear_session()
    ratios = [a / b for a, b in zip(seconds["with"], seconds["without"], strict=True)]
    spreads = {name: timing.spread(times) for name, times in seconds.items()}
    return {"model": kind.name, "size": size, **spreads, "ratio": timing.spread(ratios)}


def main():
    """Run all models and print a table."""
    options = timing.parser(__doc__, repeats=15).parse_args()
    report = timing.Report("gradient_norms", options, gemm=False)
    size = QUICK if options.quick else SIZE
    results = [compare(kind, size, options) for kind in KINDS]
    rows = [
        [
            one["model"],
            1e3 * one["without"]["median"],
            1e3 * one["with"]["median"],
            f"{one['ratio']['median']:.3f}",
            f"{one['ratio']['least']:.3f} to {one['ratio']['largest']:.3f}",
        ]
        for one in results
    ]
    title = "a training step, batch {}, {} steps, {} units".format(*size)
    headers = ["LSTM on", "without, ms", "with, ms", "ratio", "of the rounds"]
    report.add(title, headers, rows, results)


if __name__ == "__main__":
    main()
