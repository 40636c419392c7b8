"""The n-gram model against its formulas, written down once more with dicts."""

import collections
import math
import random

import numpy as np
import pytest

from keras_seq.analysis import NGramModel
from keras_seq.analysis.ngram_model import split_words

START, END = "<start>", "</s>"


class Oracle:
    """The formulas of Chen & Goodman, one n-gram at a time."""

    def __init__(self, texts, order, boundaries):
        rows = [[START, *text, *([END] if boundaries else [])] for text in texts]
        self.order, self.boundaries = order, boundaries
        self.vocabulary = {"<unk>"} | {token for row in rows for token in row[1:]}
        self.counts = [self._count(rows, length) for length in range(1, order + 1)]

    def _count(self, rows, length):
        occurrences, before = collections.Counter(), collections.defaultdict(set)
        for row in rows:
            for i in range(1, len(row) - length + 1):
                occurrences[tuple(row[i : i + length])] += 1
                before[tuple(row[i : i + length])].add(row[i - 1])
        counts = collections.Counter(occurrences)
        if length < self.order:
            counts = collections.Counter({gram: len(left) for gram, left in before.items()})
        if self.boundaries and length > 1:
            counts.update(tuple(row[:length]) for row in rows if len(row) >= length)
        return counts

    def _discount(self, length, count):
        having = collections.Counter(self.counts[length - 1].values())
        n1, n2, n3, n4 = (having[j] for j in (1, 2, 3, 4))
        if n1 and n2 and n3 and n4:
            y = n1 / (n1 + 2 * n2)
            found = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if all(0 < found[j] <= j + 1 for j in range(3)):
                return found[min(count, 3) - 1]
        return [0.5, 1.0, 1.5][min(count, 3) - 1]

    def probability(self, context, token):
        context = tuple(context)[max(0, len(context) - self.order + 1) :]
        even = 1 / len(self.vocabulary)
        lower = self.probability(context[1:], token) if context else even
        grams = self.counts[len(context)]
        followers = {g[-1]: n for g, n in grams.items() if g[:-1] == context}
        if not followers:
            return lower
        total, length = sum(followers.values()), len(context) + 1
        rest = sum(self._discount(length, n) for n in followers.values()) / total
        count = followers.get(token, 0)
        share = (count - self._discount(length, count)) / total if count else 0.0
        return share + rest * lower

    def score(self, text):
        row = [START, *text, *([END] if self.boundaries else [])]
        context = 0 if self.boundaries else 1
        return sum(math.log(self.probability(row[context:i], row[i])) for i in range(1, len(row)))


def babble(seed, length, letters="aaaabbc "):
    return "".join(random.Random(seed).choices(letters, k=length))


@pytest.fixture(scope="module")
def texts():
    return [babble(seed, length) for seed, length in enumerate((40, 7, 1, 0, 90))]


@pytest.mark.parametrize("boundaries", [False, True])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_scores_are_those_of_the_formulas(texts, order, boundaries):
    model, oracle = (
        NGramModel.from_texts(texts, order, boundaries=boundaries),
        Oracle(texts, order, boundaries),
    )
    unseen = [babble(7, 20), "", "c", "aab x§a", texts[0]]
    expected = [
        oracle.score([token if token in "abc " else "<unk>" for token in text]) for text in unseen
    ]
    np.testing.assert_allclose(model.score(unseen), expected, rtol=1e-10, atol=1e-12)


def test_discounts_that_follow_from_the_counts():
    """Where n-grams of a length have counts of 1 to 4, D is not what it falls back to."""
    corpus = [babble(seed, 300, "aaaaaaaabbbbcccddeefghijklm") for seed in range(3)]
    oracle = Oracle(corpus, 3, False)
    assert oracle._discount(3, 1) != 0.5 and oracle._discount(2, 1) != 0.5
    model = NGramModel.from_texts(corpus, 3)
    assert model.score("abcdefgh") == pytest.approx(oracle.score("abcdefgh"), rel=1e-12)


def test_a_corpus_by_hand():
    """ "aab", order 2; D(1) = 0.5. Before a: the start and a. Before b: a."""
    model = NGramModel.from_texts(["aab"], order=2)
    assert model.vocabulary == ["<unk>", "a", "b"]
    rest = (1.0 + 0.5) / 3  # D(2) + D(1), of 3 continuations
    alone = np.array([0.0, 2 - 1.0, 1 - 0.5]) / 3 + rest / 3
    np.testing.assert_allclose(model.probabilities(), alone)
    after_a = np.array([0.0, 0.5, 0.5]) / 2 + (0.5 + 0.5) / 2 * alone
    np.testing.assert_allclose(model.probabilities("ba"), after_a)
    np.testing.assert_allclose(model.probabilities("b"), alone)  # nothing ever came after b
    assert model.score("ab") == pytest.approx(math.log(alone[1] * after_a[2]))


@pytest.mark.parametrize("boundaries", [False, True])
@pytest.mark.parametrize("context", ["", "a", "abca", "§", "ab§ba", "   "])
def test_probabilities_sum_to_one(texts, boundaries, context):
    model = NGramModel.from_texts(texts, 3, boundaries=boundaries)
    found = model.probabilities(context)
    assert found.shape == (len(model.vocabulary),) and found.min() > 0
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_a_text_is_the_product_of_its_steps(texts):
    model = NGramModel.from_texts(texts, 3, boundaries=True)
    text, found = "ab c", 0.0
    for i, token in enumerate([*text, "</s>"]):
        found += math.log(model.probabilities(text[:i])[model.vocabulary.index(token)])
    assert model.score(text) == pytest.approx(found)


def test_texts_do_not_touch_each_other(texts):
    for boundaries in (False, True):
        model = NGramModel.from_texts(texts, 4, boundaries=boundaries)
        alone = [model.score(text) for text in texts]
        np.testing.assert_allclose(model.score(texts), alone)


def test_measures_are_means_of_the_score():
    model = NGramModel.from_texts(["to be or not to be ?"], 2, tokens="word", boundaries=True)
    texts = ["to be ?", "or"]
    score, tokens, characters = model.score(texts).sum(), 4 + 2, 9
    assert model.perplexity(texts) == pytest.approx(math.exp(-score / tokens))
    assert model.bits_per_character(texts) == pytest.approx(-score / math.log(2) / characters)


def test_more_context_helps_on_text_that_has_it():
    text = "abcdabdc" * 40  # after "ab" comes c or d, after "dab" only d
    bits = [NGramModel.from_texts([text], n).bits_per_character([text]) for n in (1, 2, 4)]
    assert bits[0] > bits[1] > bits[2] and bits[0] == pytest.approx(2.0, abs=0.05)


def test_texts_shorter_than_the_order():
    model = NGramModel.from_texts(["ab"], order=9)
    assert model.order == 2 and model.probabilities("a").sum() == pytest.approx(1.0)
    assert NGramModel.from_texts(["ab"], order=9, boundaries=True).order == 4


def test_words():
    assert split_words("He said: 'Don\u2019t!'") == ["He", "said", ":", "'", "Don\u2019t", "!", "'"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NGramModel.from_texts("text"), "list of strings"),
        (lambda: NGramModel.from_texts([]), "hold no token"),
        (lambda: NGramModel.from_texts([" "], tokens="word"), "hold no token"),
        (lambda: NGramModel.from_texts(["a"], order=0), "`order` must be an integer above 0"),
        (lambda: NGramModel.from_texts(["a"], order=2.5), "received 2.5"),
        (lambda: NGramModel.from_texts(["a"], tokens="byte"), "'char', 'word'; received 'byte"),
        (lambda: NGramModel.from_texts(["a"]).perplexity([""]), "hold no token"),
        (lambda: NGramModel.from_texts(["a"]).bits_per_character([]), "hold no character"),
        (lambda: NGramModel.from_texts(["a"]).score([3]), "item 0 is 3"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
