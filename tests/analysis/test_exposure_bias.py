"""Teacher-forced against free-running, worked out by hand and by what must be the same."""

import numpy as np
import pytest

from keras_seq.analysis import exposure_bias, text_scores
from keras_seq.text import WordTokenizer
from keras_seq.text.examples import Examples

WORDS = WordTokenizer(["<pad>", "<s>", "</s>", "<unk>", "a", "b", "c", "d"])
SIZE = WORDS.vocabulary_size


class Chain:
    """Writes a b c: what it says next depends on the token before alone.

    After `d` it says `c`, and after everything else the end. A word that it does not know is
    `SIZE` and the place where the source has it, as for a pointer; `starts` is what it says first.
    """

    source_tokenizer = target_tokenizer = WORDS

    def __init__(self, starts=4):
        self.next = np.full(SIZE + 10, 2)
        self.next[[1, 4, 5, 7]] = starts, 5, 6, 6

    def encode_examples(self, x, y):
        pairs = [(source.split(), target.split()) for source, target in zip(x, y, strict=True)]
        ids = [
            [WORDS.token_to_id(t) if t in WORDS else SIZE + source.index(t) for t in target]
            for source, target in pairs
        ]
        fed = {"source_ids": WORDS.encode(x), "target_ids": [np.array([1, *row]) for row in ids]}
        return Examples(fed, [np.array([*row, 2]) for row in ids])

    def predict_on_batch(self, inputs):
        logits = np.eye(SIZE + 10)[self.next[inputs["target_ids"]]]
        logits[..., :2] = 2  # padding and start are never written
        return logits

    def generate(self, texts, sampler, return_trace, **options):
        assert sampler == "greedy" and return_trace
        self.options = options
        written = [1]
        while written[-1] != 2:
            written.append(int(self.next[written[-1]]))
        return [{"trace": [[{"token_id": token}] for token in written[1:]]} for _ in texts]


SOURCES = ["a", "a b", "a b c"]
TARGETS = ["a b c", "d c", "a b c c"]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_by_hand(batch_size):
    model = Chain()
    result = exposure_bias(model, SOURCES, TARGETS, max_length=7, batch_size=batch_size)
    # Fed the right tokens it writes a b c </s>, a c </s> and a b c </s> </s>; by itself, a b c.
    forced, free = result["teacher_forced"], result["free_running"]
    assert result["counts"] == [3, 3, 3, 2, 1]
    assert forced["accuracy"] == pytest.approx([2 / 3, 1, 1, 1 / 2, 1])
    assert free["accuracy"] == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1 / 2, 0])
    assert forced["token_accuracy"] == pytest.approx(10 / 12)
    assert free["token_accuracy"] == pytest.approx(7 / 12)
    assert forced["exact_match"] == free["exact_match"] == pytest.approx(1 / 3)
    assert forced["bleu"] == text_scores(["a b c", "a c", "a b c"], TARGETS)["bleu"]
    assert free["bleu"] == text_scores(["a b c"] * 3, TARGETS)["bleu"]
    assert model.options == {"max_length": 7, "batch_size": batch_size}


def test_texts_of_very_different_lengths():
    result = exposure_bias(Chain(), ["a", "a b " * 20, "c"], ["a b c", "a b c " * 9, "d c"])
    assert result["counts"][:4] == [3, 3, 3, 2]
    assert result["teacher_forced"]["token_accuracy"] == pytest.approx((4 + 20 + 2) / 35)


def test_copied_tokens_have_the_text_of_the_source():
    copies = Chain(starts=SIZE + 1)  # the words of the source from the second to the fifth
    copies.next[SIZE + 1 : SIZE + 4] = SIZE + np.array([2, 3, 4])
    result = exposure_bias(copies, ["b Ulm Aal Hof Au d"], ["Ulm Aal Hof Au"])
    for side in ("teacher_forced", "free_running"):
        assert result[side]["accuracy"] == [1] * 5 and result[side]["exact_match"] == 1
        assert result[side]["bleu"] == 100


def test_of_its_own_answers_a_model_knows_every_token(decided):
    sources = ["abc", "de", "edcba"]
    result = exposure_bias(decided, sources, decided.generate(sources))
    for side in ("teacher_forced", "free_running"):
        assert set(result[side]["accuracy"]) == {1.0}
        assert result[side]["exact_match"] == 1


def test_what_is_the_same_on_both_sides(decided):
    sources = ["abc", "de", "edcba", "a"]
    targets = ["vwxyz", "zzz", decided.generate("edcba"), "w"]
    result = exposure_bias(decided, sources, targets)
    forced, free = result["teacher_forced"], result["free_running"]
    assert result["counts"][0] == 4
    assert forced["accuracy"][0] == free["accuracy"][0]
    assert forced["exact_match"] == free["exact_match"] >= 0.25


def test_there_must_be_a_target_for_each_source():
    with pytest.raises(ValueError, match="received 3 sources and 1 targets"):
        exposure_bias(Chain(), SOURCES, TARGETS[:1])
