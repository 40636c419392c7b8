"""Sentences of words, as users give them and as models read them."""

import re
from collections.abc import Iterable

from keras_seq.text.tokenizer import tensorflow, to_utf8

_WORD = re.compile(r"[^ \t\n\v\f\r]+")  # what `tf.strings.split` splits at


def split_words(sentence):
    """Return the words of a string: what stands between blanks, tabs and line ends.

    >>> split_words(" Anna  sings.\\n")
    ['Anna', 'sings.']
    """
    return _WORD.findall(sentence)


def check_sentences(sentences, name, what="word"):
    """Return sentences as a list of lists of str, or raise a `ValueError` that says what came.

    Args:
        sentences: a list, tuple or array; each sentence a string, or a list, tuple or array of str.
        name: what the argument is called in messages.
        what: what a sentence is made of, likewise.
    """
    if isinstance(sentences, (str, bytes, dict)) or not isinstance(sentences, Iterable):
        raise ValueError(
            f"`{name}` must be a list of sentences; received {_shown(sentences)}. One sentence "
            "goes into a list too."
        )
    return [_check_sentence(one, number, name, what) for number, one in enumerate(sentences)]


def _check_sentence(sentence, number, name, what):
    if isinstance(sentence, str):
        return split_words(sentence)
    if isinstance(sentence, (bytes, dict)) or not isinstance(sentence, Iterable):
        raise ValueError(
            f"`{name}` must hold strings or lists of {what}s; item {number} is {_shown(sentence)}."
        )
    words = list(sentence)
    for place, word in enumerate(words):
        if not isinstance(word, str) or not word:
            raise ValueError(
                f"Sentence {number} of `{name}`: {what} {place} is {word!r}; expected a str that "
                "is not empty."
            )
    return [str(word) for word in words]


def check_counts(sentences, tags):
    """Raise a `ValueError` unless every word has its tag.

    Args:
        sentences: lists of words.
        tags: as many lists, or arrays, of tags.
    """
    for number, (words, own) in enumerate(zip(sentences, tags, strict=True)):
        if len(words) != len(own):
            raise ValueError(
                f"There must be one tag for each word; sentence {number} has {len(words)} words "
                f"and {len(own)} tags: {' '.join(words)[:60]!r}."
            )


def ragged_words(sentences):
    """Return lists of words as a ragged tensor of strings, `(sentences, None)`."""
    tf = tensorflow()
    flat = [to_utf8(word) for words in sentences for word in words]
    return tf.RaggedTensor.from_row_lengths(
        tf.constant(flat, tf.string, shape=(len(flat),)),
        tf.constant([len(words) for words in sentences], tf.int64, shape=(len(sentences),)),
    )


def _shown(value):
    return f"{str(value)[:40]!r} of type {type(value).__name__}"
