"""What a letter costs a language model that has seen so many before it, and no more."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Union

import numpy as np

from keras_seq._checks import check_positive
from keras_seq.analysis.ngram_model import SPLITTERS, UNKNOWN, NGramModel

if TYPE_CHECKING:
    from keras_seq.models import LanguageModel


def bits_by_context(
    model: Union["LanguageModel", NGramModel],
    text: str,
    lengths: Sequence[int],
    places: int = 1_000,
    seed: int = 0,
) -> np.ndarray:
    r"""How much a language model gains from a longer context.

        bits(k) = - mean over the places i of log2 p(x_i | x_(i-k) ... x_(i-1))

    The model sees the k tokens before the place and nothing else: a network reads them from its
    first state on. The places are the same for every k, and for every model with the same tokens.
    Where a longer context helps no more, the model has forgotten what stands there, or never had
    any use for it.

    Args:
        model: a `models.LanguageModel` or an `NGramModel`.
        text: str, best one that the model was not trained on.
        lengths: values of k, integers >= 1.
        places: how many places are drawn, with repetition.
        seed: of the places.

    Returns:
        float64 array `(lengths,)`.

    Raises:
        ValueError: for another model, lengths below 1 or none, and a text with fewer tokens than
            the largest length and one more.

    Example:

    >>> text = "abcab" * 20
    >>> model = NGramModel.from_texts([text], order=3)
    >>> one, two = bits_by_context(model, text, [1, 2], places=100)
    >>> bool(one > two)
    True

    References:
        - Khandelwal, He, Qi & Jurafsky, 2018, "Sharp nearby, fuzzy far away: how neural language
          models use context", arXiv:1805.04623.
    """
    lengths = [check_positive("lengths", length) for length in lengths]
    tokens = _split(model, text)
    if not lengths or len(tokens) <= max(lengths):
        raise ValueError(
            f"There must be lengths, and a text with more tokens than the largest; received "
            f"lengths={lengths} and {len(tokens)} tokens."
        )
    rng = np.random.default_rng(seed)
    drawn = rng.integers(max(lengths), len(tokens), check_positive("places", places))
    log_probabilities = _counted if isinstance(model, NGramModel) else _read
    costs = [-log_probabilities(model, tokens, drawn, k).mean() for k in lengths]
    return np.array(costs) / np.log(2)


def _split(model, text):
    """The tokens of a text, or their ids."""
    if not isinstance(text, str):
        raise ValueError(f"`text` must be a str; received {text!r:.60}.")
    if isinstance(model, NGramModel):
        return SPLITTERS[model.tokens](text)
    if not hasattr(model, "tokenizer") or not hasattr(model, "compute"):
        raise ValueError(f"`model` must be a LanguageModel or an NGramModel; received {model!r}.")
    return np.asarray(model.tokenizer.encode([text])[0], "int32")


def _counted(model, tokens, places, k):
    """log p of the tokens at the places, by counts."""
    number = {token: i for i, token in enumerate(model.vocabulary)}
    glue = "" if model.tokens == "char" else " "
    likely = []
    for i in places:
        after = model.probabilities(glue.join(tokens[i - k : i]))
        likely.append(after[number.get(tokens[i], number[UNKNOWN])])
    return np.log(likely)


def _read(model, ids, places, k):
    """log p of the ids at the places, by a network."""
    logits = model.compute({"token_ids": ids[places[:, None] - np.arange(k, 0, -1)]})
    last = np.asarray(logits, "float64")[:, -1]
    last -= last.max(axis=-1, keepdims=True)
    return last[np.arange(len(places)), ids[places]] - np.log(np.exp(last).sum(axis=-1))
