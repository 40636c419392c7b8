"""The architectures of a comparison by name, and those of a user."""

import inspect

from keras_seq.experiments.bag_of_words import BagOfWords
from keras_seq.experiments.runner import named, pack, unpack
from keras_seq.layers import (
    ConvolutionalEncoder,
    FeedForwardPooling,
    IdentityEncoder,
    SelfAttentionEncoder,
)
from keras_seq.models.classification.text_classifier import TextClassifier

# All else being equal: not what the recipe of a classifier adds for one kind of layer.
PLAIN = {"cell": "lstm", "pooling": "last", "variational": False, "token_dropout": 0.0}


def _bag_of_words(settings):
    words = _words(settings)
    return lambda texts, labels: BagOfWords(**words)


def _self_attention(settings):
    heads = next(n for n in (4, 2, 1) if settings.units % n == 0)
    encoder = SelfAttentionEncoder(
        settings.units, 1, heads, dropout=min(settings.dropout, 0.1), return_sequences=True
    )
    return {"encoder": encoder, "pooling": "mean"}


def _recurrent(cell, bidirectional=False):
    return lambda _: {"cell": cell, "bidirectional": bidirectional}


# From a name to a function of the settings that gives what a user may give too: the arguments of a
# `TextClassifier`, or a function (texts, labels) that makes a model.
ARCHITECTURES = {
    "bag_of_words": _bag_of_words,
    "mean_embedding": lambda settings: {
        "encoder": IdentityEncoder(),
        "pooling": FeedForwardPooling(settings.units),
    },
    "convolution": lambda settings: {
        "encoder": ConvolutionalEncoder(settings.units),
        "pooling": "max",
    },
    "vanilla": _recurrent("vanilla"),
    "lstm": _recurrent("lstm"),
    "bidirectional_lstm": _recurrent("lstm", bidirectional=True),
    "gru": _recurrent("gru"),
    "bidirectional_gru": _recurrent("gru", bidirectional=True),
    "min_gru": _recurrent("min_gru"),
    "self_attention": _self_attention,
}


def packed_architectures(architectures, isolate):
    """Return a dict from the name of a row to what stands behind it, as `pack` returns it.

    Args:
        architectures: names, or a dict from a name to a name, a function or a dict of arguments;
            all of `ARCHITECTURES` where `None`.
        isolate: whether each run has a process of its own.

    Raises:
        ValueError: for none, an unknown name, anything else than these, for arguments that
            `TextClassifier` does not have, and for what another process could not make.
    """
    if architectures is None:
        architectures = list(ARCHITECTURES)
    packed = {}
    for name, architecture in named("architectures to compare", architectures).items():
        if isinstance(architecture, str):
            if architecture not in ARCHITECTURES:
                raise ValueError(
                    f"Unknown architecture {architecture!r}. Choose from "
                    f"{', '.join(ARCHITECTURES)}."
                )
        elif isinstance(architecture, dict):
            _check_arguments(name, architecture)
        elif not callable(architecture):
            raise ValueError(
                f"The architecture {name!r} must be a name, a function (texts, labels) that makes "
                f"a model, or a dict of arguments of TextClassifier; received {architecture!r}."
            )
        packed[name] = pack(name, architecture, isolate)
    return packed


def _check_arguments(name, arguments):
    both = (TextClassifier, TextClassifier.from_texts)
    known = {key for function in both for key in inspect.signature(function).parameters}
    known -= {"texts", "labels", "tokenizer", "class_names", "multi_label", "config", "kwargs"}
    unknown = [key for key in arguments if key not in known]
    if unknown:
        raise ValueError(
            f"The architecture {name!r} has arguments that are not for it: {', '.join(unknown)}. "
            f"There are {', '.join(sorted(known))}."
        )


def make_model(packed, texts, labels, settings):
    """Return the untrained model: a `TextClassifier`, or an object with `fit` and `predict`."""
    architecture = unpack(packed)
    if isinstance(architecture, str):
        architecture = ARCHITECTURES[architecture](settings)
    if callable(architecture):
        return _checked(architecture(list(texts), list(labels)), architecture)
    shared = {
        **PLAIN,
        **_words(settings),
        "units": settings.units,
        "embedding_dim": settings.embedding_dim,
        "dropout": settings.dropout,
        "max_length": settings.max_length,
    }
    return TextClassifier.from_texts(texts, labels, **{**shared, **architecture})


def _words(settings):
    """What decides the words that all architectures read."""
    return {
        "tokens": settings.tokens,
        "lowercase": settings.lowercase,
        "max_vocabulary": settings.max_vocabulary,
    }


def _checked(model, function):
    if not all(callable(getattr(model, name, None)) for name in ("fit", "predict")):
        raise ValueError(
            "The function of an architecture must return a model with `fit(texts, labels)` and "
            f"`predict(texts)`; {function!r} returned {model!r}."
        )
    return model
