"""Sentences of words, as users give them and as models read them."""

import re

from keras_seq._tensorflow import tensorflow
from keras_seq.text.blank import are_spaces
from keras_seq.text.forms import (
    as_list,
    as_text,
    holds_values,
    is_missing,
    single_text,
)

_WORD = re.compile(r"[^ \t\n\v\f\r]+")  # what `tf.strings.split` splits at


def split_words(sentence):
    """Return the words of a string: what stands between blanks, tabs and line ends.

    A string of white space alone, of any kind, has none.

    >>> split_words(" Anna  sings.\\n")
    ['Anna', 'sings.']
    >>> split_words("\\u00a0 \\u3000")
    []
    """
    return [] if sentence.isspace() else _WORD.findall(sentence)


def split_tensors(sentences):
    """Return the words of strings in a graph, `(batch,)` to ragged `(batch, None)`."""
    tf = tensorflow()
    return tf.strings.split(tf.where(are_spaces(sentences), "", sentences))


def listed_sentences(sentences, name):
    """Return what holds sentences as a list of whatever each of them is, or raise a `ValueError`.

    Args:
        sentences: a list, or what else holds values.
        name: what the argument is called in messages.
    """
    if isinstance(sentences, (list, tuple)):
        return list(sentences)
    if not holds_values(sentences):
        raise ValueError(
            f"`{name}` must be a list of sentences; received {_shown(sentences)}. One sentence "
            "goes into a list too."
        )
    return as_list(sentences, name, "sentences")


def check_sentences(sentences, name, what="word"):
    """Return sentences as a list of lists of str, or raise a `ValueError` that says what came.

    Args:
        sentences: a list, or what else holds values; each sentence a string, or a list of str.
        name: what the argument is called in messages.
        what: what a sentence is made of, likewise.
    """
    listed = listed_sentences(sentences, name)
    return [_check_sentence(sentence, number, name, what) for number, sentence in enumerate(listed)]


def _check_sentence(sentence, number, name, what):
    if not isinstance(sentence, (list, tuple)):
        if (text := _text(sentence, number, name)) is not None:
            return split_words(text)
        if is_missing(sentence):
            as_text(sentence, name, number)  # says so
        if not holds_values(sentence):
            raise ValueError(
                f"`{name}` must hold strings or lists of {what}s; item {number} is "
                f"{_shown(sentence)}."
            )
    words = as_list(sentence, name, f"{what}s")
    for place, word in enumerate(words):
        if type(word) is not str:
            words[place] = _text(word, number, name)
        if not words[place]:
            raise ValueError(
                f"Sentence {number} of `{name}`: {what} {place} is {word!r}; expected a str that "
                "is not empty."
            )
    return words


def _text(value, number, name):
    """The str that a value is; `None` where it is none."""
    return as_text(value, name, number) if isinstance(value, bytes) else single_text(value)


def check_counts(sentences, tags):
    """Raise a `ValueError` unless every word has its tag.

    Args:
        sentences: lists of words.
        tags: as many lists, or arrays, of tags.
    """
    for number, (words, row) in enumerate(zip(sentences, tags, strict=True)):
        if len(words) != len(row):
            raise ValueError(
                f"There must be one tag for each word; sentence {number} has {len(words)} words "
                f"and {len(row)} tags: {' '.join(words)[:60]!r}."
            )


def _shown(value):
    return f"{str(value)[:40]!r} of type {type(value).__name__}"
