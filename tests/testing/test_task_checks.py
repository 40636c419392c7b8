"""The public check of tasks: each mistake is named."""

import keras
import pytest

from keras_seq.models import TextClassifier
from keras_seq.testing import check_task

pytestmark = pytest.mark.once
registered = keras.saving.register_keras_serializable(package="task_mistakes")
TEXTS, LABELS = ["ab", "bbba", "a", "ba"], ["x", "y", "x", "y"]


@registered
class Forgetful(TextClassifier):
    """Its config says nothing of the factor."""

    factor = 1.0

    def predict(self, x, **options):
        return self.factor * super().predict(x, **options)


@registered
class AcrossRows(TextClassifier):
    def predict(self, x, **options):
        return super().predict(x, **options) + len(x)


@registered
class NoMistakes(TextClassifier):
    def fit(self, x, *args, **options):
        return super().fit(x, *args, **options) if x else None


@registered
class NoLearning(TextClassifier):
    def compile(self, *args, **options):
        super().compile(keras.optimizers.SGD(0.0))


@registered
class OtherBatches(TextClassifier):
    def evaluate(self, x=None, y=None, batch_size=None, **options):
        found = super().evaluate(x, y, batch_size=batch_size, **options)
        return {name: value + (batch_size or 0) for name, value in found.items()}


def make(kind):
    return lambda: kind.from_texts(TEXTS, LABELS, units=3, cell="vanilla")


def forgetful():
    model = make(Forgetful)()
    model.factor = 0.5
    return model


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (forgetful, "a copy by its config answers something else"),
        (make(AcrossRows), "the answer to 'ab' is another one in a batch"),
        (make(NoMistakes), "`fit` of nothing is no error"),
        (make(NoLearning), "`fit` does not lower the loss"),
        (make(OtherBatches), "`evaluate` gives another .* in batches of two"),
    ],
)
def test_mistakes_of_a_task(made, message):
    with pytest.raises(AssertionError, match=message):
        check_task(made, TEXTS, LABELS)
