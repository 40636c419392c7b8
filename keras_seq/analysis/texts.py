"""Check the texts of an analysis, and bring answers of `generate` into one form."""

from keras_seq.text.forms import as_texts


def check_pairs(sources, targets):
    """Return both as lists of `str`, or raise a `ValueError`."""
    sources, targets = as_texts(sources, "sources"), as_texts(targets, "targets")
    if len(sources) != len(targets) or not sources:
        raise ValueError(
            "There must be one target for each source, and at least one; received "
            f"{len(sources)} sources and {len(targets)} targets."
        )
    return sources, targets


def best_answers(answers):
    """The best answer to each text: a sampler with an `n_best` gives a list of them."""
    return [answer[0] if isinstance(answer, list) else answer for answer in answers]
