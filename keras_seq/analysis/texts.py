"""Check the texts of an analysis, and bring answers of `generate` into one form."""

from keras_seq._checks import check_pairs
from keras_seq.text.forms import as_texts


def as_pairs(sources, targets):
    """Return both as lists of `str`; a `ValueError` unless there is a target for each source."""
    sources, targets = as_texts(sources, "sources"), as_texts(targets, "targets")
    check_pairs(sources, targets)
    return sources, targets


def best_answers(answers):
    """The best answer to each text: a sampler with an `n_best` gives a list of them."""
    return [answer[0] if isinstance(answer, list) else answer for answer in answers]
