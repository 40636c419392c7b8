"""One run of a comparison: train, answer, measure."""

import dataclasses
import itertools
import time

import keras
import numpy as np

from keras_seq.models.classification.text_classifier import TextClassifier
from keras_seq.models.comparison.architectures import make_model
from keras_seq.models.comparison.train import train

TIMED_TEXTS = 1_000
TIMES = 5


def run(packed, data, settings, seed):
    """Train one architecture and measure it, in this process.

    Args:
        packed: the architecture, as `architectures.pack` returned it.
        data: `ComparisonData`.
        settings: `ComparisonSettings`.
        seed: of weights, dropout and the order of the texts.

    Returns:
        A dict with what `compare` says of a result, but for name, memory and settings.
    """
    keras.utils.set_random_seed(seed)
    began = time.perf_counter()
    model = make_model(packed, *data.train, settings)
    if isinstance(model, TextClassifier):
        epochs = train(model, data, settings)
    else:
        model.fit(*(list(part) for part in data.train))
        epochs = []
    seconds = time.perf_counter() - began
    found = answers(model, data.test[0])
    return {
        "seed": seed,
        "accuracy": accuracy(data.test[1], found),
        "macro_f1": macro_f1(data.test[1], found),
        "dev_accuracy": accuracy(data.dev[1], answers(model, data.dev[0])),
        "parameters": int(model.count_params()) if hasattr(model, "count_params") else None,
        "training_seconds": seconds,
        "epochs": len(epochs) or None,
        "seconds_per_epoch": float(np.median(epochs)) if epochs else None,
        "seconds_per_1000": seconds_per_1000(model, data.test[0]),
    }


def about(data, settings):
    """The `settings` of a result, ready for JSON."""
    return {
        **dataclasses.asdict(settings),
        "backend": keras.config.backend(),
        "classes": len(set(data.train[1])),
        **{f"{name}_texts": len(getattr(data, name)[0]) for name in ("train", "dev", "test")},
    }


def answers(model, texts):
    """The names of the classes that a model gives to texts, a list of str."""
    if isinstance(model, TextClassifier):
        # `classify` names no class for a blank text; here each must have one.
        return model.classes.decode(model.predict(texts, verbose=0))
    found = np.asarray(model.predict(list(texts))).tolist()
    if not isinstance(found, list) or len(found) != len(texts):
        raise ValueError(
            f"`predict` must give one label for each of {len(texts)} texts; {model!r} gave "
            f"{found!r}."
        )
    return [str(label) for label in found]


def accuracy(labels, found):
    """The share of the texts that got their label."""
    return float(np.mean([one == other for one, other in zip(labels, found, strict=True)]))


def macro_f1(labels, found):
    """The mean over the classes that occur among the labels of F1 = 2 right / (given + true)."""
    from sklearn.metrics import f1_score

    present = sorted(set(labels))
    return float(f1_score(labels, found, labels=present, average="macro", zero_division=0))


def seconds_per_1000(model, texts):
    """The median time of answering 1,000 texts, after a warm-up on the same ones."""
    texts = list(itertools.islice(itertools.cycle(texts), TIMED_TEXTS))
    answers(model, texts)
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answers(model, texts)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1_000 / TIMED_TEXTS
