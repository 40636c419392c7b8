"""Score generated texts against references: BLEU, chrF, exact match, token error rate."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def text_scores(
    hypotheses: Sequence[str],
    references: Sequence[str],
    tokenize: Callable[[str], Sequence[Any]] = str.split,
) -> dict[str, float]:
    """Score generated texts against references.

    Args:
        hypotheses: list of generated texts.
        references: list of as many right ones.
        tokenize: from a text to its tokens, for the token error rate.

    Returns:
        A dict: `bleu` and `chrf`, 0 to 100, as sacreBLEU computes them for a corpus with its
        default settings; `exact_match`, the share of texts that are right as a whole; and
        `token_error_rate`, the edit distance in tokens over the number of reference tokens
        (0 is perfect; it can exceed 1).

    Raises:
        ValueError: for different numbers of texts, or none.

    Example:

    >>> text_scores(["a b c d e"], ["a b c d e"])["bleu"]
    100.0
    >>> text_scores(["a x c d"], ["a b c d"])["token_error_rate"]
    0.25

    References:
        - Post, 2018, "A call for clarity in reporting BLEU scores", arXiv:1804.08771.
        - Popovic, 2015, "chrF: character n-gram F-score for automatic MT evaluation", WMT.
    """
    if len(hypotheses) != len(references) or not references:
        raise ValueError(
            "There must be one hypothesis for each reference, and at least one; received "
            f"{len(hypotheses)} hypotheses and {len(references)} references."
        )
    import sacrebleu

    pairs = list(zip(hypotheses, references, strict=True))
    tokens = [(tokenize(hypothesis), tokenize(reference)) for hypothesis, reference in pairs]
    errors = sum(edit_distance(a, b) for a, b in tokens)
    return {
        "bleu": round(sacrebleu.corpus_bleu(hypotheses, [references]).score, 10),
        "chrf": round(sacrebleu.corpus_chrf(hypotheses, [references]).score, 10),
        "exact_match": sum(a == b for a, b in pairs) / len(pairs),
        "token_error_rate": errors / max(1, sum(len(reference) for _, reference in tokens)),
    }


def edit_distance(a: Sequence[Any], b: Sequence[Any]) -> int:
    """Return the least number of insertions, deletions and substitutions from `a` to `b`.

    >>> edit_distance("kitten", "sitting")
    3

    References:
        - Levenshtein, 1966, "Binary codes capable of correcting deletions, insertions, and
          reversals", Soviet Physics Doklady 10.
    """
    row = np.arange(len(b) + 1)
    for i, item in enumerate(a, start=1):
        changed = row[:-1] + np.array([item != other for other in b], dtype=int)
        best = np.minimum(changed, row[1:] + 1)
        # Insertions run along the row: row[j] = min over k <= j of best[k] + (j - k).
        steps = np.arange(len(b) + 1)
        row = np.minimum.accumulate(np.concatenate([[i], best]) - steps) + steps
    return int(row[-1])
