"""Text: strings to ids and back."""

from typing import Any

from keras_seq._registry import TOKENIZERS, constructor, load
from keras_seq.text.character_tokenizer import CharacterTokenizer
from keras_seq.text.subword_tokenizer import SubwordTokenizer
from keras_seq.text.tag_schemes import (
    check_tags,
    convert_tags,
    repair_tags,
    spans,
    spans_to_tags,
    tag_constraints,
)
from keras_seq.text.tokenizer import Tokenizer
from keras_seq.text.word_tokenizer import WordTokenizer

tokenizers: dict[str, type[Tokenizer]] = load(TOKENIZERS)
"""Names of tokenizers, for `tokens=`, and their classes; add yours."""


def get_tokenizer_class(name: str) -> type[Tokenizer]:
    """The class of tokenizers of a name.

    Args:
        name: one in `tokenizers`: "char" (or "character"), "word", "subword", or one of your own.

    Returns:
        A subclass of Tokenizer.

    Raises:
        ValueError: when there is none of that name.

    Example:
        >>> get_tokenizer_class("char").__name__
        'CharacterTokenizer'
    """
    key = "char" if name == "character" else name
    if key not in tokenizers:
        known = ", ".join(map(repr, tokenizers))
        raise ValueError(f"The tokenizer must be one of {known}; received {name!r}.")
    return constructor(tokenizers, key)


def get_tokenizer(identifier: Tokenizer | dict[str, Any], name: str = "tokenizer") -> Tokenizer:
    """The tokenizer that an argument of a constructor stands for; a task of your own begins by it.

    Args:
        identifier: a tokenizer, or its config as `keras.saving.serialize_keras_object` gives it.
        name: of the argument, for the message.

    Returns:
        The tokenizer.

    Raises:
        ValueError: for anything else.

    Example:
        >>> get_tokenizer(CharacterTokenizer.from_texts(["ab"])).vocabulary_size
        6
    """
    tokenizer = identifier
    if isinstance(identifier, dict):
        import keras  # tokenizers do without

        tokenizer = keras.saving.deserialize_keras_object(identifier)
    if not isinstance(tokenizer, Tokenizer):
        raise ValueError(
            f"`{name}` must be a keras_seq.text.Tokenizer, such as "
            f"keras_seq.text.CharacterTokenizer.from_texts(texts); received {identifier!r}."
        )
    return tokenizer


__all__ = [
    "CharacterTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "WordTokenizer",
    "check_tags",
    "convert_tags",
    "get_tokenizer",
    "get_tokenizer_class",
    "repair_tags",
    "spans",
    "spans_to_tags",
    "tag_constraints",
    "tokenizers",
]
