"""Splits in which no source of the test set was seen in training."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from keras_seq._checks import check_count, check_pairs


def split_by_source(
    sources: Sequence[str],
    targets: Sequence[str],
    sizes: Sequence[float] = (0.9, 0.05, 0.05),
    seed: int = 0,
) -> list[tuple[list[str], list[str]]]:
    """A seeded split in which all pairs that share a source lie in one part.

    Real sets of pairs hold the same source many times, with other targets ("Run!" has several
    translations). Split line by line, the test set would hold sources of the training set; here it
    does not. Sources are the same when they are equal as strings.

    The groups of pairs with one source are shuffled, and the parts are filled from them, the
    smallest part first, each with the next groups that still fit. So sizes are exact wherever
    single pairs can fill the gaps; a part for which every group is too large takes the smallest
    one. Where the sizes sum to all pairs, the largest part takes all that is left.

    Args:
        sources, targets: sequences of str, of one length >= 1.
        sizes: one number a part: floats that sum to 1 (shares of the pairs), or ints that sum to at
            most the number of pairs (the pairs left over are in no part).
        seed: int >= 0; the same seed gives the same split.

    Returns:
        A list with a `(sources, targets)` pair of lists for each part, in shuffled order.

    Raises:
        ValueError: the lengths differ, there are no pairs, the sizes are neither of the two, or a
            part would be empty, because there are too few different sources.

    Example:
        >>> from keras_seq.datasets import split_by_source
        >>> sources, targets = list("aabbccddee"), list("0123456789")
        >>> train, test = split_by_source(sources, targets, sizes=(0.8, 0.2))
        >>> len(train[0]), len(test[0]), set(train[0]) & set(test[0])
        (8, 2, set())
    """
    check_pairs(sources, targets)
    sizes = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    wanted = _checked_sizes(sizes, len(sources))
    groups = _shuffled_groups(sources, check_count("seed", seed))
    different = len(groups)
    chosen = [[] for _ in wanted]
    *smaller, largest = np.argsort(wanted, kind="stable").tolist()
    for part in smaller:
        chosen[part], groups = _fill(groups, wanted[part])
    if sum(wanted) == len(sources):
        chosen[largest] = list(itertools.chain.from_iterable(groups))
    else:
        chosen[largest], _ = _fill(groups, wanted[largest])
    parts = []
    for number, indices in enumerate(chosen):
        if not indices:
            raise ValueError(
                f"Part {number} of the split (size {sizes[number]}) would be empty: a source is "
                f"never divided; received {len(sources)} pairs with {different} different sources."
            )
        parts.append(([sources[index] for index in indices], [targets[index] for index in indices]))
    return parts


def _shuffled_groups(sources, seed):
    """The indices of each different source, in shuffled order: a list of lists."""
    groups = {}
    for index, source in enumerate(sources):
        groups.setdefault(source, []).append(index)
    groups = list(groups.values())
    return [groups[index] for index in np.random.default_rng(seed).permutation(len(groups))]


def _fill(groups, room):
    """(the indices of the groups that fit into `room`, taken in order; the other groups)."""
    chosen, others = [], []
    for group in groups:
        if len(chosen) + len(group) <= room:
            chosen += group
        else:
            others.append(group)
    if not chosen and others and room > 0:
        smallest = min(range(len(others)), key=lambda number: len(others[number]))
        chosen = others.pop(smallest)
    return chosen, others


def _checked_sizes(sizes, pairs):
    """The number of pairs wanted for each part: a list of int."""
    expected = (
        "floats > 0 that sum to 1 (shares), or ints > 0 that sum to at most the "
        f"{pairs} pairs (counts)"
    )
    counts = [size for size in sizes if isinstance(size, (int, np.integer))]
    shares = [size for size in sizes if isinstance(size, (float, np.floating))]
    booleans = any(isinstance(size, bool) for size in sizes)
    positive = all(size > 0 for size in counts + shares)
    if not sizes or booleans or not positive or len(sizes) not in (len(counts), len(shares)):
        raise ValueError(f"`sizes` must be {expected}; received {sizes}.")
    total = sum(sizes)
    if counts and total > pairs:
        raise ValueError(f"`sizes` must be {expected}; received {sizes}, with the sum {total}.")
    if shares and abs(total - 1) > 1e-6:
        raise ValueError(f"`sizes` must be {expected}; received {sizes}, with the sum {total:g}.")
    if counts:
        return [int(count) for count in counts]
    ends = np.rint(np.cumsum([0.0, *shares]) / total * pairs).astype(int)
    return np.diff(ends).tolist()
