"""Human-written dates in many languages, to be translated into ISO 8601."""

import datetime
from collections.abc import Sequence

import numpy as np

from keras_seq._checks import check_count
from keras_seq.datasets._date_meanings import date_meanings
from keras_seq.datasets._date_styles import CASES, styles_of

DEFAULT_LOCALES = (
    "en_US",
    "en_GB",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "pl",
    "hr",
    "tr",
    "ru",
    "el",
)
"""The locales of `dates`, by their names in the Unicode CLDR."""

_CASE_ODDS = np.cumsum((0.5, 0.25, 0.25))
_CHUNK = 4096  # Draws at a time. Fixed, so that a longer draw starts with the shorter one.
_STALLED = 0.02  # Where fewer draws than this are new, the rest is counted out, not drawn.


def dates(
    n: int = 20_000,
    seed: int = 0,
    locales: Sequence[str] = DEFAULT_LOCALES,
    start: datetime.date = datetime.date(1970, 1, 1),
    end: datetime.date = datetime.date(2049, 12, 31),
    return_locales: bool = False,
) -> tuple[list[str], ...]:
    """Pairs of a date as people write it and the same date in ISO 8601.

    A pair is drawn in four steps: the locale, one of its styles, the day (all three uniform) and
    the case of the letters (as in CLDR 1/2, all lower 1/4, names and first letter capital 1/4).
    The styles of a locale are the patterns of the Unicode CLDR (full, long, medium, short, and
    skeletons such as weekday + day + month + year) and some customary ones: "le 27 septembre
    2016", "el 27 de septiembre de 2016", "den 27. September 2016", "27th September 2016".

    * **Every source has one meaning.** Where a string can be read as two dates under any style of
      the `locales` given ("3/4/2016" is March or April; "12 listopada 2016" is November in Polish
      and October in Croatian), it is dropped, whatever locale wrote it. Reading is generous:
      case, leading zeros and dots after words and numbers do not count, and a weekday does not
      decide. A perfect score is therefore reachable: see `best_reachable_accuracy`.
    * **The century is fixed**: the days lie in a window within 100 calendar years, so "27/9/16" is
      decided too.
    * **No source occurs twice in one draw**, so any split by position tests on unseen sources. (The
      same day can come in several writings.)
    * **The same seed gives the same pairs**, and a shorter draw is the beginning of a longer one:
      `dates(10)` is `dates(100)` cut at 10. Another version of Babel may hold other CLDR data.

    Args:
        n: int, the number of pairs.
        seed: int >= 0.
        locales: sequence of str, identifiers known to Babel.
        start, end: `datetime.date`, the first and the last day of the window, both possible.
        return_locales: bool, whether to return also the locale that wrote each source.

    Returns:
        `(sources, targets)`, or `(sources, targets, locales)`: lists of n str.

    Raises:
        ValueError: `n` or `seed` is no integer >= 0, a locale is unknown, `end` lies before
            `start`, the window is too long, or fewer than `n` different sources exist.

    Example:
        >>> from keras_seq.datasets import dates
        >>> sources, targets = dates(1_000, locales=("en_GB", "fr"))
        >>> len(sources) == len(set(sources)) == len(targets) == 1_000
        True
        >>> dates(10) == tuple(column[:10] for column in dates(100))
        True

    Source: names and patterns are those of the Unicode Common Locale Data Repository
    (https://cldr.unicode.org, Unicode licence) as Babel ships them (https://babel.pocoo.org). The
    sources of the customary styles are in `_date_styles.py`.
    """
    n = check_count("n", n)
    seed = check_count("seed", seed)
    locales = _checked_locales(locales)
    days = _checked_window(start, end)
    pairs = _Pairs(locales, start, days)
    if n > pairs.most:
        raise ValueError(_too_many(n, f"at most {pairs.most}", pairs, end))
    rng = np.random.default_rng(seed)
    while len(pairs.sources) < n:
        if pairs.draw(rng) < _STALLED * _CHUNK:
            pairs.complete(rng)
            break
    if n > len(pairs.sources):
        raise ValueError(_too_many(n, f"only {len(pairs.sources)}", pairs, end))
    columns = (pairs.sources[:n], pairs.targets[:n], pairs.locales[:n])
    return columns if return_locales else columns[:2]


class _Pairs:
    """The pairs drawn so far, in order."""

    def __init__(self, locales, start, days):
        self.sources, self.targets, self.locales = [], [], []
        self._seen = set()
        self._among = locales
        self._styles = [styles_of(locale) for locale in locales]
        self._start, self._days = start, days
        self.styles = sum(map(len, self._styles))
        self.most = self.styles * len(CASES) * days  # Before doubles and the ambiguous go.

    def draw(self, rng):
        """Adds what is new in one chunk of draws; returns how many that were."""
        before = len(self.sources)
        locales = rng.integers(len(self._styles), size=_CHUNK)
        counts = np.array([len(styles) for styles in self._styles])
        chosen = (rng.random(_CHUNK) * counts[locales]).astype(int)
        days = rng.integers(self._days, size=_CHUNK)
        cases = np.searchsorted(_CASE_ODDS, rng.random(_CHUNK), side="right")
        for locale, style, day, case in zip(
            locales.tolist(), chosen.tolist(), days.tolist(), cases.tolist(), strict=True
        ):
            self._add(self._styles[locale][style], day, CASES[case])
        return len(self.sources) - before

    def complete(self, rng):
        """Adds all pairs that are left, shuffled."""
        first = len(self.sources)
        for styles in self._styles:
            for style in styles:
                for day in range(self._days):
                    for case in CASES:
                        self._add(style, day, case)
        order = first + rng.permutation(len(self.sources) - first)
        for column in (self.sources, self.targets, self.locales):
            column[first:] = [column[index] for index in order]

    def _add(self, style, day, case):
        day = self._start + datetime.timedelta(days=day)
        source = style.write(day, case)
        if source in self._seen:
            return
        self._seen.add(source)
        if len(date_meanings(source, self._among, self._start.year)) == 1:
            self.sources.append(source)
            self.targets.append(day.isoformat())
            self.locales.append(style.locale)


def _checked_locales(locales):
    if isinstance(locales, str):
        raise ValueError(f"`locales` must be a sequence of str, such as ({locales!r},).")
    locales = tuple(dict.fromkeys(locales))
    if not locales:
        raise ValueError("`locales` must be at least one, such as ('en_GB',); received none.")
    return locales


def _checked_window(start, end):
    """The number of days from `start` to `end`, both included."""
    for name, day in (("start", start), ("end", end)):
        if not isinstance(day, datetime.date) or isinstance(day, datetime.datetime):
            raise ValueError(f"`{name}` must be a datetime.date; received {day!r}.")
    if end < start:
        raise ValueError(f"`end` must not lie before `start` ({start}); received {end}.")
    if end.year - start.year >= 100:
        raise ValueError(
            f"From {start} to {end} a year of two digits is not decided: expected a window within "
            f"100 calendar years, so an `end` of {start.year + 99}-12-31 at the latest."
        )
    return (end - start).days + 1


def _too_many(n, exist, pairs, end):
    return (
        f"{n} pairs were asked for, but {exist} different unambiguous sources exist: "
        f"{pairs.styles} styles of {len(pairs._styles)} locales in {len(CASES)} cases, on "
        f"{pairs._days} days from {pairs._start} to {end}. Ask for fewer, or widen the window or "
        "the locales."
    )
