"""One file, tokenizer and classes inside, read on any backend; parts that users make."""

import keras
import numpy as np
import pytest
from cases import LABELS, TEXTS
from checks import array

import keras_seq as ks
from keras_seq.models import TextClassifier
from keras_seq.testing.comparing import json_copy


@keras.saving.register_keras_serializable(package="tests")
class Widened(keras.layers.Layer):
    """An encoder of one's own: a map of each step by itself."""

    output_size = 5

    def build(self, inputs_shape):
        self.kernel = self.add_weight(shape=(inputs_shape[-1], self.output_size), name="kernel")

    def call(self, inputs, mask=None, training=False):
        return keras.ops.matmul(inputs, self.kernel)


@keras.saving.register_keras_serializable(package="tests")
class MeanAndMax(ks.layers.Pooling):
    def pool(self, inputs, mask):
        mask = mask[:, :, None]
        largest = keras.ops.max(keras.ops.where(mask, inputs, -9.0), axis=1)
        return keras.ops.concatenate(
            [keras.ops.sum(keras.ops.where(mask, inputs, 0.0), axis=1), largest], axis=-1
        )


@pytest.mark.once
@pytest.mark.parametrize(
    "config",
    [
        {"cell": "irnn", "residual": True, "layer_norm": True, "num_layers": 2, "pooling": "max"},
        {"cell": ks.layers.MinLSTMCell(3), "units": 3, "bidirectional": False, "threshold": 0.3},
        {"cell": "gru", "weight_dropout": 0.2, "variational": True, "dropout": 0.1, "units": 3},
        {"encoder": Widened(), "pooling": MeanAndMax(), "embedding_dim": 3, "max_length": 4},
        {"encoder": ks.layers.RNNStack("min_gru", 3, bidirectional=True, return_sequences=True)},
    ],
    ids=lambda config: next(iter(config)) + str(len(config)),
)
def test_a_config_alone_rebuilds_the_model(config):
    model = TextClassifier.from_texts(
        TEXTS, [[label] for label in LABELS], **{"units": 4, **config}
    )
    copy = json_copy(model)
    copy.set_weights(model.get_weights())
    inputs = model.as_batch(TEXTS)[0]
    np.testing.assert_allclose(array(copy(inputs)), array(model(inputs)), atol=1e-6)
    assert copy.multi_label and copy.threshold == model.threshold
    assert copy.classify(TEXTS) == model.classify(TEXTS)


def test_the_last_step_of_an_encoder_that_reads_from_both_sides():
    def make(bidirectional):
        stack = ks.layers.RNNStack("gru", 3, bidirectional=bidirectional, return_sequences=True)
        return TextClassifier.from_texts(TEXTS, LABELS, encoder=stack, embedding_dim=3)

    assert make(True).pooling.bidirectional and not make(False).pooling.bidirectional
