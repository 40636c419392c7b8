"""The loss against its formula."""

import keras
import numpy as np
import pytest
from cases import floats
from checks import array, log_softmax

from keras_seq.models import TokenCrossEntropy

LABELS = np.array([[2, 0, 1], [3, 3, 0]])
WEIGHTS = np.array([[1.0, 1.0, 0.5], [2.0, 0.0, 0.0]], "float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_it_is_the_cross_entropy_with_a_smoothed_target(smoothing):
    logits = floats(2, 3, 4)
    target = (1 - smoothing) * np.eye(4)[LABELS] + smoothing / 4
    expected = -(target * log_softmax(logits)).sum(-1)
    loss = TokenCrossEntropy(smoothing)
    np.testing.assert_allclose(array(loss.call(LABELS, logits)), expected, atol=1e-5)
    mean = (WEIGHTS * expected).sum() / WEIGHTS.sum()
    found = loss(LABELS, logits, sample_weight=WEIGHTS)
    assert float(array(found)) == pytest.approx(mean, abs=1e-5)


def test_it_survives_a_config():
    loss = TokenCrossEntropy(0.2, reduction="sum", name="mine")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config()


def test_smoothing_is_a_share():
    with pytest.raises(ValueError, match=r"`label_smoothing` must be a number in \[0, 1\)"):
        TokenCrossEntropy(1.0)
