"""One run of a comparison in a process of its own."""

import dataclasses

import keras

from keras_seq._processes import forget_largest, in_a_process, largest_memory
from keras_seq.models.comparison.data import ComparisonData
from keras_seq.models.comparison.run import run
from keras_seq.models.comparison.settings import ComparisonSettings
from keras_seq.text import WordTokenizer


def isolated_run(name, packed, data, settings, seed):
    """The same as `run`, with `memory` and `total_memory`.

    Args:
        name: of the architecture, for messages.
        packed, data, settings, seed: as `run` takes them.
    """
    given = {
        "packed": packed,
        "data": dataclasses.asdict(data),
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "dtype_policy": keras.config.dtype_policy().name,
    }
    return in_a_process(measured_run, given, f"The run of {name}, seed {seed},")


def measured_run(read):
    """The part of the new process."""
    _load_libraries()
    before = forget_largest()
    given = read()
    keras.config.set_dtype_policy(given["dtype_policy"])
    settings = ComparisonSettings(**given["settings"])
    data = ComparisonData(**given["data"])
    found = run(given["packed"], data, settings, given["seed"])
    total = largest_memory()
    return {**found, "memory": None if total is None else total - before, "total_memory": total}


def _load_libraries():
    """Load all that any run loads, and start TensorFlow, which the tokenizers are made of."""
    import sklearn.feature_extraction.text
    import sklearn.linear_model
    import sklearn.metrics  # noqa: F401

    WordTokenizer.from_texts(["a"]).tokenize(["a"])
