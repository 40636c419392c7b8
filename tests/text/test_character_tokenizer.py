"""Characters: against Python's own code points."""

import unicodedata
from collections import Counter

import pytest

from keras_seq.text import CharacterTokenizer

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]


def test_vocabulary_is_by_count_then_code_point(random_texts):
    counts = Counter("".join(random_texts))
    expected = sorted(counts, key=lambda c: (-counts[c], c))
    assert CharacterTokenizer.from_texts(random_texts).vocabulary == SPECIAL + expected
    limited = CharacterTokenizer.from_texts(random_texts, max_vocabulary=30)
    assert limited.vocabulary == SPECIAL + expected[:26]
    often = CharacterTokenizer.from_texts(random_texts, min_count=65)
    assert often.vocabulary == SPECIAL + [c for c in expected if counts[c] >= 65]


def test_round_trip_is_exact(random_texts):
    tokenizer = CharacterTokenizer.from_texts(random_texts)
    ids = tokenizer.tokenize(random_texts)
    assert ids == [[tokenizer.token_to_id(c) for c in text] for text in random_texts]
    assert tokenizer.detokenize(ids) == random_texts


def test_unknown_characters_come_back_as_the_replacement_character():
    tokenizer = CharacterTokenizer.from_texts(["ab"])
    assert tokenizer.tokenize("a\u4e2db") == [4, 3, 5]
    assert tokenizer.detokenize([4, 3, 5]) == "a\ufffdb"
    assert tokenizer.split("a\u4e2db") == ["a", "\u4e2d", "b"]


@pytest.mark.parametrize("form", [None, "NFC", "NFKC"])
def test_normalization(form, random_texts):
    tokenizer = CharacterTokenizer.from_texts(random_texts, normalization=form)
    expected = [unicodedata.normalize(form, t) if form else t for t in random_texts]
    assert tokenizer.detokenize(tokenizer.tokenize(random_texts)) == expected


def test_lowercase():
    tokenizer = CharacterTokenizer.from_texts(["ÄBC äbc Σ"], lowercase=True)
    assert tokenizer.detokenize(tokenizer.tokenize("ÄbC")) == "äbc"
    assert not {"Ä", "B", "Σ"} & set(tokenizer.vocabulary)


def test_errors():
    with pytest.raises(ValueError, match="single characters; received 'ab'"):
        CharacterTokenizer([*SPECIAL, "ab"])
    with pytest.raises(ValueError, match=r"`normalization` must be one of .* received 'NFX'"):
        CharacterTokenizer(SPECIAL, normalization="NFX")
