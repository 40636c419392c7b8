"""Score generated texts that have no reference: known words, variety, copying, surprise."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from keras_seq._checks import check_positive
from keras_seq.analysis.ngram_model import NGramModel, split_words
from keras_seq.text.forms import as_texts

DISTINCT = (1, 2, 3)


def sample_quality(
    samples: Sequence[str],
    reference: Sequence[str],
    vocabulary: Iterable[str] | None = None,
    model: NGramModel | None = None,
    copy_size: int = 5,
) -> dict[str, float]:
    r"""Measure generated texts that have no right answer: what a language model samples.

    The loss says how a model reads; this says how it writes. Each number has a way to cheat: a
    model that repeats one sentence has few distinct n-grams, one that knows the training text by
    heart is fluent and copies, one that draws letters at random copies nothing and finds no words.
    So read them together, for samples of about one total length (distinct n-grams become rarer the
    longer they are), beside the numbers of real text that nobody trained on.

    Args:
        samples: list of str, the generated texts.
        reference: list of str: real texts, as a rule those that the generator was trained on.
        vocabulary: the words that exist, any iterable of str; those of `reference` where `None`.
        model: an `NGramModel`, best of texts that the generator was not trained on; one of order 5
            over the characters of `reference` where `None`.
        copy_size: how many words in a row count as copied, an integer >= 1.

    Returns:
        A dict of floats and one int:

        - `known_words`: the share of generated words that exist, upper and lower case being one.
          Words are runs of letters, digits and apostrophes with at least one letter.
        - `distinct_1`, `distinct_2`, `distinct_3`: different n-grams over all n-grams of words and
          punctuation marks, within texts; 1 where nothing is said twice. (The paper divides by the
          number of words, which is the same but for the ends of texts.)
        - `copied`: the share of runs of `copy_size` words and marks that stand in `reference`.
        - `longest_copy`: the number of words and marks of the longest run that does.
        - `bits_per_character`, `perplexity`: of the samples under `model`.

        A share of nothing (no words, no text as long as the run) is 0.

    Raises:
        ValueError: for what is no list of str, samples without any character, a `model` or
            `vocabulary` of another kind, and a `copy_size` below 1.

    Example:
        >>> from keras_seq.analysis import sample_quality
        >>> found = sample_quality(["the cat sat on teh mat"], ["The cat sat. A mat lay on it."])
        >>> round(found["known_words"], 3), found["distinct_1"], found["longest_copy"]
        (0.833, 1.0, 2)

    References:
        - Li et al., 2016, "A diversity-promoting objective function for neural conversation
          models", arXiv:1510.03055 (distinct-1 and distinct-2).
        - McCoy et al., 2023, "How much do language models copy from their training data?",
          arXiv:2111.09509 (n-gram novelty).
    """
    samples, reference = as_texts(samples, "samples"), as_texts(reference, "reference")
    if model is None:
        model = NGramModel.from_texts(reference)
    if not isinstance(model, NGramModel):
        raise ValueError(f"`model` must be an NGramModel, or None; received {model!r}.")
    copy_size = check_positive("copy_size", copy_size)
    written, real = ([split_words(text) for text in texts] for texts in (samples, reference))
    words = [word.lower() for text in written for word in text if _is_word(word)]
    known = _known_words(vocabulary, real)
    ids, texts, last = _numbered(written, real)
    shares = {"known_words": _share(sum(word in known for word in words), len(words))}
    for size in DISTINCT:
        runs = _runs(ids, size)[_whole(texts[: last + 1], size)]
        shares[f"distinct_{size}"] = _share(len(np.unique(runs)), len(runs))
    copies = _copies(ids, texts, last, copy_size)
    return {
        **shares,
        "copied": _share(copies.sum(), len(copies)),
        "longest_copy": _longest_copy(ids, texts, last),
        "bits_per_character": model.bits_per_character(samples),
        "perplexity": model.perplexity(samples),
    }


def _is_word(token):
    return any(character.isalpha() for character in token)


def _known_words(vocabulary, real):
    """The words that exist, in lower case."""
    words = set(itertools.chain.from_iterable(real) if vocabulary is None else vocabulary)
    if isinstance(vocabulary, str) or not all(isinstance(word, str) for word in words):
        raise ValueError(
            f"`vocabulary` must hold words; received {vocabulary!r:.60} of type "
            f"{type(vocabulary).__name__}."
        )
    return {word.lower() for word in words}


def _share(part, whole):
    return float(part / whole) if whole else 0.0


def _numbered(written, real):
    """All tokens in a row, as numbers: those of the samples, then those of the reference.

    Returns:
        `(ids, texts, last)`: int64 arrays of the tokens and of the number of the text that each
        stands in, and the number of the last token of the samples.
    """
    places = {}
    ids = [places.setdefault(token, len(places)) for text in written + real for token in text]
    texts = np.repeat(np.arange(len(written) + len(real)), [len(text) for text in written + real])
    return np.array(ids, "int64"), texts, sum(map(len, written)) - 1


def _runs(ids, size):
    """A number for each run of `size` ids, equal where the runs are: int64, `size` - 1 shorter.

    Runs of 2, 4, 8, ... are pairs of runs half as long, and one of any size is two that overlap.
    """
    length = 1
    while length < size:
        step = min(length, size - length)
        # Two numbers below the count of all runs, written as one.
        pairs = ids[:-step] * (len(ids) + ids.max(initial=0) + 1) + ids[step:]
        ids = np.unique(pairs, return_inverse=True)[1]
        length += step
    return ids


def _whole(texts, size):
    """Where runs of `size` begin that stay within one text: places among all runs."""
    if len(texts) < size:
        return np.zeros(0, "int64")
    return np.flatnonzero(texts[: len(texts) - size + 1] == texts[size - 1 :])


def _copies(ids, texts, last, size):
    """For each run of `size` within a sample, whether it stands in the reference."""
    runs, starts = _runs(ids, size), _whole(texts, size)
    mine = starts <= last
    return np.isin(runs[starts[mine]], runs[starts[~mine]])


def _longest_copy(ids, texts, last):
    """The size of the longest run of a sample that stands in the reference."""
    if len(ids) == 0:
        return 0
    low, high = 0, int(np.bincount(texts[: last + 1], minlength=1).max()) + 1
    while high - low > 1:  # a part of a copied run is copied
        middle = (low + high) // 2
        if _copies(ids, texts, last, middle).any():
            low = middle
        else:
            high = middle
    return low
