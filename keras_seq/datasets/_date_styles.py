"""The ways of writing a date that a locale has: Babel's CLDR patterns and some customary ones."""

from dataclasses import dataclass
from functools import cache

CASES = ("cldr", "lower", "title")

# The lengths of CLDR, and the skeletons "weekday, day, short month, year" and their likes.
_LENGTHS = ("full", "long", "medium", "short")
_SKELETONS = ("yMMMMEEEEd", "yMMMMd", "yMMMEd", "yMMMd", "yMEd", "yMd")

# A private-use character: the suffix that makes the day before it an ordinal (27th, 1er).
_NTH = "\ue000"

# CLDR has the bare date; people also write it with an article or an ordinal. By locale or language:
#   fr  "le 16 décembre 2016": Office québécois de la langue française, Banque de dépannage
#       linguistique, "Lieu et date"; "le 1er décembre" and not "le 1 décembre": Guide du rédacteur
#       2.4.2 (Bureau de la traduction, Canada).
#   es  "el 27 de septiembre de 2016": the article of running text; without it: RAE, Ortografía de
#       la lengua española, VIII 5.2.2.
#   de  "den 27. September 2016" (letter heads), "Dienstag, den 27. September 2016": the adverbial
#       accusative (Duden, "Datum").
#   sv  "den 27 september 2016": Språkrådet; "den" is optional, usual in running text.
#   ru  CLDR's abbreviated "year" after the year, left out or written in full.
#   en  "27th September 2016", "September 27th, 2016", "the 27th of September 2016".
# Italian is left out: its article is elided before 8 and 11 (l'8 settembre).
_CUSTOMARY = {
    "en_US": (
        f"MMMM d{_NTH}, y",
        f"EEEE, MMMM d{_NTH}, y",
        f"'the' d{_NTH} 'of' MMMM, y",
        "MMMM d y",
    ),
    "en": (
        f"d{_NTH} MMMM y",
        f"EEEE d{_NTH} MMMM y",
        f"'the' d{_NTH} 'of' MMMM y",
        f"EEEE 'the' d{_NTH} 'of' MMMM y",
    ),
    "fr": (
        f"'le' d{_NTH} MMMM y",
        f"'le' EEEE d{_NTH} MMMM y",
        f"d{_NTH} MMMM y",
        "'le' dd/MM/y",
    ),
    "es": ("'el' d 'de' MMMM 'de' y", "'el' EEEE d 'de' MMMM 'de' y"),
    "de": ("'den' d. MMMM y", "EEEE, 'den' d. MMMM y", "'den' dd.MM.y"),
    "sv": ("'den' d MMMM y", "EEEE 'den' d MMMM y"),
    "ru": ("d MMMM y", "d MMMM y 'года'", "EEEE, d MMMM y 'года'"),
}


def _english_suffix(day):
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


_SUFFIXES = {
    "en": tuple(_english_suffix(day) for day in range(1, 32)),
    "fr": ("er",) + ("",) * 30,
}


@dataclass(frozen=True, eq=False)
class Style:
    """One pattern of one locale, taken apart into pieces `(kind, value)`.

    Kinds and their values: "text" (str), "weekday" (7 names, Monday first), "month_name"
    (12 names), "suffix" (31 ordinal suffixes), "day" and "month" (the least number of digits),
    "year" (4 digits) and "yy" (2 digits), both with None.
    """

    locale: str
    pattern: str
    pieces: tuple

    def write(self, day, case="cldr"):
        """The `datetime.date` `day` in this style: a string."""
        title = case == "title"
        out = []
        for kind, value in self.pieces:
            if kind == "text":
                out.append(value)
            elif kind == "day":
                out.append(f"{day.day:0{value}d}")
            elif kind == "month":
                out.append(f"{day.month:0{value}d}")
            elif kind == "year":
                out.append(f"{day.year:04d}")
            elif kind == "yy":
                out.append(f"{day.year % 100:02d}")
            elif kind == "suffix":
                out.append(value[day.day - 1])
            else:
                name = value[day.weekday() if kind == "weekday" else day.month - 1]
                out.append(name[:1].upper() + name[1:] if title else name)
        written = "".join(out)
        if case == "lower":
            return written.lower()
        return written[:1].upper() + written[1:] if title else written


@cache
def styles_of(locale):
    """All styles of a locale, in a fixed order; ValueError when Babel does not know the locale."""
    from babel import Locale, UnknownLocaleError

    try:
        known = Locale.parse(locale)
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise ValueError(
            f"Babel does not know the locale {locale!r}: "
            'expected an identifier such as "de" or "en_GB".'
        ) from error
    patterns = [known.date_formats[length].pattern for length in _LENGTHS]
    skeletons = known.datetime_skeletons
    patterns += [skeletons[name].pattern for name in _SKELETONS if name in skeletons]
    patterns += _CUSTOMARY.get(locale, _CUSTOMARY.get(known.language, ()))
    styles = []
    for pattern in dict.fromkeys(patterns):
        pieces = _take_apart(pattern, known)
        if pieces is not None:
            styles.append(Style(locale, pattern, pieces))
    if not styles:
        raise ValueError(
            f"No date pattern of the locale {locale!r} is made of weekday, day, month and year "
            "alone: leave it out."
        )
    return tuple(styles)


def _take_apart(pattern, locale):
    """The pieces of a pattern, or None where it holds a field that is not of a plain date."""
    from babel.dates import tokenize_pattern

    pieces = []
    for token, value in tokenize_pattern(pattern):
        if token == "chars":
            before, nth, after = _plain_spaces(value).partition(_NTH)
            pieces += [("text", text) for text in (before,) if text]
            pieces += [("suffix", _SUFFIXES[locale.language])] if nth else []
            pieces += [("text", text) for text in (after,) if text]
        else:
            piece = _field(*value, locale)
            if piece is None:
                return None
            pieces.append(piece)
    return tuple(pieces)


def _field(letter, width, locale):
    """The piece of one CLDR field such as ("M", 4); None where a plain date has no such field."""
    from babel.dates import get_day_names, get_month_names

    context = "stand-alone" if letter in "Lc" else "format"
    if letter == "d" and width <= 2:
        return "day", width
    if letter == "y":
        return ("yy" if width == 2 else "year"), None
    if letter in "ML" and width <= 2:
        return "month", width
    if letter in "ML" and width <= 4:
        names = get_month_names(_name_length(width), context, locale)
        return "month_name", tuple(_plain_spaces(names[month]) for month in range(1, 13))
    if letter in "Ec" and width <= 4:
        names = get_day_names(_name_length(width), context, locale)
        return "weekday", tuple(_plain_spaces(names[day]) for day in range(7))
    return None


def _name_length(width):
    return "wide" if width == 4 else "abbreviated"


def _plain_spaces(text):
    # CLDR writes some spaces narrow and non-breaking (before the Russian "year"); people type one.
    return text.replace("\u202f", " ").replace("\u00a0", " ")
