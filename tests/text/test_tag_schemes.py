"""Schemes of tags: every list of spans can be written in each, and read again."""

import itertools
import re

import pytest

from keras_seq.text import (
    check_tags,
    convert_tags,
    repair_tags,
    spans,
    spans_to_tags,
    tag_constraints,
)

SCHEMES = ["BIO", "IOB1", "IOBES", "BILOU", "BMES"]
NAMES = {
    scheme: ["O", *(f"{prefix}-{kind}" for kind in ("X", "Y-Z") for prefix in prefixes)]
    for scheme, prefixes in zip(SCHEMES, ("BI", "BI", "BIES", "BILU", "BMES"), strict=True)
}
WRITTEN = {
    "IOB1": ["I-X", "I-X", "B-X", "I-Y-Z", "O", "I-X", "O"],
    "BIO": ["B-X", "I-X", "B-X", "B-Y-Z", "O", "B-X", "O"],
    "IOBES": ["B-X", "E-X", "S-X", "S-Y-Z", "O", "S-X", "O"],
    "BILOU": ["B-X", "L-X", "U-X", "U-Y-Z", "O", "U-X", "O"],
    "BMES": ["B-X", "E-X", "S-X", "S-Y-Z", "O", "S-X", "O"],
}
LONG = {  # a span of four words
    "BIO": "BIII",
    "IOB1": "IIII",
    "IOBES": "BIIE",
    "BILOU": "BIIL",
    "BMES": "BMME",
}
SPANS = [("X", 0, 2), ("X", 2, 3), ("Y-Z", 3, 4), ("X", 5, 6)]


def all_spans(length, start=0):
    """Every list of spans of two types in a sequence."""
    if start == length:
        yield []
        return
    yield from all_spans(length, start + 1)
    for end, kind in itertools.product(range(start + 1, length + 1), ("X", "Y-Z")):
        for rest in all_spans(length, end):
            yield [(kind, start, end), *rest]


def is_valid(tags, scheme):
    try:
        check_tags(tags, scheme)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("source, target", [*itertools.product(SCHEMES, SCHEMES)])
def test_an_example_in_each_scheme(source, target):
    assert convert_tags(WRITTEN[source], source, target) == WRITTEN[target]
    assert spans(WRITTEN[source], source) == SPANS
    assert spans_to_tags(SPANS[::-1], 7, target) == WRITTEN[target]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_valid_tags_and_spans_are_one_to_one(scheme):
    """What may stand is exactly what some list of spans is written as."""
    valid = {t for t in itertools.product(NAMES[scheme], repeat=4) if is_valid(t, scheme)}
    every = [*all_spans(4)]
    assert valid == {tuple(spans_to_tags(one, 4, scheme)) for one in every}
    assert len(valid) == len(every)
    assert [spans(spans_to_tags(one, 4, scheme), scheme) for one in every] == every


@pytest.mark.parametrize("scheme", SCHEMES)
def test_repaired_tags_are_valid_and_valid_ones_stay(scheme):
    for tags in itertools.product(NAMES[scheme], repeat=3):
        repaired = repair_tags(tags, scheme)
        assert is_valid(repaired, scheme)
        assert spans(repaired, scheme) == spans(tags, scheme, repair=True)
        assert (repaired == [*tags]) == is_valid(tags, scheme)


@pytest.mark.parametrize(
    "scheme, tags, found",  # as conlleval.pl and seqeval read them
    [
        ("BIO", ["O", "I-X", "I-X"], [("X", 1, 3)]),
        ("BIO", ["B-X", "I-Y", "I-X"], [("X", 0, 1), ("Y", 1, 2), ("X", 2, 3)]),
        ("IOB1", ["B-X", "O", "B-X", "I-X"], [("X", 0, 1), ("X", 2, 4)]),
        ("IOBES", ["B-X", "O", "E-X"], [("X", 0, 1), ("X", 2, 3)]),
        ("IOBES", ["S-X", "I-X", "E-X", "I-X"], [("X", 0, 1), ("X", 1, 3), ("X", 3, 4)]),
        ("IOBES", ["I-X", "S-X", "B-X", "B-X"], [("X", i, i + 1) for i in range(4)]),
        ("BILOU", ["U-X", "I-X", "L-X", "I-X"], [("X", 0, 1), ("X", 1, 3), ("X", 3, 4)]),
        ("BMES", ["M-X", "S-X", "B-X", "B-X"], [("X", i, i + 1) for i in range(4)]),
    ],
)
def test_invalid_tags_are_read_as_conlleval_does(scheme, tags, found):
    assert spans(tags, scheme, repair=True) == found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_constraints_forbid_what_is_not_valid(scheme):
    names = NAMES[scheme]
    forbidden = tag_constraints([*names, "<pad>"], scheme)
    outside = len(names)  # as free as "O"
    assert outside not in forbidden["start"] + forbidden["end"]
    assert {j for i, j in forbidden["transitions"] if i == outside} == {
        j for i, j in forbidden["transitions"] if names[:1] == names[i : i + 1]
    }
    for path in itertools.product(range(len(names)), repeat=3):
        steps = [list(pair) for pair in itertools.pairwise(path)]
        allowed = (
            path[0] not in forbidden["start"]
            and path[-1] not in forbidden["end"]
            and not any(step in forbidden["transitions"] for step in steps)
        )
        assert allowed == is_valid([names[i] for i in path], scheme)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *(("IOB2", "BIO"), ("BIO2", "BIO"), ("bio", "BIO"), ("iob2", "BIO"), ("iob1", "IOB1")),
        *(("BIOES", "IOBES"), ("bieso", "IOBES"), ("BILUO", "BILOU"), ("bioul", "BILOU")),
        *(("BMEOS", "BMES"), ("bmeso", "BMES"), ("Bmes", "BMES")),
    ],
)
def test_each_function_knows_every_name(name, scheme):
    tags = WRITTEN[scheme]
    assert spans(tags, name) == spans(tags, name, repair=True) == SPANS
    assert spans_to_tags(SPANS, 7, name) == tags == repair_tags(tags, name)
    assert convert_tags(tags, name, "BIO") == WRITTEN["BIO"]
    assert convert_tags(WRITTEN["BIO"], "BIO", name) == tags
    assert check_tags(tags, name) is None
    names = [*dict.fromkeys(tags)]
    assert tag_constraints(names, name) == tag_constraints(names, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_long_span_in_each_scheme(scheme):
    assert spans_to_tags([("", 0, 4)], 4, scheme) == [*LONG[scheme]]
    assert spans([*LONG[scheme]], scheme) == [("", 0, 4)]


@pytest.mark.parametrize("name", ["IOB", "IO", "BILOUX", "", None, 3, ["BIO"]])
@pytest.mark.parametrize(
    "use",
    [
        lambda scheme: spans(["O"], scheme),
        lambda scheme: spans_to_tags([], 1, scheme),
        lambda scheme: convert_tags(["O"], "BIO", scheme),
        lambda scheme: check_tags([], scheme),
        lambda scheme: tag_constraints(["O"], scheme),
    ],
)
def test_an_unknown_scheme_lists_the_known_ones(name, use):
    known = "'BIO', 'IOB1', 'IOBES', 'BILOU', 'BMES', 'IOB2', 'BIO2', 'BIOES'"
    with pytest.raises(ValueError, match=re.escape(f"`scheme` must be one of {known}")) as error:
        use(name)
    assert f"received {name!r}" in str(error.value)


def test_names_empty_types_and_nothing():
    assert spans(["B", "I", "O"], "IOB2") == [("", 0, 2)]
    assert convert_tags(["B", "I", "I"], "IOB2", "BIOES") == ["B", "I", "E"]
    assert convert_tags([], "IOB1", "BIO") == []
    assert spans_to_tags([], 2) == ["O", "O"]


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: check_tags(["I-X"]), "Position 0: 'I-X' is first, which is not valid in BIO."),
        (lambda: spans(["O", "B-X", "I-Y"]), "Position 2: 'I-Y' follows 'B-X', which is not"),
        (lambda: spans(["B-X"], "IOB1"), "Position 0: 'B-X' is first, which is not valid in IOB1"),
        (lambda: spans(["O", "B-X"], "IOBES"), "Position 1: 'B-X' is last, which is not valid in"),
        (
            lambda: spans(["O", "S-X"], "BIO"),
            "Position 1: 'S-X' is not a tag of BIO, which has 'O'",
        ),
        (lambda: repair_tags(["PER"]), "Position 0: 'PER' is not a tag of BIO"),
        (lambda: repair_tags(["B-"]), "Position 0: 'B-' is not a tag"),
        (lambda: repair_tags(["-X"]), "Position 0: '-X' is not a tag"),
        (lambda: check_tags(["O", None]), "Position 1: None is not a tag"),
        (
            lambda: spans(["O", "B-X", "U-X"], "BILOU"),
            "Position 2: 'U-X' follows 'B-X', which is not valid in BILOU.",
        ),
        (
            lambda: spans(["B-X", "I-X"], "BMES"),
            "Position 1: 'I-X' is not a tag of BMES, which has 'O', 'B-...', 'M-...', 'E-...', 'S-",
        ),
        (lambda: tag_constraints(["O", "U-X"]), "'U-X' is not a tag of BIO"),
        (lambda: spans_to_tags([("X", 1, 1)], 3), "0 <= start < end <= 3, the number of words"),
        (lambda: spans_to_tags([("X", 0, 2), ("Y", 1, 3)], 3), "('X', 0, 2) and ('Y', 1, 3) overl"),
        (lambda: tag_constraints(["O", "O"]), "Every tag must be there once"),
        (lambda: tag_constraints(["O", "S-X"]), "'S-X' is not a tag of BIO"),
    ],
)
def test_mistakes_are_told(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wrong()
