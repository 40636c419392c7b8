"""Characters in Python as TensorFlow's operations see them: forms, case, and kinds.

What a tokenizer does in Python and what it does inside of a graph is the same for every text.
TensorFlow lower-cases by Unicode 13 and up to a NUL, and normalises by Unicode 16; Python 3.11
knows Unicode 14, and later ones more. The tables that differ are in `unicode_tables`.
"""

import functools
import itertools
import re
import unicodedata

from keras_seq._tensorflow import to_utf8
from keras_seq.text.unicode_tables import (
    CHANGED_LETTERS,
    DIGITS,
    LATER_LETTERS,
    LATER_LOOKS,
    LATER_MARKS,
    LATER_PAIRS,
    PUNCTUATION,
    as_class,
    code_points,
)

# Classes for Python and RE2 alike. White space is that of `str.split()`: ASCII, the separators
# \x1c-\x1f, NEL, and category Z.
SPACE_CLASS = r"[\s\v\x1c-\x1f" + as_class("85 a0 1680 2000-200a 2028-2029 202f 205f 3000") + "]"
PUNCTUATION_CLASS = f"[{as_class(PUNCTUATION)}]"
DIGIT_CLASS = f"[{as_class(DIGITS)}]"

_SIGMAS = "\u03c2\u03c3"
# Before these nothing is in the tables but U+0295: most texts need no look into them.
_FIRST_LATER_LETTER, _FIRST_LATER_MARK = "\u0558", "\u0897"


def mended(text: str) -> str:
    """The text with U+FFFD for lone surrogates."""
    return text if text.isascii() else to_utf8(text).decode()


def clean(text: str, normalization: str | None, lowercase: bool) -> str:
    """What `operations.clean_strings` does in a graph."""
    text = mended(text)
    if normalization is not None:
        text = normalized(text, normalization)
    return lowered(text) if lowercase else text


def normalized(text: str, form: str) -> str:
    """The text in a Unicode form, "NFC" or "NFKC", as of Unicode 16."""
    if text.isascii():
        return text
    if max(text) < _FIRST_LATER_MARK:
        return unicodedata.normalize(form, text)
    marks, pairs, canonical, compatible, later = _later_forms()
    if not later.search(text):
        return unicodedata.normalize(form, text)
    text = text.translate(canonical if form == "NFC" else compatible)
    text = unicodedata.normalize("NFD" if form == "NFC" else "NFKD", text)

    def rank(character):
        return marks.get(character) or unicodedata.combining(character)

    groups = (list(group) for _, group in itertools.groupby(text, lambda c: rank(c) > 0))
    ordered = (character for group in groups for character in sorted(group, key=rank))
    composed, starter, last = [], None, -1
    for character in ordered:
        here = rank(character)
        if starter is not None and last < here:  # nothing is between that keeps them apart
            pair = composed[starter] + character
            whole = pairs.get(pair) or unicodedata.normalize("NFC", pair)
            if len(whole) == 1:
                composed[starter] = whole
                continue
        starter, last = (len(composed), -1) if not here else (starter, here)
        composed.append(character)
    return "".join(composed)


def lowered(text: str) -> str:
    """The text in lower case as of Unicode 13, up to a NUL.

    What Unicode did not have then stays as it is, and ends a word for the final sigma.
    """
    text = text.partition("\0")[0]
    if text.isascii() or (max(text) < _FIRST_LATER_LETTER and "\u0295" not in text):
        return text.lower()
    parts = _later_letters().split(text)
    parts[::2] = map(_lowered, parts[::2])
    return "".join(parts)


def _lowered(text):
    lower, shown = text.lower(), text.translate(CHANGED_LETTERS)
    if shown == text:
        return lower
    pairs = zip(shown.lower(), lower, strict=True)
    return "".join(new if new in _SIGMAS else old for new, old in pairs)


@functools.cache
def _later_letters():
    return re.compile(f"([{as_class(LATER_LETTERS)}])")


@functools.cache
def _later_forms():
    """`(marks, pairs, canonical, compatible, later)`: tables, and what finds what is in them."""
    marks = {chr(c): rank for rank, ranges in LATER_MARKS.items() for c in code_points(ranges)}
    triples = (map(chr, code_points(triple)) for triple in LATER_PAIRS.split(","))
    pairs = {first + second: whole for first, second, whole in triples}
    canonical = {}
    for pair, whole in pairs.items():  # the first of a pair may be one before
        canonical[ord(whole)] = canonical.get(ord(pair[0]), pair[0]) + pair[1]
    looks = ((first + i, c) for first, text in LATER_LOOKS.items() for i, c in enumerate(text))
    compatible = canonical | dict(looks)
    letters = {*marks, *map(chr, compatible), *(c for pair in pairs for c in pair)} - {"\u0307"}
    return marks, pairs, canonical, compatible, re.compile(f"[{''.join(sorted(letters))}]")
