"""The architectures of a comparison by name, and those of a user."""

import importlib
import inspect
import json

import keras

from keras_seq.layers import (
    ConvolutionalEncoder,
    FeedForwardPooling,
    IdentityEncoder,
    SelfAttentionEncoder,
)
from keras_seq.models.classification.text_classifier import TextClassifier
from keras_seq.models.comparison.bag_of_words import BagOfWords


def _self_attention(settings):
    heads = next(n for n in (4, 2, 1) if settings.units % n == 0)
    encoder = SelfAttentionEncoder(
        settings.units, 1, heads, dropout=min(settings.dropout, 0.1), return_sequences=True
    )
    return {"encoder": encoder, "pooling": "mean"}


def _recurrent(cell, bidirectional=False):
    return lambda _: {"cell": cell, "bidirectional": bidirectional}


# From a name to a function of the settings that gives the arguments of a `TextClassifier`.
NETS = {
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
ARCHITECTURES = ("bag_of_words", *NETS)


def check_architectures(given=None):
    """Return a dict from the name of a row to what stands behind it.

    Args:
        given: names, or a dict from a name to a name, a function or a dict of arguments; all of
            `ARCHITECTURES` where `None`.

    Raises:
        ValueError: for none, an unknown name, anything else than these, and for arguments that
            `TextClassifier` does not have.
    """
    if given is None:
        given = ARCHITECTURES
    if isinstance(given, str):
        given = [given]
    found = dict(given) if isinstance(given, dict) else {name: name for name in given}
    if not found:
        raise ValueError("There must be architectures to compare; received none.")
    for name, one in found.items():
        if isinstance(one, str):
            if one not in ARCHITECTURES:
                raise ValueError(
                    f"Unknown architecture {one!r}. Choose from {', '.join(ARCHITECTURES)}."
                )
        elif isinstance(one, dict):
            _check_arguments(name, one)
        elif not callable(one):
            raise ValueError(
                f"The architecture {name!r} must be a name, a function (texts, labels) that makes "
                f"a model, or a dict of arguments of TextClassifier; received {one!r}."
            )
    return found


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


def pack(name, one, isolate):
    """Return an architecture as `unpack` takes it: in JSON, if another process shall make it.

    Layers become configs, so that every model has its own.
    """
    if isinstance(one, str):
        return one
    if isinstance(one, dict):
        packed = keras.saving.serialize_keras_object(one)
        try:
            json.dumps(packed)
        except TypeError as error:
            raise ValueError(
                f"The arguments of {name!r} cannot be written down: {error}."
            ) from None
        return packed
    if not isolate:
        return one
    module, place = getattr(one, "__module__", None), getattr(one, "__qualname__", "<>")
    if module in (None, "__main__") or not place.isidentifier():
        raise ValueError(
            f"{name!r} cannot be measured in a process of its own, which must be able to import "
            f"its function: put it into a module, by a name of its own, or say isolate=False; "
            f"received {one!r}."
        )
    return {"function": f"{module}:{place}"}


def unpack(packed):
    """Return a name, a function or a dict of arguments."""
    if isinstance(packed, dict) and set(packed) == {"function"}:
        module, _, name = packed["function"].partition(":")
        return getattr(importlib.import_module(module), name)
    return keras.saving.deserialize_keras_object(packed) if isinstance(packed, dict) else packed


def make_model(packed, texts, labels, settings):
    """Return the untrained model of an architecture.

    Args:
        packed: as `pack` returned it.
        texts, labels: what it will be trained on.
        settings: `ComparisonSettings`.

    Returns:
        A `TextClassifier`, or an object with `fit(texts, labels)` and `predict(texts)`.
    """
    one = unpack(packed)
    words = {
        "tokens": settings.tokens,
        "lowercase": settings.lowercase,
        "max_vocabulary": settings.max_vocabulary,
    }
    if one == "bag_of_words":
        return BagOfWords(**words)
    if callable(one):
        return _checked(one(list(texts), list(labels)), one)
    shared = {
        **words,
        "units": settings.units,
        "embedding_dim": settings.embedding_dim,
        "dropout": settings.dropout,
        "max_length": settings.max_length,
    }
    own = NETS[one](settings) if isinstance(one, str) else one
    return TextClassifier.from_texts(texts, labels, **{**shared, **own})


def _checked(model, function):
    if not all(callable(getattr(model, name, None)) for name in ("fit", "predict")):
        raise ValueError(
            "The function of an architecture must return a model with `fit(texts, labels)` and "
            f"`predict(texts)`; {function!r} returned {model!r}."
        )
    return model
