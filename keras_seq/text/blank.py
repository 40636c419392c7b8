"""Blank texts: what says nothing, so that nothing may be said of it."""

from keras_seq._tensorflow import tensorflow
from keras_seq.text.characters import SPACE_CLASS

SPECIAL = 2  # padding, start and end; the unknown token is one that stands in the text


def is_blank(text, token_ids):
    """Whether a text is nothing but white space, or nothing that a tokenizer keeps.

    Args:
        text: a str.
        token_ids: its ids, an array; special tokens count as none.

    >>> is_blank(" \\u3000", [4, 5]), is_blank("a", [4, 2]), is_blank("\\u200b", [2])
    (True, False, True)
    """
    return not text.strip() or all(token_id <= SPECIAL for token_id in token_ids[:2])


def are_blank(texts, token_ids):
    """The same inside of a graph: strings `(batch,)` and ragged ids to booleans `(batch,)`."""
    tf = tensorflow()
    nothing = ~tf.reduce_any(token_ids > SPECIAL, axis=1)
    return nothing | are_spaces(texts)


def are_spaces(texts):
    """Whether strings of a graph, `(batch,)`, are nothing but white space."""
    tf = tensorflow()
    return tf.strings.length(tf.strings.regex_replace(texts, f"{SPACE_CLASS}+", "")) == 0
