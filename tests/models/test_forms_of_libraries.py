"""The forms of pandas, polars, Hugging Face's datasets and PyTorch themselves, where they are."""

import numpy as np
import pytest
from test_forms import LABELS, TEXTS, WEIGHTS, WORDS, arrived

from keras_seq.models import TextClassifier, TextTagger

pytestmark = pytest.mark.once
NUMBERS = [3, 1, 3, 5, 1, 3]


@pytest.fixture(scope="module")
def classifier():
    model = TextClassifier.from_texts(TEXTS, LABELS, tokens="char", cell="gru", units=3)
    model.compile()
    return model


@pytest.fixture(scope="module")
def stars():
    model = TextClassifier.from_texts(TEXTS, NUMBERS, tokens="char", cell="gru", units=3)
    model.compile()
    return model


@pytest.fixture
def check(classifier, stars, monkeypatch):
    """Checks that texts, labels and numbers in some form are what the lists are."""

    def check(form, numbers=None):
        expected = (TEXTS, [0, 1, 0, 2, 1, 0])
        for call in (
            lambda: classifier.fit(form(TEXTS), form(LABELS)),
            lambda: classifier.fit(TEXTS, LABELS, validation_data=(form(TEXTS), form(LABELS))),
            lambda: classifier.evaluate(form(TEXTS), LABELS),
            lambda: stars.fit(form(TEXTS), (numbers or form)(NUMBERS)),
        ):
            x, y = arrived(monkeypatch, classifier if call.__code__.co_freevars else stars, call)
            assert x == expected[0]
            assert y in (expected[1], [1, 0, 1, 2, 0, 1])
        assert classifier.classify(form(TEXTS)) == classifier.classify(TEXTS)
        new = TextClassifier.from_texts(form(TEXTS), (numbers or form)(NUMBERS), units=3)
        assert new.class_names == ["1", "3", "5"]
        assert new.check_targets((numbers or form)(NUMBERS)).tolist() == [1, 0, 1, 2, 0, 1]

    return check
