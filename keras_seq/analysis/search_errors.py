"""Count the texts for which a search misses the model's most probable answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq.analysis.texts import best_answers
from keras_seq.samplers import Exhaustive, get
from keras_seq.text.forms import as_texts

SAME = 1e-4  # log-probabilities that differ by less are equal: float32 sums differ by order


def search_errors(
    model: Any,
    sources: Sequence[str],
    samplers: Sequence[str] | dict[str, Any] = ("greedy", "beam"),
    max_length: int | None = None,
    max_nodes: int = 10_000,
    batch_size: int = 64,
) -> dict[str, Any]:
    r"""Compare what samplers find with the best of all texts.

        y* = arg max_y log p(y | x)          gap = log p(y* | x) - log p(y | x)

    y is what the sampler finds, y* what `samplers.Exhaustive` does. A gap above 0 is a search
    error, whatever score the sampler ranks by: a length penalty or a minimal length prefers other
    texts than y* on purpose. Is y* a bad translation, which it often is, the model is to blame, not
    the search.

    The exact search looks at up to `max_nodes` prefixes of every text, 32 at a time where there are
    so many, and one text after the other. Small vocabularies, confident models and a low
    `max_length` make it short.

    Args:
        model: a task model that writes text, such as `models.Seq2Seq`.
        sources: list of source texts.
        samplers: names, or a dict from a name to anything that `samplers.get` takes:
            `{"beam 10": Beam(10)}`. They must know `return_trace`. Of an `n_best` the best counts.
        max_length: limit of all texts, the exact ones too; see `generate`.
        max_nodes: see `samplers.Exhaustive`. A text of which the exact answer is not found with so
            many is left out.
        batch_size: see `generate`.

    Returns:
        A dict. `count`, the number of texts compared, and `left_out`, that of the others. `exact`,
        a dict of the exact answers: `mean_length` in tokens without the end token, `empty`, the
        share of texts for which y* is the empty text, and `mean_log_probability`. And `samplers`,
        a dict from each name to the same three, `errors`, the share of search errors, and
        `mean_gap`, the mean gap over all texts compared, in nats. All are `nan` where no text is
        left.

    Raises:
        ValueError: for no texts, no samplers, unknown ones, or those without a trace.

    Example:

    ```python
    samplers = {"greedy": "greedy", "beam 5": Beam(5, length_penalty=0.0)}
    result = search_errors(model, sources[:100], samplers, max_length=30)
    result["samplers"]["beam 5"]["errors"], result["exact"]["empty"]
    ```

    References:
        - Stahlberg & Byrne, 2019, "On NMT search errors and model errors: cat got your tongue?",
          arXiv:1908.10090, section 4.
    """
    sources = as_texts(sources, "sources")
    if not sources:
        raise ValueError("There must be at least one source; received none.")
    samplers = _named(samplers)
    options = {"max_length": max_length, "batch_size": batch_size, "return_attention": True}
    answers = model.generate(sources, sampler=Exhaustive(max_nodes=max_nodes), **options)
    kept = [i for i, answer in enumerate(answers) if answer["exact"]]
    left, end = [sources[i] for i in kept], _end_token(model)
    exact = [_Found(answers[i], answers[i]["score"], end) for i in kept]
    result = {
        "count": len(kept),
        "left_out": len(sources) - len(kept),
        "exact": _summary(exact),
        "samplers": {},
    }
    for name, sampler in samplers.items():
        answers = best_answers(model.generate(left, sampler=sampler, return_trace=True, **options))
        written = [_Found(answer, _log_probability(answer["trace"]), end) for answer in answers]
        result["samplers"][name] = _compared(written, exact)
    return result


def _named(identifiers):
    """From each name to its sampler."""
    if not isinstance(identifiers, dict):
        if isinstance(identifiers, str) or not all(isinstance(name, str) for name in identifiers):
            raise ValueError(
                "`samplers` must be a list of names or a dict from a name to a sampler, such as "
                f'{{"beam 10": Beam(10)}}; received {identifiers!r}.'
            )
        identifiers = {name: name for name in identifiers}
    if not identifiers:
        raise ValueError("There must be at least one sampler; received none.")
    return {name: get(identifier) for name, identifier in identifiers.items()}


def _end_token(model):
    tokenizer = model.target_tokenizer
    return tokenizer.id_to_token(tokenizer.end_token_id)


class _Found:
    """One answer.

    Args:
        answer: what `generate` returned for a text, with its `target_tokens`.
        log_probability: of the answer.
        end: the end token.
    """

    def __init__(self, answer, log_probability, end):
        self.tokens = answer["target_tokens"]
        self.log_probability = log_probability
        self.length = len(self.tokens) - (self.tokens[-1:] == [end])
        self.empty = self.tokens == [end]


def _log_probability(trace):
    """That of the answer, which has the best score of the sequences kept at the end."""
    if not trace:  # a blank source, whose answer is certain
        return 0.0
    return max(trace[-1], key=lambda kept: kept["score"])["log_probability"]


def _summary(answers):
    """Length, log-probability and emptiness of some answers."""
    return {
        "mean_length": _mean([answer.length for answer in answers]),
        "mean_log_probability": _mean([answer.log_probability for answer in answers]),
        "empty": _mean([answer.empty for answer in answers]),
    }


def _compared(answers, exact):
    """What `_summary` says of the answers of a sampler, and how they differ from the exact ones."""
    gaps = [
        0.0 if answer.tokens == best.tokens else best.log_probability - answer.log_probability
        for answer, best in zip(answers, exact, strict=True)
    ]
    errors = _mean([gap > SAME for gap in gaps])
    return {"errors": errors, "mean_gap": _mean(gaps), **_summary(answers)}


def _mean(values):
    return float(np.mean(values)) if values else float("nan")
