"""Turn attention into word alignments, and score them against alignments by hand."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

LINK = re.compile(r"(\d+)(?:-(\d+)(p?)|p(\d+))")


def alignment(attention: ArrayLike, threshold: float = 0.0) -> list[tuple[int, int]]:
    """Return the links that attention draws: from each target token to the source token it sees.

        s(t) = arg max_s a_ts          a link (s(t), t) where a_(t, s(t)) > threshold

    Of equally large weights the first counts.

    Args:
        attention: weights `(target tokens, source tokens)`. `generate(..., return_attention=True)`
            counts the end tokens among them, which gold alignments do not: cut them off,
            `attention[:-1, :-1]`.
        threshold: a target token whose largest weight is not above this has no link.

    Returns:
        A list of `(source position, target position)`, counted from 0, in the order of the target.

    Raises:
        ValueError: if `attention` is not a matrix of finite numbers of at least 0.

    Example:

    >>> alignment([[0.1, 0.9], [0.6, 0.4]])
    [(1, 0), (0, 1)]
    >>> alignment([[0.1, 0.9], [0.6, 0.4]], threshold=0.75)
    [(1, 0)]

    References:
        - Ghader & Monz, 2017, "What does attention in neural machine translation pay attention
          to?", arXiv:1710.03348, section 4.
    """
    attention = np.asarray(attention)
    if attention.ndim != 2 or attention.dtype.kind not in "fiu":
        raise ValueError(
            "`attention` must be a matrix (target tokens, source tokens); received "
            f"{attention.dtype} of shape {attention.shape}."
        )
    if not (np.isfinite(attention) & (attention >= 0)).all():
        raise ValueError("`attention` must hold finite weights of at least 0; received others.")
    if not attention.shape[1]:
        return []
    sources = attention.argmax(axis=1)
    return [(int(s), t) for t, s in enumerate(sources) if attention[t, s] > threshold]


def read_alignments(
    lines: Iterable[str], first: int = 0
) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
    """Read alignments as written by hand and by aligners: `0-0 1-2 2-1p`, a line a sentence.

    `3-4` links source token 3 and target token 4 for sure; `3-4p`, or `3p4`, possibly.

    Args:
        lines: strings, such as an open file. An empty line is a sentence without links.
        first: the number of the first token in the lines, 0 or 1.

    Returns:
        `(sure, possible)`, each a list with the links of every sentence, a list of
        `(source position, target position)` counted from 0. What is sure is possible too.

    Raises:
        ValueError: for a string instead of lines, anything else than links in a line, and a
            position below `first`.

    Example:

    >>> sure, possible = read_alignments(["0-0 1-2p", ""])
    >>> sure
    [[(0, 0)], []]
    >>> possible
    [[(0, 0), (1, 2)], []]
    """
    if isinstance(lines, str):
        raise ValueError(f"`lines` must be a list or a file of lines; received {lines[:40]!r}.")
    sure, possible = [], []
    for number, line in enumerate(lines, start=1):
        links = [_read_link(word, number, first) for word in line.split()]
        possible.append([link for link, _ in links])
        sure.append([link for link, is_sure in links if is_sure])
    return sure, possible


def _read_link(word, number, first):
    """`((source, target), whether it is sure)` of a word such as `3-4p`."""
    match = LINK.fullmatch(word)
    if match is None:
        raise ValueError(
            f"A link must be written as 3-4, or as 3-4p where it is only possible; received "
            f"{word!r} in line {number}."
        )
    source, target, mark, other = match.groups()
    link = int(source) - first, int(target or other) - first
    if min(link) < 0:
        raise ValueError(f"Positions begin at {first}; received {word!r} in line {number}.")
    return link, not (mark or other)


def alignment_error_rate(
    alignments: Sequence[Iterable[tuple[int, int]]],
    sure: Sequence[Iterable[tuple[int, int]]],
    possible: Sequence[Iterable[tuple[int, int]]] | None = None,
) -> dict[str, float]:
    r"""Score alignments against those that people made.

        AER = 1 - (|A & S| + |A & P|) / (|A| + |S|)
        precision = |A & P| / |A|          recall = |A & S| / |S|

    A are the links found, S those that people are sure of, P those that they find possible, which
    include S; each is counted over all sentences. A rate of 0 is perfect, 1 the worst.

    Args:
        alignments: for each sentence its links `(source position, target position)`, as
            `alignment` gives them.
        sure: the same of the sure links.
        possible: the same of the possible ones; `None` for the sure ones alone, and then the error
            rate is 1 - F1.

    Returns:
        A dict: `alignment_error_rate`, `precision` (`nan` where no link was found) and `recall`,
        each from 0 to 1.

    Raises:
        ValueError: for different numbers of sentences, links that are not pairs of integers of at
            least 0, or no sure link at all.

    Example:

    >>> sure, possible = read_alignments(["0-0 1-1 2-1p"])
    >>> alignment_error_rate([[(0, 0), (2, 1), (2, 2)]], sure, possible)["precision"]
    0.6666666666666666

    References:
        - Och & Ney, 2003, "A systematic comparison of various statistical alignment models",
          Computational Linguistics 29(1), section 5.
    """
    links, sure = _link_sets(alignments, "alignments"), _link_sets(sure, "sure")
    possible = sure if possible is None else _link_sets(possible, "possible")
    if not len(links) == len(sure) == len(possible):
        raise ValueError(
            "There must be links of the same sentences; received "
            f"{len(links)} sentences in `alignments`, {len(sure)} in `sure` and {len(possible)} "
            "in `possible`."
        )
    if not any(sure):
        raise ValueError("There must be a sure link in one sentence at least; received none.")
    links_and_sure = sum(len(a & s) for a, s in zip(links, sure, strict=True))
    links_and_possible = sum(
        len(a & (s | p)) for a, s, p in zip(links, sure, possible, strict=True)
    )
    count, sure_count = sum(map(len, links)), sum(map(len, sure))
    return {
        "alignment_error_rate": 1 - (links_and_sure + links_and_possible) / (count + sure_count),
        "precision": links_and_possible / count if count else float("nan"),
        "recall": links_and_sure / sure_count,
    }


def _link_sets(sentences, name):
    """The links of each sentence as a set, once checked."""
    sentences = list(sentences)
    for links in sentences:
        if isinstance(links, str) or not np.iterable(links):
            raise ValueError(
                f"`{name}` must hold a list of links for each sentence; received {links!r}."
            )
    return [{check_link(link, name) for link in links} for links in sentences]


def check_link(link, name):
    """Return a link as a pair of `int`, or raise a `ValueError`."""
    array = np.asarray(link)
    if array.shape != (2,) or array.dtype.kind not in "iu" or array.min() < 0:
        raise ValueError(
            f"A link in `{name}` must be (source position, target position), integers of at least "
            f"0; received {link!r}. There is a list of links for each sentence."
        )
    return int(array[0]), int(array[1])
