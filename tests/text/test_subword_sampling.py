"""Subwords drawn anew: by the distributions of the papers, repeatable, and in every text once."""

import itertools
import threading
from collections import Counter

import keras
import numpy as np
import pytest
import sentencepiece
import tensorflow as tf

from keras_seq.text import SubwordTokenizer
from keras_seq.text.examples import Examples, LengthBatches
from keras_seq.text.pipeline import BatchedDataset, StreamedDataset
from keras_seq.text.sampled_dataset import SampledDataset
from keras_seq.text.subword_sampling import check_sampling, sampled_subwords

WORDS = ["lower", "lowest", "newer", "newest", "wider", "widest", "slow", "new"]
TEXTS = [" ".join(pair) for pair in itertools.permutations(WORDS, 2)]

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def unigram():
    return SubwordTokenizer.from_texts(TEXTS, max_vocabulary=40)


@pytest.fixture(scope="module")
def bpe():
    return SubwordTokenizer.from_texts(TEXTS, max_vocabulary=40, model_type="bpe")


def drawn(tokenizer, texts, alpha=0.3, seed=0):
    with sampled_subwords(alpha, seed):
        return tokenizer.tokenize(texts)


@pytest.mark.parametrize("alpha", [0.2, 0.7])
def test_a_unigram_model_draws_splits_by_their_probability(unigram, alpha):
    model = sentencepiece.SentencePieceProcessor(model_proto=unigram.model_proto)
    text, known = "▁newer", {model.id_to_piece(i): i for i in range(4, unigram.vocabulary_size)}
    weights = {}
    for cuts in itertools.product([False, True], repeat=len(text) - 1):
        places = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(text)]
        pieces = [text[a:b] for a, b in itertools.pairwise(places)]
        if all(piece in known for piece in pieces):
            score = sum(model.get_score(known[piece]) for piece in pieces)
            weights[tuple(known[piece] for piece in pieces)] = np.exp(alpha * score)
    total, count = sum(weights.values()), 20_000
    found = Counter(map(tuple, drawn(unigram, ["newer"] * count, alpha)))
    assert set(found) <= set(weights) and len(weights) > 2
    for ids, weight in weights.items():
        p = weight / total
        assert abs(found[ids] / count - p) < 5 * np.sqrt(p * (1 - p) / count) + 1e-4


def test_a_bpe_leaves_merges_out():
    tokenizer = SubwordTokenizer.from_texts(["ab"] * 5, max_vocabulary=9, model_type="bpe")
    assert sorted(tokenizer.vocabulary[4:]) == sorted(["▁", "a", "b", "ab", "▁ab"])
    found = Counter(map(tuple, drawn(tokenizer, ["ab"] * 20_000, 0.2)))
    whole, pair = (
        (tokenizer.token_to_id("▁ab"),),
        tuple(map(tokenizer.token_to_id, ["▁", "ab"])),
    )
    assert found[whole] / 20_000 == pytest.approx(0.8 * 0.8, abs=0.02)
    assert found[pair] / 20_000 == pytest.approx(0.8 * 0.2, abs=0.02)
    assert drawn(tokenizer, "ab", 1.0) == [tokenizer.token_to_id(x) for x in "▁ab"]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_draws_are_other_splits_of_the_same_text(kind, request):
    tokenizer = request.getfixturevalue(kind)
    texts = [*TEXTS, "", "  slow \n new", "☃ new\0er", "\ud800"]
    found = drawn(tokenizer, texts)
    assert tokenizer.detokenize(found) == tokenizer.detokenize(tokenizer.tokenize(texts))
    assert found != tokenizer.tokenize(texts)
    assert found == drawn(tokenizer, texts) != drawn(tokenizer, texts, seed=1)
    assert found[len(TEXTS)] == []


def test_every_draw_of_a_block_is_another(unigram):
    with sampled_subwords(0.3, 7) as sampling:
        first, second = unigram.tokenize(TEXTS), unigram.tokenize(TEXTS)
    assert first != second and sampling.draws == 2


def test_a_graph_draws_the_same(unigram):
    with sampled_subwords(0.3, 5):
        found = [row.tolist() for row in unigram.encode(TEXTS)]

    @tf.function
    def tokenize(texts, seed):
        with sampled_subwords(0.3, seed):
            return unigram.tokenize(texts)

    texts = tf.constant(TEXTS)
    assert tokenize(texts, tf.constant(5, "int64")).to_list() == found
    assert tokenize(texts, tf.constant(6, "int64")).to_list() != found
    assert tokenize(tf.constant([], tf.string), tf.constant(5, "int64")).to_list() == []


def test_nothing_is_drawn_outside(unigram):
    best = unigram.tokenize(TEXTS)
    with sampled_subwords(0.1, 0):
        unigram.tokenize("a")
        elsewhere = []
        thread = threading.Thread(target=lambda: elsewhere.append(unigram.tokenize(TEXTS)))
        thread.start()
        thread.join()
    assert elsewhere == [best] == [unigram.tokenize(TEXTS)]


def test_what_draws_nothing_is_a_mistake():
    none, error = pytest.raises(ValueError, match="needs a model with a Su"), KeyError("within")
    with none, sampled_subwords(0.1, 0):
        pass
    with pytest.raises(KeyError, match="within"), sampled_subwords(0.1, 0):  # it stays that
        raise error
    for alpha in (-0.1, 1.1, "a", None):
        with pytest.raises(ValueError, match=r"`subword_sampling` must be a number in \[0, 1\]; r"):
            check_sampling(alpha)


def test_batches_across_buckets():
    rng = np.random.default_rng(0)
    counts = set()
    for seed in range(4):
        rows = [np.full(n, i + 1, "int32") for i, n in enumerate(rng.integers(1, 40, 203))]
        batches = LengthBatches(Examples({"ids": rows}), 16, True, seed=seed, across_buckets=True)
        dataset = BatchedDataset(batches).dataset
        found = [x["ids"] for (x,) in dataset.as_numpy_iterator()]
        first = np.concatenate([ids[:, 0] for ids in found])
        assert sorted(first[first > 0]) == list(range(1, 204))
        assert (first == 0).sum() == -203 % 16  # nothing but the last batch is filled up
        padding = sum((ids == 0).sum() for ids in found) / sum(ids.size for ids in found)
        assert padding < 0.35
        counts |= {len(found), len(batches)}
    assert counts == {13}


def sampled(tokenizer, seed=3, **options):
    """A dataset of all texts, labelled by their place."""
    labels = np.arange(len(TEXTS), dtype="int32")

    def encode():
        return Examples({"ids": tokenizer.encode(TEXTS)}, labels)

    options = {"alpha": 0.2, "batch_size": 10, "shuffle": True, "seed": seed, **options}
    return SampledDataset(encode, **options)


def epoch_of(tokenizer, batched, epoch):
    """The ids of each text and the order of the labels in an epoch."""
    batched.set_epoch(epoch)
    rows, order = {}, []
    for x, y, weights in batched.dataset.as_numpy_iterator():
        for ids, place, weight in zip(x["ids"], y, weights, strict=True):
            if weight:
                rows[int(place)] = ids[ids > 0].tolist()
                order.append(int(place))
    assert sorted(order) == list(range(len(TEXTS)))
    texts = [rows[place] for place in range(len(TEXTS))]
    assert tokenizer.detokenize(texts) == TEXTS
    return texts, order


def test_each_epoch_has_other_subwords_that_seed_and_epoch_decide(unigram):
    batched = sampled(unigram)
    assert int(batched.dataset.cardinality()) == 6
    first, second = (epoch_of(unigram, batched, epoch) for epoch in (0, 1))
    assert first[0] != second[0] and first[1] != second[1]
    assert first[0] != unigram.tokenize(TEXTS)
    again = sampled(unigram)
    assert epoch_of(unigram, again, 1) == second
    assert epoch_of(unigram, again, 0) == first
    assert epoch_of(unigram, sampled(unigram, seed=4), 0)[0] != first[0]


def test_a_stream_draws_too(unigram):
    texts = tf.data.Dataset.from_tensor_slices(TEXTS)

    def encode(x, y):
        return {"ids": unigram.tokenize(x)}, None

    def epochs(**options):
        batched = StreamedDataset(texts, encode, 10, True, 20, seed=1, **options)
        found = []
        for epoch in (0, 1, 0):
            batched.set_epoch(epoch)
            rows = [row for (x,) in batched.dataset.as_numpy_iterator() for row in x["ids"]]
            rows = [row[row > 0].tolist() for row in rows if row.any()]
            assert Counter(unigram.detokenize(rows)) == Counter(TEXTS)
            found.append(sorted(rows))
        return found

    first, second, again = epochs(alpha=0.2)
    assert first == again != second
    assert epochs(alpha=0.2) == [first, second, first]
    best = sorted(unigram.tokenize(TEXTS))
    assert epochs() == [best] * 3 and first != best


def test_a_stream_without_subwords():
    keras.utils.set_random_seed(0)
    texts = tf.data.Dataset.from_tensor_slices(TEXTS)
    with pytest.raises(ValueError, match="needs a model with a SubwordTokenizer"):
        StreamedDataset(
            texts, lambda x, y: ({"ids": tf.strings.unicode_decode(x, "UTF-8")}, None), alpha=0.1
        )
