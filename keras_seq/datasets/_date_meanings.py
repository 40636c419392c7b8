"""Parse a written date by all styles of some locales, into every date it can mean."""

import datetime
import itertools
import re
from functools import lru_cache

from keras_seq.datasets._date_styles import styles_of

_DIGITS = re.compile(r"\d+")
_PUNCTUATION = re.compile(r"[.,]+(?=\s|$)")
_SPACES = re.compile(r"\s+")


def date_meanings(source, locales, first_year):
    """All dates that `source` can mean under any style of `locales`: a set of `datetime.date`.

    The reading is generous, so that a source with one meaning is safe:
    case, dots and commas at the end of a word or number, and leading zeros of day and month do not
    count ("12 lis 2016" is also read as Croatian "12. lis 2016."), and a weekday is taken for any
    weekday, so it never has to be computed to decide between two dates. A year of two digits is
    the one of `first_year ... first_year + 99`; one of four digits is taken as it is.

    Each style, with each of its names filled in, is a template whose numbers are open
    ("# septembre #"). The templates of all styles lie in one table, so a source is read with one
    look-up, however many styles there are.
    """
    source = _canonical(source)
    numbers = _DIGITS.findall(source)
    meanings = set()
    for fields, month in _templates(tuple(locales)).get(_DIGITS.sub("#", source), ()):
        day = _fill(fields, numbers, month, first_year)
        if day is not None:
            meanings.add(day)
    return meanings


def _canonical(text):
    text = _PUNCTUATION.sub("", text.casefold())
    return _SPACES.sub(" ", text).strip()


@lru_cache(maxsize=32)
def _templates(locales):
    """{"# septembre #": {(("day", "year"), 9), ...}}: fields of the open numbers, named month."""
    table = {}
    for locale in locales:
        for style in styles_of(locale):
            for text, fields, month in _templates_of(style):
                table.setdefault(text, set()).add((fields, month))
    return table


def _templates_of(style):
    """Every way to fill in the words of a style: (text, fields of its numbers, month or None)."""
    choices = []
    for kind, value in style.pieces:
        if kind == "text":
            choices.append([(value, None)])
        elif kind in ("weekday", "suffix"):
            choices.append([(name, None) for name in sorted(set(value))])
        elif kind == "month_name":
            choices.append([(name, month) for month, name in enumerate(value, start=1)])
        else:
            choices.append([("#", None)])
    kinds = [kind for kind, _ in style.pieces]
    for filled in itertools.product(*choices):
        fields, month = [], None
        for kind, (text, value) in zip(kinds, filled, strict=True):
            month = value or month
            # A name may hold digits (Japanese "9月"): those must be met as they are.
            fields += [kind] if text == "#" else _DIGITS.findall(text)
        text = _canonical("".join(text for text, _ in filled))
        yield _DIGITS.sub("#", text), tuple(fields), month


def _fill(fields, numbers, month, first_year):
    """The date of a template filled with numbers; None where they are no date."""
    year = day = None
    for field, number in zip(fields, numbers, strict=True):
        if field == "year" and len(number) == 4:
            year = int(number)
        elif field == "yy" and len(number) == 2:
            year = first_year + (int(number) - first_year) % 100
        elif field == "month" and len(number) <= 2:
            month = int(number)
        elif field == "day" and len(number) <= 2:
            day = int(number)
        elif field != number:
            return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
