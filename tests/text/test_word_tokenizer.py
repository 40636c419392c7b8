"""Words: against the rule written out in Python."""

import unicodedata
from collections import Counter

import pytest

from keras_seq.text import WordTokenizer

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
SENTENCES = [
    "Hello, (old) world!",
    '"Well," she said, "isn\'t it 3.14 - or (about) 50%?"',
    "user@example.com, see https://example.com/a_b?c=d&e=[f]!",
    "l'été... C'est-à-dire «bien» ¿qué? ¡ya!",
    "我喜欢北京。你呢?「好」",
    "a,b , c ,d, ,",
    "--- ... ?! (()) _x_ $5 5$ #tag",
    "👍🏽 great👍 👨\u200d👩\u200d👧 c++",
]


def normalised(text, form="NFKC"):
    text = text.replace("\x01", "")
    text = unicodedata.normalize(form, text) if form else text
    return " ".join(text.replace("￭", "■").split())


def oracle(text, form="NFKC"):
    tokens = []
    for chunk in normalised(text, form).split():
        punctuation = [unicodedata.category(c)[0] in "PS" for c in chunk]
        word = ""
        for i, character in enumerate(chunk):
            if not punctuation[i]:
                word += character
                continue
            tokens += [word] if word else []
            last = i + 1 == len(chunk)
            right = "" if last or punctuation[i + 1] else "￭"
            tokens.append(("￭" if i else "") + character + right)
            word = ""
        tokens += [word] if word else []
    return tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, (old) world!", "Hello ￭, (￭ old ￭) world ￭!"),
        ("don't", "don ￭'￭ t"),
        ("...", ". ￭. ￭."),
        ("a,b", "a ￭,￭ b"),
        ("a , b", "a , b"),
        ('"x"', '"￭ x ￭"'),
        ("()", "( ￭)"),
        ("a()b", "a ￭( ￭)￭ b"),
        ("￭ a￭b", "■ a ￭■￭ b"),
        ("  ", ""),
    ],
)
def test_marks(text, tokens, trained):
    assert trained["word"].split(text) == tokens.split()
    assert oracle(text) == tokens.split()


@pytest.mark.parametrize("form", ["NFKC", "NFC", None])
def test_agrees_with_the_rule_and_comes_back(form, random_texts):
    texts = [*SENTENCES, *random_texts]
    tokenizer = WordTokenizer.from_texts(texts, normalization=form)
    ids = tokenizer.tokenize(texts)
    tokens = [[tokenizer.id_to_token(i) for i in row] for row in ids]
    assert tokens == [oracle(text, form) for text in texts]
    assert tokenizer.detokenize(ids) == [normalised(text, form) for text in texts]


def test_words_carry_no_marks(random_texts):
    for token in WordTokenizer.from_texts(random_texts).vocabulary[4:]:
        bare = token.strip("￭")
        assert token == bare or unicodedata.category(bare)[0] in "PS"


def test_vocabulary_is_by_count_then_code_point(random_texts):
    counts = Counter(token for text in random_texts for token in oracle(text))
    expected = sorted(counts, key=lambda token: (-counts[token], token))
    assert WordTokenizer.from_texts(random_texts).vocabulary == SPECIAL + expected
    limited = WordTokenizer.from_texts(random_texts, max_vocabulary=50, min_count=2)
    assert limited.vocabulary == SPECIAL + [t for t in expected if counts[t] > 1][:46]


def test_without_splitting(random_texts):
    tokenizer = WordTokenizer.from_texts(random_texts, split_punctuation=False)
    ids = tokenizer.tokenize(random_texts)
    assert tokenizer.detokenize(ids) == [normalised(text) for text in random_texts]
    assert tokenizer.split("don't, (no) ￭") == ["don't,", "(no)", "■"]
    assert tokenizer.tokenize("<s> </s>") == [3, 3]


def test_special_words_of_the_corpus_stay_out_of_the_vocabulary():
    tokenizer = WordTokenizer.from_texts(["<s> a </s> <unk>"], split_punctuation=False)
    assert tokenizer.vocabulary == [*SPECIAL, "a"]


def test_lowercase_and_unknown_words():
    tokenizer = WordTokenizer.from_texts(["The ÜBER cat."], lowercase=True)
    assert tokenizer.tokenize("the über CAT.") == tokenizer.tokenize("THE Über cat.")
    assert tokenizer.detokenize(tokenizer.tokenize("The dog.")) == "the <unk>."
    assert tokenizer.split("The Dog.") == ["the", "dog", "￭."]


def test_leading_and_trailing_marks_of_generated_ids_vanish():
    tokenizer = WordTokenizer.from_texts(["a,b"])
    comma = tokenizer.token_to_id("￭,￭")
    assert tokenizer.detokenize([comma]) == ","
    assert tokenizer.detokenize([comma, comma]) == ",,"


def test_errors():
    with pytest.raises(ValueError, match="without white space; received 'a b'"):
        WordTokenizer([*SPECIAL, "a b"])
    with pytest.raises(ValueError, match="`normalization` must be one of"):
        WordTokenizer(SPECIAL, normalization="nfkc")
    with pytest.raises(ValueError, match="a token that occurs 9 times"):
        WordTokenizer.from_texts(["a b"], min_count=9)
