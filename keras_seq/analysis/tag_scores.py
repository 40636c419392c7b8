"""Scores of tags: accuracy, and precision, recall and F1 of what they mark."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from keras_seq.text import spans


def tag_scores(
    predicted: Sequence[Sequence[str]], true: Sequence[Sequence[str]], scheme: str | None = None
) -> dict[str, Any]:
    r"""Compare predicted tags with the right ones.

        accuracy  = words with the right tag / words
        precision = right spans / spans predicted
        recall    = right spans / spans there are
        F1        = 2 precision recall / (precision + recall)

    A span is right where its type, its first and its last word are. All spans count the same,
    whatever their type (micro average). Where tags are not valid in the scheme, spans are those
    that conlleval sees, and seqeval in its default mode: see `keras_seq.text.spans` with `repair`.
    A fraction of nothing is 0.

    Args:
        predicted: list of sentences, each a list of tags.
        true: the same with the right tags.
        scheme: what the tags are written in, by any name that `keras_seq.text.spans` takes; `None`
            for tags of single words.

    Returns:
        A dict: `sentences` and `words`, how many; `accuracy`; with a scheme `precision`, `recall`
        and `f1`; and `types`, from each type of span (without a scheme: from each tag), sorted, to
        a dict of its own `precision`, `recall` and `f1`, and of the counts `predicted`, `true` and
        `right`.

    Raises:
        ValueError: for different numbers of sentences, or of tags in a sentence; for an unknown
            scheme, and a tag that it does not have.

    Example:

    >>> scores = tag_scores([["B-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "B-LOC"]], "BIO")
    >>> round(scores["accuracy"], 2), scores["f1"], scores["types"]["LOC"]["right"]
    (0.67, 0.5, 1)

    Papers: Tjong Kim Sang & Buchholz 2000, "Introduction to the CoNLL-2000 shared task: chunking"
    (W00-0726), section 4; Tjong Kim Sang & De Meulder 2003 (W03-0419), for conlleval.
    """
    _check(predicted, true)
    pairs = [
        pair
        for guess, truth in zip(predicted, true, strict=True)
        for pair in zip(guess, truth, strict=True)
    ]
    marked, right = (_marked(side, scheme) for side in (predicted, true))
    counts = [Counter(item[0] for item in items) for items in (marked, right, marked & right)]
    scores = {
        "sentences": len(true),
        "words": len(pairs),
        "accuracy": _share(sum(guess == truth for guess, truth in pairs), len(pairs)),
    }
    if scheme is not None:
        scores.update(_fractions(*(sum(count.values()) for count in counts)))
    scores["types"] = {
        kind: {
            **_fractions(*(count[kind] for count in counts)),
            **dict(zip(("predicted", "true", "right"), (c[kind] for c in counts), strict=True)),
        }
        for kind in sorted({*counts[0], *counts[1]})
    }
    return scores


def _check(predicted, true):
    if len(predicted) != len(true):
        raise ValueError(
            f"There must be as many sentences predicted as there are; received {len(predicted)} "
            f"and {len(true)}."
        )
    for number, (guess, truth) in enumerate(zip(predicted, true, strict=True)):
        if isinstance(guess, str) or isinstance(truth, str):
            raise ValueError(
                f"The tags of a sentence must be a list of str; sentence {number} is {guess!r} and "
                f"{truth!r}."
            )
        if len(guess) != len(truth):
            raise ValueError(
                f"Sentence {number} has {len(guess)} tags predicted and {len(truth)} right ones."
            )


def _marked(sentences, scheme):
    """What the tags mark, as a set of `(type, sentence, start, end)`."""
    marked = set()
    for number, tags in enumerate(sentences):
        if scheme is None:
            marks = [(tag, place, place + 1) for place, tag in enumerate(tags)]
        else:
            try:
                marks = spans(tags, scheme, repair=True)
            except ValueError as error:
                raise ValueError(f"Sentence {number}: {error}") from error
        marked |= {(kind, number, start, end) for kind, start, end in marks}
    return marked


def _fractions(predicted, true, right):
    """Precision, recall and F1 of three counts."""
    return {
        "precision": _share(right, predicted),
        "recall": _share(right, true),
        "f1": _share(2 * right, predicted + true),
    }


def _share(part, whole):
    return part / whole if whole else 0.0
