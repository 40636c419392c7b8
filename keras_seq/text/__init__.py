"""Text: strings to ids and back."""

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


__all__ = [
    "CharacterTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "WordTokenizer",
    "check_tags",
    "convert_tags",
    "get_tokenizer_class",
    "repair_tags",
    "spans",
    "spans_to_tags",
    "tag_constraints",
    "tokenizers",
]
