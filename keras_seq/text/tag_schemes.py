"""Tags that mark spans of words: IOB1, BIO, IOBES, BILOU and BMES, each by all its names.

A tag is "O", outside of every span, or a prefix and a type, "B-PER"; a prefix alone, "B", has the
type "". All the schemes write any list of spans that do not overlap, so nothing is lost from one
to another:

| scheme | other names | first word | inside | last word | only word |
|---|---|---|---|---|---|
| BIO | IOB2, BIO2 | B | I | I | B |
| IOB1 | | I; B right behind a span of the same type | I | I | as the first |
| IOBES | BIOES, BIESO | B | I | E | S |
| BILOU | BILUO, BIOUL | B | I | L | U |
| BMES | BMESO, BMEOS | B | M | E | S |

Capitals and small letters are the same in the name of a scheme. "IOB" alone is none, since it is
used for IOB1 as well as for IOB2.
"""

import operator
from collections.abc import Iterable, Sequence
from typing import Any

# What each scheme calls the words of a span; in the order in which tags are numbered.
SCHEMES = {"BIO": "BI", "IOB1": "IB", "IOBES": "BIES", "BILOU": "BILU", "BMES": "BMES"}
_NAMES = {
    **{name: name for name in SCHEMES},
    **{"IOB2": "BIO", "BIO2": "BIO"},
    **{"BIOES": "IOBES", "BIESO": "IOBES"},
    **{"BILUO": "BILOU", "BIOUL": "BILOU"},
    **{"BMESO": "BMES", "BMEOS": "BMES"},
}
# Schemes that tell the end of a span: their prefixes are those of IOBES, by other letters.
_LETTERS = {"IOBES": {}, "BILOU": {"E": "L", "S": "U"}, "BMES": {"I": "M"}}
_AS_IOBES = {
    scheme: {letter: prefix for prefix, letter in letters.items()}
    for scheme, letters in _LETTERS.items()
}
_OF_SOME_SCHEME = tuple(f"{letter}-" for letter in sorted({*"".join(SCHEMES.values())}))
_OUTSIDE = "O"


def scheme_name(name):
    """Return the one name of a scheme, as `SCHEMES` has it.

    Args:
        name: any name of it, in capitals or small letters.

    Raises:
        ValueError: for an unknown scheme; lists the known ones.
    """
    scheme = _NAMES.get(name.upper()) if isinstance(name, str) else None
    if scheme is None:
        raise ValueError(
            f"`scheme` must be one of {', '.join(map(repr, _NAMES))}; received {name!r}."
        )
    return scheme


def spans(
    tags: Sequence[str], scheme: str = "BIO", repair: bool = False
) -> list[tuple[str, int, int]]:
    """Return the spans that a sequence of tags marks.

    Args:
        tags: list of str.
        scheme: "BIO" (or "IOB2"), "IOB1", "IOBES" (or "BIOES"), "BILOU" or "BMES".
        repair: whether to read an invalid sequence as conlleval and seqeval do: a span begins at
            B and S, where the type changes, behind O, and behind E and S (by whatever letters the
            scheme calls them); it ends where the next begins and before O.

    Returns:
        list of `(type, start, end)`: words `start` to `end - 1`, in order.

    Raises:
        ValueError: for an unknown scheme or tag, and, without `repair`, for an invalid sequence;
            says the position, from 0, and the tag.

    Example:
        >>> from keras_seq.text import spans
        >>> spans(["B-PER", "I-PER", "O", "B-LOC"], "BIO")
        [('PER', 0, 2), ('LOC', 3, 4)]
        >>> spans(["I-PER", "I-LOC"], "BIO", repair=True)
        [('PER', 0, 1), ('LOC', 1, 2)]

    Papers: Ramshaw & Marcus 1995, "Text chunking using transformation-based learning", for IOB1;
    Tjong Kim Sang & Veenstra 1999, "Representing text chunks"; Tjong Kim Sang & De Meulder 2003
    (W03-0419), for conlleval.
    """
    scheme = scheme_name(scheme)
    if not repair:
        check_tags(tags, scheme)
    marked, before = [], (_OUTSIDE, None)
    for position, tag in enumerate(_parsed(tags, scheme)):
        prefix, kind = tag
        if prefix != _OUTSIDE:
            if prefix in "BS" or before[0] in "OES" or before[1] != kind:
                marked.append((kind, position, position + 1))
            else:
                marked[-1] = (*marked[-1][:2], position + 1)
        before = tag
    return marked


def spans_to_tags(
    spans: Iterable[tuple[str, int, int]], length: int, scheme: str = "BIO"
) -> list[str]:
    """Return the tags of a sequence in which `spans` are marked; the way back from `spans`.

    Args:
        spans: iterable of `(type, start, end)`, in any order: words `start` to `end - 1`.
        length: the number of words.
        scheme: as in `spans`.

    Returns:
        list of `length` str.

    Raises:
        ValueError: for an unknown scheme, a span that is empty or not within the sequence, a type
            that is not a str, and spans that overlap.

    Example:
        >>> from keras_seq.text import spans_to_tags
        >>> spans_to_tags([("LOC", 3, 4), ("PER", 0, 2)], 5, "IOBES")
        ['B-PER', 'E-PER', 'O', 'S-LOC', 'O']
    """
    scheme = scheme_name(scheme)
    length = operator.index(length)
    tags = [_OUTSIDE] * length
    last = (None, 0, 0)
    for span in sorted(spans, key=lambda span: span[1:]):
        kind, start, end = span
        if not isinstance(kind, str) or not 0 <= start < end <= length:
            raise ValueError(
                f"A span must be (type, start, end) with 0 <= start < end <= {length}, the number "
                f"of words; received {span!r}."
            )
        if start < last[2]:
            raise ValueError(f"The spans {last!r} and {span!r} overlap.")
        adjacent = last[0] == kind and last[2] == start
        for position, prefix in enumerate(_prefixes(scheme, end - start, adjacent), start):
            tags[position] = f"{prefix}-{kind}" if kind else prefix
        last = span
    return tags


def _prefixes(scheme, size, adjacent):
    """The prefixes of a span of `size` words; `adjacent` to one of the same type before it."""
    if scheme in _LETTERS:
        prefixes = "S" if size == 1 else "B" + "I" * (size - 2) + "E"
        return [_LETTERS[scheme].get(prefix, prefix) for prefix in prefixes]
    first = "I" if scheme == "IOB1" and not adjacent else "B"
    return first + "I" * (size - 1)


def convert_tags(tags: Sequence[str], source: str, target: str, repair: bool = False) -> list[str]:
    """Return the tags of one scheme in another: the same spans, and so the way back is exact.

    Args:
        tags: list of str.
        source, target: schemes, as in `spans`.
        repair: as in `spans`.

    Returns:
        list of str, as many.

    Raises:
        ValueError: as `spans`.

    Example:
        >>> from keras_seq.text import convert_tags
        >>> convert_tags(["I-PER", "I-PER", "B-PER", "O"], "IOB1", "BIO")
        ['B-PER', 'I-PER', 'B-PER', 'O']
    """
    tags = list(tags)
    return spans_to_tags(spans(tags, source, repair), len(tags), target)


def repair_tags(tags: Sequence[str], scheme: str = "BIO") -> list[str]:
    """Return a valid sequence of tags with the spans that conlleval and seqeval see in `tags`.

    A valid sequence comes back as it is.

    Args:
        tags: list of str.
        scheme: as in `spans`.

    Returns:
        list of str, as many.

    Raises:
        ValueError: for an unknown scheme or tag.

    Example:
        >>> from keras_seq.text import repair_tags
        >>> repair_tags(["O", "I-PER", "I-LOC"])
        ['O', 'B-PER', 'B-LOC']
    """
    return convert_tags(tags, scheme, scheme, repair=True)


def check_tags(tags: Sequence[str], scheme: str = "BIO") -> None:
    """Raise a `ValueError` unless `tags` are a valid sequence of a scheme.

    Args:
        tags: list of str.
        scheme: as in `spans`.

    Raises:
        ValueError: for an unknown scheme, for a tag that the scheme does not have, and for one
            that may not stand where it stands; says the position, from 0, and the tag.

    Example:
        >>> from keras_seq.text import check_tags
        >>> check_tags(["O", "I-PER"], "BIO")
        Traceback (most recent call last):
        ...
        ValueError: Position 1: 'I-PER' follows 'O', which is not valid in BIO.
    """
    problem = find_problem(tags, scheme)
    if problem is not None:
        raise ValueError("Position {}: {}".format(*problem))


def find_problem(tags, scheme):
    """Return `(position, message)` of the first tag that is not valid, or `None`."""
    scheme, before = scheme_name(scheme), None
    for position, tag in enumerate([*tags, None]):
        try:
            now = None if tag is None and position == len(tags) else _parse(tag, scheme)
        except ValueError as error:
            return position, str(error)
        if not _may_follow(scheme, before, now):
            if now is None:
                return position - 1, f"{tags[-1]!r} is last, which is not valid in {scheme}."
            after = f"follows {tags[position - 1]!r}" if position else "is first"
            return position, f"{tag!r} {after}, which is not valid in {scheme}."
        before = now
    return None


def tag_constraints(tags: Sequence[str], scheme: str = "BIO") -> dict[str, Any]:
    """Return what a scheme forbids, for `keras_seq.layers.CRF(len(tags), constraints=...)`.

    Args:
        tags: list of str, the tag of each index. "O" and names that are no tag of the scheme, such
            as "<pad>", count as outside of every span.
        scheme: as in `spans`.

    Returns:
        dict of "transitions", a list of `[from, to]`, and of "start" and "end", lists of indices.

    Raises:
        ValueError: for an unknown scheme, a tag of another one, and if a tag is there twice.

    Example:
        >>> from keras_seq.text import tag_constraints
        >>> tag_constraints(["O", "B-PER", "I-PER"], "BIO")
        {'transitions': [[0, 2]], 'start': [2], 'end': []}
    """
    scheme, tags = scheme_name(scheme), list(tags)
    if len(set(tags)) != len(tags):
        raise ValueError(f"Every tag must be there once; received {tags!r}.")
    parsed = [_parse_or_outside(tag, scheme) for tag in tags]
    numbered = list(enumerate(parsed))
    return {
        "transitions": [
            [i, j]
            for i, before in numbered
            for j, now in numbered
            if not _may_follow(scheme, before, now)
        ],
        "start": [j for j, now in numbered if not _may_follow(scheme, None, now)],
        "end": [i for i, before in numbered if not _may_follow(scheme, before, None)],
    }


def _may_follow(scheme, before, now):
    """Whether a parsed tag may follow another; `None` is the edge of the sequence."""
    before, now = before or (_OUTSIDE, None), now or (_OUTSIDE, None)
    same = before[0] != _OUTSIDE and before[1] == now[1]
    if scheme == "BIO":
        return now[0] != "I" or same
    if scheme == "IOB1":
        return now[0] != "B" or same
    inside = before[0] in "BI"  # a span is open and must go on
    return (now[0] in "IE" and before[1] == now[1]) if inside else now[0] not in "IE"


def _parsed(tags, scheme):
    for position, tag in enumerate(tags):
        try:
            yield _parse(tag, scheme)
        except ValueError as error:
            raise ValueError(f"Position {position}: {error}") from error


def _parse(tag, scheme):
    """`(prefix, type)` of a tag; the prefix is that of IOBES where the scheme tells ends."""
    if tag == _OUTSIDE:
        return _OUTSIDE, None
    if isinstance(tag, str):
        prefix, hyphen, kind = tag.partition("-")
        if prefix in SCHEMES[scheme] and len(prefix) == 1 and bool(hyphen) == bool(kind):
            return _AS_IOBES.get(scheme, {}).get(prefix, prefix), kind
    known = ", ".join(f"'{prefix}-...'" for prefix in SCHEMES[scheme])
    raise ValueError(f"{tag!r} is not a tag of {scheme}, which has 'O', {known}.")


def _parse_or_outside(tag, scheme):
    try:
        return _parse(tag, scheme)
    except ValueError:
        if str(tag)[:2] in _OF_SOME_SCHEME:
            raise
        return _OUTSIDE, None
