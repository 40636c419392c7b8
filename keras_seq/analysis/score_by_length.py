"""Scores of texts by their length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq._checks import check_positive
from keras_seq.analysis.scores import text_scores
from keras_seq.analysis.texts import as_pairs, best_answers
from keras_seq.samplers import Sampler

SCORES = ("bleu", "chrf", "exact_match")


def score_by_length(
    model: Any,
    sources: Sequence[str],
    targets: Sequence[str],
    bins: int | Sequence[int] = 5,
    sampler: str | Sampler | None = None,
    max_length: int | None = None,
    batch_size: int = 64,
) -> list[dict[str, Any]]:
    """Generate from all sources, and score what came by the length of the source.

    The length is counted in tokens of `model.source_tokenizer`, without the end token. A fixed
    context grows worse with length, attention less so (Bahdanau et al., figure 2).

    Args:
        model: a task model that writes text, such as `models.Seq2Seq`.
        sources: list of source texts.
        targets: list of their right answers.
        bins: how many bins, with as many texts in each as equal lengths allow; or the largest
            length of every bin but the last, so that `[10, 20]` is up to 10, 11 to 20, and above.
        sampler: what `generate` uses; `None` for the model's own. Of an `n_best` the best is
            scored.
        max_length: see `generate`.
        batch_size: likewise.

    Returns:
        A list of dicts, one for each bin that holds texts, shortest first: `shortest`, `longest`
        and `mean_length` of its sources in tokens, `count`, the number of texts, and `bleu`,
        `chrf` (0 to 100) and `exact_match` (0 to 1) as `text_scores` gives them. BLEU looks at
        sequences of four tokens: for shorter texts it is 0.

    Raises:
        ValueError: for different numbers of texts, or none; and for bins that are neither a
            number above 0 nor growing integers.

    Example:

    >>> from keras_seq.text import WordTokenizer
    >>> class Echo:
    ...     source_tokenizer = WordTokenizer.from_texts(["one two three four five"])
    ...     def generate(self, texts, **options):
    ...         return list(texts)
    >>> rows = score_by_length(Echo(), ["one", "two", "one two three"], ["one", "1", "3"], bins=2)
    >>> [(row["shortest"], row["longest"], row["count"], row["exact_match"]) for row in rows]
    [(1, 1, 2, 0.5), (3, 3, 1, 0.0)]

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473, section 5.1.
        - Luong, Pham & Manning, 2015, arXiv:1508.04025, section 5.2.
    """
    sources, targets = as_pairs(sources, targets)
    lengths = np.array([len(ids) for ids in model.source_tokenizer.encode(sources)])
    numbers = np.searchsorted(_ends(bins, lengths), lengths)
    answers = best_answers(
        model.generate(sources, sampler=sampler, max_length=max_length, batch_size=batch_size)
    )
    return [
        _row(lengths[rows], [answers[i] for i in rows], [targets[i] for i in rows])
        for rows in (np.flatnonzero(numbers == number) for number in np.unique(numbers))
    ]


def _ends(bins, lengths):
    """The largest length of each bin but the last."""
    if isinstance(bins, int):
        shares = np.arange(1, check_positive("bins", bins)) / bins
        return np.unique(np.quantile(lengths, shares, method="inverted_cdf"))
    ends = np.asarray(bins)
    if ends.ndim != 1 or (ends.size and ends.dtype.kind not in "iu") or (np.diff(ends) <= 0).any():
        raise ValueError(
            f"`bins` must be an integer above 0 or a list of growing integers; received {bins!r}."
        )
    return ends


def _row(lengths, answers, targets):
    """What is known of one bin."""
    scores = text_scores(answers, targets)
    return {
        "shortest": int(lengths.min()),
        "longest": int(lengths.max()),
        "mean_length": float(lengths.mean()),
        "count": len(lengths),
        **{name: scores[name] for name in SCORES},
    }
