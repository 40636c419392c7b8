"""A model for the analyses."""

import keras
import pytest

from keras_seq.models import Seq2Seq


@pytest.fixture(scope="session")
def decided():
    """Untrained, with weights large enough for decided answers."""
    keras.utils.set_random_seed(3)
    model = Seq2Seq.from_texts(
        ["abcde"], ["vwxyz"], tokens="char", cell="gru", units=8, max_target_length=12
    )
    model.set_weights([3 * w for w in model.get_weights()])
    return model
