"""Fixtures of the tokenizers' tests."""

import random

import keras  # noqa: F401  (imports torch before TensorFlow where torch is the backend)
import pytest

from keras_seq.text import CharacterTokenizer, SubwordTokenizer, WordTokenizer, tokenizers

CORPUS = [
    "Hello, (old) world!",
    "I don't know... do you?",
    "Grüß Gott, sagt der Mann: wie geht's?",
    "naïve café, 北京市 is 北京 and 東京 50% off",
    "She said 'yes' - and then 'no' 👍.",
]


@pytest.fixture(scope="session")
def corpus():
    return list(CORPUS)


# One of each kind by its name, and one with every option changed.
TRAINED = {
    "char": lambda: CharacterTokenizer.from_texts(CORPUS),
    "char-options": lambda: CharacterTokenizer.from_texts(
        CORPUS, lowercase=True, normalization="NFKC", min_count=2, max_vocabulary=20
    ),
    "word": lambda: WordTokenizer.from_texts(CORPUS),
    "word-options": lambda: WordTokenizer.from_texts(
        CORPUS, lowercase=True, split_punctuation=False, normalization=None
    ),
    "subword": lambda: SubwordTokenizer.from_texts(CORPUS, max_vocabulary=80),
    "subword-options": lambda: SubwordTokenizer.from_texts(
        CORPUS, max_vocabulary=90, model_type="bpe", lowercase=True
    ),
}


@pytest.fixture(scope="session")
def trained():
    return {name: train() for name, train in TRAINED.items()}


@pytest.fixture(params=TRAINED)
def tokenizer(request, trained):
    return trained[request.param]


@pytest.fixture(params=tokenizers)
def kind(request, trained):
    """A kind's name; its tokenizer knows every token of the corpus."""
    return request.param


@pytest.fixture(scope="session")
def random_texts():
    """Strings over an alphabet full of traps, the same in every run."""
    alphabet = list("abcXYZ019  \t\n\r\x0b\x1c\x85.,;:!?'\"()[]{}<>/\\|@#$%^&*-_=+~`")
    alphabet += list("äßéİſﬁ½™ʰ١\u0301\u0308\u00a0\u2003\u2028\u3000\u200b\u200d\ufeff\u00ad")
    alphabet += list("中文ア日。、「」¿¡«»…—€₿∑■￭▁👍🏽🇩\U0010ffff\ue000\ufffd\x00\x01\x02\x7f")
    source = random.Random(7)
    return ["".join(source.choices(alphabet, k=source.randrange(25))) for _ in range(600)]
