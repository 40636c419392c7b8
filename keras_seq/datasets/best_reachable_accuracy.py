"""Compute the accuracy that no model can surpass where sources have several targets."""

from collections import Counter
from collections.abc import Sequence

from keras_seq._checks import check_pairs


def best_reachable_accuracy(sources: Sequence[str], targets: Sequence[str]) -> float:
    """The highest exact-match accuracy that any function of the source can reach on these pairs.

    A function gives one answer for each source; the best one gives the target that goes with it
    most often:

        accuracy = sum over different sources s of max_t count(s, t) / number of pairs

    It is 1 exactly when no source has two targets.

    Args:
        sources, targets: sequences of str (or anything hashable), of one length >= 1.

    Returns:
        float in (0, 1].

    Raises:
        ValueError: the lengths differ, or there are no pairs.

    Example:
        >>> from keras_seq.datasets import best_reachable_accuracy
        >>> best_reachable_accuracy(["3/4/16", "3/4/16", "5/4/16", "31/4/16"], list("abcd"))
        0.75
    """
    check_pairs(sources, targets)
    best = Counter()
    for (source, _), count in Counter(zip(sources, targets, strict=True)).items():
        best[source] = max(best[source], count)
    return sum(best.values()) / len(sources)
