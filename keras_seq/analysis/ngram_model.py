"""An n-gram model with Kneser-Ney smoothing: what a text costs without any network."""

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_seq._checks import check_choice, check_positive
from keras_seq.text.forms import as_texts

UNKNOWN, END = "<unk>", "</s>"
# Where counts are too few to derive discounts from; those of KenLM's --discount_fallback.
FALLBACK = (0.0, 0.5, 1.0, 1.5)
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")


def split_words(text):
    """The words of a text and its punctuation marks, in order: a list of str.

    >>> split_words("Speak, speak; we know't.")
    ['Speak', ',', 'speak', ';', 'we', "know't", '.']
    """
    return _WORD.findall(text)


SPLITTERS = {"char": list, "word": split_words}


class NGramModel:
    r"""Interpolated modified Kneser-Ney over characters or words, with no network at all.

        p(w | c_1 ... c_k) = max(n(c w) - D(n(c w)), 0) / n(c .)  +  g(c) p(w | c_2 ... c_k)
        g(c) = sum_w D(n(c w)) / n(c .)

    For the longest n-grams n counts occurrences; for shorter ones the different tokens that stand
    before them ("Francisco" is frequent, but only after "San"). D(1), D(2) and D(3 or more) follow
    for each length from how many n-grams have the counts 1 to 4:

        Y = N_1 / (N_1 + 2 N_2)      D(j) = j - (j + 1) Y N_(j+1) / N_j

    and are 0.5, 1 and 1.5 where these are too few to say. What is left of the shortest ones is
    shared evenly by the vocabulary, in which `<unk>` stands for each token never seen. So every
    token has a probability above 0, and after any context they sum to 1.

    A network has learnt more than a table of counts where it needs fewer bits on unseen text; and
    a generated text reads like the others where the model finds it as cheap as them.

    Args:
        vocabulary: list of str, what can be predicted. `from_texts` makes it, and the rest.
        levels: the counts, one `Level` for each length of n-grams.
        tokens: "char", or "word": words, with apostrophes in them, and punctuation marks.
        boundaries: whether a text has a beginning, which is a context, and an end, which is
            predicted. Without, a text is a piece of a longer one: its first token has no context.

    Attributes:
        vocabulary: list of str: `<unk>`, with `boundaries` `</s>`, and the tokens seen, sorted.
        order: the length of the longest n-grams; less than asked for where every text is shorter.

    Example:
        >>> from keras_seq.analysis import NGramModel
        >>> model = NGramModel.from_texts(["abracadabra " * 9], order=3)
        >>> bool(model.score("abra") > model.score("aabr"))
        True
        >>> round(float(model.probabilities("ab").sum()), 6)
        1.0

    References:
        - Chen & Goodman, 1999, "An empirical study of smoothing techniques for language modeling",
          Computer Speech & Language 13(4) (section 3, modified Kneser-Ney).
        - Kneser & Ney, 1995, "Improved backing-off for m-gram language modeling", ICASSP.
        - Heafield et al., 2013, "Scalable modified Kneser-Ney language model estimation", ACL (the
          discounts where counts are too few; beginnings of texts).
    """

    def __init__(
        self,
        vocabulary: Iterable[str],
        levels: Iterable[Any],
        tokens: str = "char",
        boundaries: bool = False,
    ):
        self.vocabulary = list(vocabulary)
        self.tokens = check_choice("tokens", tokens, SPLITTERS)
        self.boundaries = bool(boundaries)
        self._levels = list(levels)
        self._places = {token: place for place, token in enumerate(self.vocabulary)}
        self._start = len(self.vocabulary)  # before each text; a context, never predicted

    @classmethod
    def from_texts(
        cls, texts: Sequence[str], order: int = 5, tokens: str = "char", boundaries: bool = False
    ) -> "NGramModel":
        """Return the model of some texts.

        Args:
            texts: list of str, with one token at least.
            order: the length of the longest n-grams, a context and one more; an integer >= 1.
            tokens, boundaries: as in the class.

        Raises:
            ValueError: for an `order` below 1, other `tokens`, what is no list of str, and texts
                without any token.
        """
        check_positive("order", order)
        splitter = SPLITTERS[check_choice("tokens", tokens, SPLITTERS)]
        seen, longest = set(), 0
        for text in as_texts(texts, "texts"):
            split = splitter(text)
            seen.update(split)
            longest = max(longest, len(split))
        _not_none(longest, "token")
        specials = [UNKNOWN, END] if boundaries else [UNKNOWN]
        model = cls([*specials, *sorted(seen)], [], tokens, boundaries)
        order = min(order, longest + 2 * model.boundaries)
        model._levels = _count(model._encode(texts), order, model._start, model.boundaries)
        return model

    @property
    def order(self) -> int:
        return len(self._levels)

    def score(self, texts: str | Sequence[str]) -> Any:
        """Return the natural logarithm of the probability of a text.

        Args:
            texts: str, or list of str.

        Returns:
            A float; for a list a NumPy array of float64, one for each text. An empty text without
            `boundaries` has 0.

        Raises:
            ValueError: for what is neither of the two.
        """
        if isinstance(texts, str):
            return float(self.score([texts])[0])
        ids = self._encode(as_texts(texts, "texts"))
        starts = ids == self._start
        logs = np.where(starts, 0.0, np.log(self._probabilities(ids)))
        return np.bincount(np.cumsum(starts) - 1, logs, minlength=len(texts))

    def perplexity(self, texts: Sequence[str]) -> float:
        """Return exp(- log p / number of tokens) of a list of texts; an end is a token too.

        Raises:
            ValueError: for what is no list of str, and texts without any token.
        """
        ids = self._encode(as_texts(texts, "texts"))
        return math.exp(-self.score(texts).sum() / _not_none(np.sum(ids != self._start), "token"))

    def bits_per_character(self, texts: Sequence[str]) -> float:
        """Return - log2 p / number of characters of a list of texts.

        Over words that is what the words cost; the spaces between them are not predicted, but
        count as characters.

        Raises:
            ValueError: for what is no list of str, and texts without any character.
        """
        characters = sum(len(text) for text in as_texts(texts, "texts"))
        return float(-self.score(texts).sum() / math.log(2) / _not_none(characters, "character"))

    def probabilities(self, context: str = "") -> np.ndarray:
        """Return the probability of each token of `vocabulary` after a text.

        Args:
            context: str, what stands before.

        Returns:
            NumPy array of float64, `(len(vocabulary),)`, with the sum 1.
        """
        before = [self._start, *self._places_of(context)]
        before = before[max(0, len(before) - self.order + 1) :]
        rows = np.empty((self._start, len(before) + 1), "int64")
        rows[:, :-1], rows[:, -1] = before, np.arange(self._start)
        return self._probabilities(rows.ravel()).reshape(rows.shape)[:, -1]

    def _places_of(self, text):
        return [self._places.get(token, 0) for token in SPLITTERS[self.tokens](text)]

    def _encode(self, texts):
        """All texts in one array of ids, each behind a start."""
        end = [self._places[END]] if self.boundaries else []
        return np.array(
            [place for text in texts for place in [self._start, *self._places_of(text), *end]],
            "int64",
        )

    def _probabilities(self, ids):
        """The probability of each id after those before it; of a start it means nothing."""
        probabilities = np.full(len(ids), 1.0 / self._start)
        context = np.zeros(len(ids), "int64")  # the empty one
        for level in self._levels:
            node = level.find(context * (self._start + 1) + ids)
            share = np.where(node >= 0, level.shares[node], 0.0)
            rest = np.where(context >= 0, level.rests[context], 1.0)
            probabilities = share + rest * probabilities
            context = _before(node)
        return probabilities


@dataclasses.dataclass(frozen=True)
class Level:
    """The n-grams of one length.

    Attributes:
        codes: sorted int64, `place of the context among the n-grams one shorter * S + last id`
            with S = len(vocabulary) + 1.
        shares: float64, for each of them the first term of its probability.
        rests: float64, for each context what it leaves to the shorter one; 1 if nothing follows.
    """

    codes: np.ndarray
    shares: np.ndarray
    rests: np.ndarray

    def find(self, codes):
        """The places of `codes`, -1 where they are not there."""
        places = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[places] == codes, places, -1)


def _count(ids, order, start, boundaries):
    """The levels of a text, each with one n-gram at least."""
    levels, size, contexts = [], start + 1, 1
    context = np.zeros(len(ids), "int64")
    for length in range(1, order + 1):
        inside = (context >= 0) & ((ids != start) | (boundaries and length == 1))
        places = np.flatnonzero(inside)
        codes, grams = np.unique(context[places] * size + ids[places], return_inverse=True)
        counts = np.bincount(grams)
        if length < order:
            counts = _continuations(ids, places, grams, counts, length, start)
        counts[codes == start] = 0  # length 1: it is never predicted
        levels.append(Level(codes, *_smoothed(counts, codes // size, contexts)))
        contexts = len(codes)
        nodes = np.full(len(ids), -1)
        nodes[places] = grams
        context = _before(nodes)
    return levels


def _continuations(ids, places, grams, counts, length, start):
    """How many different tokens stand before each n-gram; what begins a text keeps its count."""
    pairs = np.unique(grams * (start + 1) + ids[places - length])
    different = np.bincount(pairs // (start + 1), minlength=len(counts))
    begins = np.zeros(len(counts), bool)
    begins[grams[ids[places - length + 1] == start]] = True
    return np.where(begins, counts, different)


def _smoothed(counts, context, contexts):
    """The shares of n-grams, and the rests of their contexts."""
    taken = _discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(context, counts, minlength=contexts)
    rests = np.bincount(context, taken, minlength=contexts)
    rests = np.divide(rests, totals, out=np.ones(contexts), where=totals > 0)
    return (counts - taken) / np.maximum(totals, 1)[context], rests


def _discounts(counts):
    """D(0) ... D(3): float64 `(4,)`."""
    having = [np.sum(counts == count) for count in (1, 2, 3, 4)]
    if not all(having):
        return np.array(FALLBACK)
    y = having[0] / (having[0] + 2 * having[1])
    discounts = [j - (j + 1) * y * having[j] / having[j - 1] for j in (1, 2, 3)]
    sound = all(0 < discount <= j for j, discount in enumerate(discounts, start=1))
    return np.array([0.0, *discounts] if sound else FALLBACK)


def _before(nodes):
    """At each place what stands at the place before; -1 at the first one."""
    return np.concatenate([[-1], nodes[:-1]])


def _not_none(number, what):
    if not number:
        raise ValueError(f"The texts hold no {what}: expected one at least.")
    return number
