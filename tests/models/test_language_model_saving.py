"""One file, read on any backend, and trainings that go on."""

import keras
import numpy as np
import pytest
from checks import array

import keras_seq as ks
from keras_seq.callbacks import Checkpoint
from keras_seq.models import LanguageModel
from keras_seq.testing.comparing import json_copy

TEXT = "a rose is a rose is a rose. " * 6


def make():
    keras.utils.set_random_seed(0)
    model = LanguageModel.from_texts(TEXT, units=8, window=10, tie_embeddings=True, dropout=0.1)
    model.compile(keras.optimizers.Adam(1e-2), sampler=ks.samplers.Random(seed=2, top_k=3))
    return model


def test_a_training_goes_on_where_it_stopped(tmp_path):
    def train(epochs):
        model = make()
        checkpoint = Checkpoint(tmp_path / "state")
        epoch = checkpoint.restore(model)
        model.fit(
            TEXT,
            batch_size=3,
            epochs=epochs,
            initial_epoch=epoch,
            validation_data=TEXT[:20],
            callbacks=[checkpoint],
            verbose=0,
        )
        return [array(w) for w in model.trainable_weights]

    whole = train(3)
    (tmp_path / "state").unlink()
    train(1)
    for one, other in zip(train(3), whole, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.once
@pytest.mark.parametrize(
    "config",
    [
        {"cell": ks.layers.MinLSTMCell(3), "units": 3, "num_layers": 2, "residual": True},
        {"cell": "gru", "weight_dropout": 0.2, "variational": True, "window": None},
        {
            "encoder": ks.layers.SelfAttentionEncoder(
                4, num_layers=1, num_heads=2, causal=True, return_sequences=True
            ),
            "tie_embeddings": True,
            "embedding_dim": 3,
        },
    ],
    ids=["cell", "gru", "encoder"],
)
def test_a_config_alone_rebuilds_the_model(config):
    model = LanguageModel.from_texts(TEXT, **{"units": 4, **config})
    copy = json_copy(model)
    copy.set_weights(model.get_weights())
    inputs = model.as_batch([TEXT[:9]])[0]
    np.testing.assert_allclose(array(copy(inputs)), array(model(inputs)), atol=1e-6)
