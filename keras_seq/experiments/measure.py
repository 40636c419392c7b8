"""One run of a comparison: train a classifier, let it answer, measure both."""

import itertools
import time

import keras
import numpy as np

from keras_seq._processes import forget_largest, largest_memory
from keras_seq.callbacks import TimeLimit
from keras_seq.experiments.architectures import make_model
from keras_seq.experiments.data import ComparisonData
from keras_seq.experiments.settings import ComparisonSettings
from keras_seq.models.classification.text_classifier import TextClassifier
from keras_seq.text import WordTokenizer

TIMED_TEXTS = 1_000
TIMES = 5


def run(read, isolated=True):
    """Train one architecture and measure it, as `runner.run_all` calls it.

    Args:
        read: a function that gives the arguments, a dict: `packed`, the architecture; `data`;
            `settings`; and `seed`, of weights, dropout and the order of the texts.
        isolated: whether this process is there for the run alone, and its memory is measured.

    Returns:
        A dict with what `compare` says of a result, but for name and settings.
    """
    if isolated:
        _load_libraries()
        before = forget_largest()
    arguments = read()
    if isolated:
        keras.config.set_dtype_policy(arguments["dtype_policy"])
    data = ComparisonData(**arguments["data"])
    settings = ComparisonSettings(**arguments["settings"])
    keras.utils.set_random_seed(arguments["seed"])
    began = time.perf_counter()
    model = make_model(arguments["packed"], *data.train, settings)
    if isinstance(model, TextClassifier):
        epochs = train(model, data, settings)
    else:
        model.fit(*(list(part) for part in data.train))
        epochs = []
    seconds = time.perf_counter() - began
    answered = answers(model, data.test[0])
    measured = {
        "seed": arguments["seed"],
        "accuracy": accuracy(data.test[1], answered),
        "macro_f1": macro_f1(data.test[1], answered),
        "dev_accuracy": accuracy(data.dev[1], answers(model, data.dev[0])),
        "parameters": int(model.count_params()) if hasattr(model, "count_params") else None,
        "training_seconds": seconds,
        "epochs": len(epochs) or None,
        "seconds_per_epoch": float(np.median(epochs)) if epochs else None,
        "seconds_per_1000": seconds_per_1000(model, data.test[0]),
    }
    total = largest_memory() if isolated else None
    memory = None if total is None else total - before
    return {**measured, "memory": memory, "total_memory": total}


def _load_libraries():
    """Load all that any run loads, and start TensorFlow, which the tokenizers are made of."""
    import sklearn.feature_extraction.text
    import sklearn.linear_model
    import sklearn.metrics  # noqa: F401

    WordTokenizer.from_texts(["a"]).tokenize(["a"])


class Watch(keras.callbacks.Callback):
    """Times the epochs, and stops when the model is good enough.

    Args:
        enough: the `val_accuracy` that is enough, twice in a row; or `None`.

    Attributes:
        seconds: of each epoch, validation included.
        accuracies: the `val_accuracy` of each epoch.
    """

    def __init__(self, enough=None):
        super().__init__()
        self.enough = enough
        self.seconds = []
        self.accuracies = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)
        self.accuracies.append(logs["val_accuracy"])
        if self.enough is None or len(self.accuracies) < 2:
            return
        if min(self.accuracies[-2:]) >= self.enough:
            self.model.stop_training = True


def train(model, data, settings):
    """Train a `TextClassifier`, and return the seconds of each epoch.

    It is left with the weights of the epoch with the highest accuracy on the development part.
    """
    watch = Watch(settings.enough)
    limits = [] if settings.minutes is None else [TimeLimit(settings.minutes, decay=False)]
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=settings.patience, restore_best_weights=True
    )
    optimizer = keras.optimizers.Adam(settings.learning_rate, global_clipnorm=settings.clip_norm)
    model.compile(optimizer)
    texts, labels = data.train
    model.fit(
        texts,
        labels,
        validation_data=data.dev,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        callbacks=[best, watch, *limits],
        verbose=0,
    )
    return watch.seconds


def answers(model, texts):
    """The names of the classes that a model gives to texts, a list of str."""
    if isinstance(model, TextClassifier):
        # `classify` names no class for a blank text; here each must have one.
        return model.classes.decode(model.predict(texts, verbose=0))
    answered = np.asarray(model.predict(list(texts))).tolist()
    if not isinstance(answered, list) or len(answered) != len(texts):
        raise ValueError(
            f"`predict` of {model!r} must give one label for each of {len(texts)} texts; received "
            f"{answered!r}."
        )
    return [str(label) for label in answered]


def accuracy(labels, answered):
    """The share of the texts that got their label."""
    return float(np.mean([label == answer for label, answer in zip(labels, answered, strict=True)]))


def macro_f1(labels, answered):
    """The mean over the classes that occur among the labels of F1 = 2 right / (given + true)."""
    from sklearn.metrics import f1_score

    present = sorted(set(labels))
    return float(f1_score(labels, answered, labels=present, average="macro", zero_division=0))


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
