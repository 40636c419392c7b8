import datetime
import re

import numpy as np
import pytest
from babel import Locale
from babel.dates import format_date

from keras_seq.datasets import DEFAULT_LOCALES, best_reachable_accuracy, dates
from keras_seq.datasets._date_meanings import date_meanings
from keras_seq.datasets._date_styles import styles_of
from keras_seq.datasets.dates import _Pairs

DAY = datetime.date(2016, 9, 27)


@pytest.fixture(scope="module")
def drawn():
    return dates(20_000, seed=3, return_locales=True)


@pytest.fixture(scope="module")
def whole_year():
    """Every pair that exists for the default locales in 2016."""
    pairs = _Pairs(DEFAULT_LOCALES, datetime.date(2016, 1, 1), 366)
    pairs.complete(np.random.default_rng(0))
    return dict(zip(pairs.sources, pairs.targets, strict=True))


def babel_writings(locales, first, last):
    """{(written by Babel itself, pattern): date}, one entry for each way, day and locale."""
    writings = []
    for name in locales:
        locale = Locale.parse(name)
        patterns = {locale.date_formats[k].pattern for k in ("full", "long", "medium", "short")}
        for skeleton in ("yMMMMEEEEd", "yMMMMd", "yMMMEd", "yMMMd", "yMEd", "yMd"):
            if skeleton in locale.datetime_skeletons:
                patterns.add(locale.datetime_skeletons[skeleton].pattern)
        for number in range(first.toordinal(), last.toordinal() + 1):
            day = datetime.date.fromordinal(number)
            for pattern in patterns:
                text = format_date(day, pattern, name).replace("\u202f", " ").replace("\xa0", " ")
                writings.append((text, pattern, day))
    return writings


def loose(text):
    words = re.sub(r"\b0(?=\d\b)", "", text.casefold()).split()
    return " ".join(word.rstrip(".,") for word in words)


def test_shapes_and_uniqueness(drawn):
    sources, targets, locales = drawn
    assert len(sources) == len(targets) == len(locales) == 20_000
    assert len(set(sources)) == 20_000
    assert set(locales) == set(DEFAULT_LOCALES)
    days = [datetime.date.fromisoformat(target) for target in targets]
    assert min(days) >= datetime.date(1970, 1, 1) and max(days) <= datetime.date(2049, 12, 31)
    assert len({day.year for day in days}) == 80
    assert not any(re.search(r"[\u202f\xa0\ue000]", source) for source in sources)
    assert best_reachable_accuracy(sources, targets) == 1.0


def test_all_cases_occur(drawn):
    sources = drawn[0]
    assert any("Septembre" in source for source in sources)
    assert any("septembre" in source for source in sources)
    assert any("september" in source for source in sources)
    assert any(re.search("сентября", source) for source in sources)


@pytest.mark.slow
def test_no_source_has_two_meanings_by_brute_force(whole_year):
    """Babel writes every day of 2016 in every way; equal writings must be dropped, others kept."""
    first, last = datetime.date(2016, 1, 1), datetime.date(2016, 12, 31)
    writings = babel_writings(DEFAULT_LOCALES, first, last)
    meanings = {}
    for text, _, day in writings:
        meanings.setdefault(loose(text), set()).add(day)
    ambiguous = {text for text, days in meanings.items() if len(days) > 1}
    assert {"3/4/2016", "3/4/16", "12 listopada 2016", "12 lis 2016"} <= ambiguous
    for source, target in whole_year.items():
        days = meanings.get(loose(source))  # None: a customary style, which Babel does not write.
        assert days is None or days == {datetime.date.fromisoformat(target)}, source
    for text, pattern, day in writings:
        if len(meanings[loose(text)]) == 1:
            # A weekday alone must not decide, so more than the truly ambiguous is dropped there.
            assert whole_year.get(text, "E" in pattern) in (day.isoformat(), True), text
        else:
            assert text not in whole_year


def test_customary_sources_have_one_meaning(whole_year):
    for source, target in whole_year.items():
        found = {day.isoformat() for day in date_meanings(source, DEFAULT_LOCALES, 1970)}
        assert found == {target}


@pytest.mark.parametrize(
    "source",
    [
        "27 September 2016",
        "27 september 2016",
        "27. September 2016",
        "den 27. September 2016",
        "Dienstag, den 27. September 2016",
        "27 septembre 2016",
        "le 27 septembre 2016",
        "Le 27 Septembre 2016",
        "le mardi 27 septembre 2016",
        "el 27 de septiembre de 2016",
        "27th September 2016",
        "September 27, 2016",
        "the 27th of September 2016",
        "9/27/16",
        "27/9/16",
        "27.09.2016",
        "2016-09-27",
        "27 сентября 2016 г.",  # noqa: RUF001
        "27 Σεπτεμβρίου 2016",
        "27 września 2016",
        "27 Eylül 2016 Salı",  # noqa: RUF001
        "terça-feira, 27 de setembro de 2016",
    ],
)
def test_in_distribution(whole_year, source):
    assert whole_year[source] == "2016-09-27"


def test_named_example_of_another_year():
    pairs = _Pairs(DEFAULT_LOCALES, datetime.date(1998, 9, 27), 1)
    pairs.complete(np.random.default_rng(0))
    assert "27 septembre 1998" in pairs.sources
    assert set(pairs.targets) == {"1998-09-27"}


@pytest.mark.parametrize("source", ["3/4/2016", "04/03/2016", "3/4/16", "fri, 04/03/2016"])
def test_ambiguous_is_dropped(whole_year, source):
    assert source not in whole_year
    assert len(date_meanings(source, DEFAULT_LOCALES, 1970)) == 2


def test_ambiguity_is_that_of_the_locales_given():
    window = {"start": datetime.date(2016, 4, 3), "end": datetime.date(2016, 4, 3)}
    assert "03/04/2016" in dates(20, locales=("en_GB", "fr"), **window)[0]
    everything = _Pairs(("en_GB", "en_US"), window["start"], 1)
    everything.complete(np.random.default_rng(0))
    assert "03/04/2016" not in everything.sources


def test_equal_day_and_month_is_not_ambiguous(whole_year):
    assert whole_year["4/4/2016"] == "2016-04-04"


def test_ordinals():
    english = {
        style.write(datetime.date(2016, 1, day))
        for day in (1, 2, 3, 11, 12, 13, 21, 22, 30)
        for style in styles_of("en_GB")
    }
    for day in ("1st", "2nd", "3rd", "11th", "12th", "13th", "21st", "22nd", "30th"):
        assert f"{day} January 2016" in english
    french = {
        style.write(datetime.date(2016, 1, day)) for day in (1, 2) for style in styles_of("fr")
    }
    assert {"le 1er janvier 2016", "le 2 janvier 2016"} <= french
    assert "le 1 janvier 2016" not in french


@pytest.mark.parametrize("locale", [*DEFAULT_LOCALES, "ja", "hu", "da", "cs"])
def test_styles_write_what_babel_writes(locale):
    for style in styles_of(locale):
        if "\ue000" in style.pattern:
            continue
        for day in (DAY, datetime.date(2003, 1, 5), datetime.date(1999, 12, 31)):
            expected = format_date(day, style.pattern, locale)
            expected = expected.replace("\u202f", " ").replace("\xa0", " ")
            assert style.write(day) == expected
            assert style.write(day, "lower") == expected.lower()
            assert day in date_meanings(style.write(day, "title"), (locale,), 1970)


def test_names_that_hold_digits():
    assert date_meanings("2016年9月27日", ("ja",), 1970) == {DAY}
    assert date_meanings("2016年19月27日", ("ja",), 1970) == set()


def test_two_digit_years_follow_the_window():
    read = {day.year for day in date_meanings("27.09.70", ("de",), 1970)}
    assert read == {1970}
    assert date_meanings("27.09.69", ("de",), 1970) == {datetime.date(2069, 9, 27)}
    start, end = datetime.date(1930, 1, 1), datetime.date(1950, 12, 31)
    sources, targets = dates(500, locales=("de",), start=start, end=end)
    short = [
        t for s, t in zip(sources, targets, strict=True) if re.fullmatch(r"\d\d\.\d\d\.\d\d", s)
    ]
    assert short and all(target.startswith("19") for target in short)


@pytest.mark.parametrize("source", ["", "hello", "31/2/2016", "27 september", "27.09.216"])
def test_no_meaning(source):
    assert date_meanings(source, DEFAULT_LOCALES, 1970) == set()


def test_seeds_and_prefixes():
    long = dates(5_000, seed=1, return_locales=True)
    for n in (0, 1, 10, 4_097):
        assert dates(n, seed=1, return_locales=True) == tuple(column[:n] for column in long)
    assert dates(100, seed=1) == dates(100, seed=np.int64(1))
    assert dates(100, seed=1) != dates(100, seed=2)


def test_a_small_window_can_be_emptied():
    window = {"locales": ("en_GB", "fr"), "start": DAY, "end": DAY + datetime.timedelta(2)}
    everything = _Pairs(window["locales"], DAY, 3)
    everything.complete(np.random.default_rng(0))
    n = len(everything.sources)
    sources, targets = dates(n, **window)
    assert set(sources) == set(everything.sources)
    assert set(targets) == {"2016-09-27", "2016-09-28", "2016-09-29"}
    assert dates(n - 1, **window) == (sources[:-1], targets[:-1])
    message = rf"{n + 1} pairs .* only {n} different .* 3 days from 2016-09-27 to 2016-09-29"
    with pytest.raises(ValueError, match=message):
        dates(n + 1, **window)


def test_far_too_many_is_refused_at_once():
    with pytest.raises(ValueError, match=r"1000000000 pairs were asked for, but at most \d+"):
        dates(10**9)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n": -1}, "`n` must be an integer of at least 0; received -1"),
        ({"n": 2.5}, "`n` must be an integer of at least 0; received 2.5"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"locales": ("xx_YY",)}, "does not know the locale 'xx_YY'"),
        ({"locales": (3,)}, "does not know the locale 3"),
        ({"locales": "de"}, "sequence of str"),
        ({"locales": ()}, "`locales` must be at least one"),
        ({"start": datetime.date(1970, 1, 1), "end": datetime.date(2070, 1, 1)}, "2069-12-31"),
        ({"start": DAY, "end": DAY - datetime.timedelta(1)}, "must not lie before"),
        ({"start": "2016-01-01"}, "`start` must be a datetime.date; received '2016-01-01'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        dates(**{"n": 10, **arguments})
