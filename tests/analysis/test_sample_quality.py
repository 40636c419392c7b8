"""What is said about generated texts."""

import random

import pytest

from keras_seq.analysis import NGramModel, sample_quality
from keras_seq.analysis.ngram_model import split_words

REFERENCE = ["The cat sat on the mat. It purred.", "We know't, we know't."]


@pytest.fixture(scope="module")
def model():
    return NGramModel.from_texts(REFERENCE)


def test_numbers_by_hand(model):
    found = sample_quality(["the cat sat teh mat 7", "we know't we know't"], REFERENCE, model=model)
    assert found["known_words"] == 8 / 9  # teh; 7 is no word
    assert found["distinct_1"] == 8 / 10  # we and know't stand there twice
    assert found["distinct_2"] == 7 / 8
    assert found["distinct_3"] == 1.0
    # "the cat sat" is not copied as it stands: "The" is another token.
    assert found["longest_copy"] == 2
    assert found["copied"] == 0.0


def test_scores_are_the_model_s(model):
    samples = ["The cat", "zzz"]
    found = sample_quality(samples, ["other"], model=model)
    assert found["bits_per_character"] == model.bits_per_character(samples)
    assert found["perplexity"] == model.perplexity(samples)
    own = NGramModel.from_texts(REFERENCE)
    assert sample_quality(samples, REFERENCE)["perplexity"] == own.perplexity(samples)


def test_a_vocabulary_takes_the_place_of_the_words_of_the_reference():
    found = sample_quality(["Teh dog sat"], REFERENCE, vocabulary={"DOG", "sat"})
    assert found["known_words"] == 2 / 3


def longest_by_search(samples, reference):
    """Each run of each sample, looked for in each text."""
    held = [split_words(text) for text in reference]
    best = 0
    for sample in map(split_words, samples):
        for i in range(len(sample)):
            for j in range(i + best + 1, len(sample) + 1):
                run = sample[i:j]
                if not any(
                    run == text[k : k + len(run)] for text in held for k in range(len(text))
                ):
                    break
                best = j - i
    return best


def copied_by_search(samples, reference, size):
    held = {tuple(t[k : k + size]) for t in map(split_words, reference) for k in range(len(t))}
    runs = [t[k : k + size] for t in map(split_words, samples) for k in range(len(t) - size + 1)]
    return sum(tuple(run) in held for run in runs) / len(runs)


@pytest.mark.parametrize("seed", range(6))
def test_copies_are_found_as_by_search(seed):
    draw = random.Random(seed)
    reference, samples = (
        [" ".join(draw.choices("abcd", k=draw.randrange(1, 40))) for _ in range(5)]
        for _ in range(2)
    )
    for size in (1, 3, 5):
        found = sample_quality(samples, reference, copy_size=size)
        assert found["copied"] == pytest.approx(copied_by_search(samples, reference, size))
        assert found["longest_copy"] == longest_by_search(samples, reference)


def test_no_copy_reaches_over_two_texts():
    found = sample_quality(["a b c d"], ["a b", "c d"], copy_size=3)
    assert (found["copied"], found["longest_copy"]) == (0.0, 2)
    assert sample_quality(["a b", "c d"], ["a b c d"], copy_size=2)["longest_copy"] == 2
    assert sample_quality(["a b", "a b"], ["x"])["distinct_2"] == 1 / 2


def test_a_thief_and_a_parrot_are_told_apart():
    text = " ".join(babble for babble in map(str, range(1000)))
    thief = sample_quality([text], [text])
    assert (thief["copied"], thief["longest_copy"], thief["distinct_1"]) == (1.0, 1000, 1.0)
    parrot = sample_quality(["on and " * 100], [text])
    assert parrot["distinct_2"] == 2 / 199 and parrot["copied"] == 0.0


def test_texts_without_words():
    found = sample_quality(["\n"], REFERENCE)
    assert [found[key] for key in ("known_words", "distinct_1", "copied", "longest_copy")] == [
        0
    ] * 4
    assert found["bits_per_character"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("text", ["a"]), "`samples` must be a list of strings"),
        ((["a"], "text"), "`reference` must be a list of strings"),
        (([""], ["a"]), "hold no character"),
        (([], ["a"]), "hold no character"),
        ((["a"], ["a"], "words"), "`vocabulary` must hold words; received 'words'"),
        ((["a"], ["a"], [3]), "`vocabulary` must hold words"),
        ((["a"], ["a"], None, "model"), "`model` must be an NGramModel"),
        ((["a"], ["a"], None, None, 0), "`copy_size` must be an integer above 0"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_quality(*arguments)
