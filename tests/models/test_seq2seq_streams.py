"""Training on files that are read as they are needed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seq.datasets import Lines, stream_parallel, write_lines
from keras_seq.models import Seq2Seq

SOURCES = ["abc", "de", "a", "", "ccc", "bd", "e", "aa"]
TARGETS = ["xy", "z", "", "xx", "zz", "y", "x", "yx"]


@pytest.fixture
def paths(tmp_path):
    paths = tmp_path / "source.txt", tmp_path / "target.txt.gz"
    write_lines(paths[0], SOURCES)
    write_lines(paths[1], TARGETS)
    return paths


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_vocabularies_from_files(paths, tokens):
    streamed = Seq2Seq.from_texts(*map(Lines, paths), tokens=tokens, units=2)
    listed = Seq2Seq.from_texts(SOURCES, TARGETS, tokens=tokens, units=2)
    assert streamed.source_tokenizer.vocabulary == listed.source_tokenizer.vocabulary
    assert streamed.target_tokenizer.vocabulary == listed.target_tokenizer.vocabulary


@pytest.mark.slow
def test_training_on_files_is_training_on_lists(tiny, paths):
    pairs = stream_parallel(*paths)
    # Each time one batch of all rows. The stream's has two empty ones besides, and the validation
    # has partial batches.
    options = {"validation_data": pairs, "validation_batch_size": 3}
    found = tiny().fit(pairs, batch_size=10, epochs=2, verbose=0, **options).history
    expected = tiny().fit(SOURCES, TARGETS, batch_size=10, epochs=2, verbose=0).history
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, err_msg=name)
    # What validation finds after an epoch, training finds before its one step in the next.
    assert found["val_perplexity"][0] == pytest.approx(expected["perplexity"][1], rel=1e-4)


def test_streams_are_predicted(tiny, paths):
    model = tiny()
    assert model.predict(stream_parallel(*paths)).tolist() == model.generate(SOURCES)


@pytest.mark.slow
def test_a_resumed_training_meets_the_same_order(tiny, paths):
    pairs, model = stream_parallel(*paths), tiny()
    model.compile(keras.optimizers.SGD(1.0))
    start = model.get_weights()

    def trained(weights, **epochs):
        model.set_weights(weights)
        keras.utils.set_random_seed(5)
        model.fit(pairs, batch_size=3, shuffle_buffer=6, verbose=0, **epochs)
        return model.get_weights()

    straight = trained(start, epochs=2)
    half = trained(start, epochs=1)
    for a, b in zip(straight, trained(half, initial_epoch=1, epochs=2), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    repeated = trained(half, epochs=1)  # the first order once more: another one
    assert max(np.abs(a - b).max() for a, b in zip(straight, repeated, strict=True)) > 1e-5


def test_mistakes_say_what_came(tiny):
    model = tiny()
    pairs = tf.data.Dataset.from_tensor_slices((SOURCES, TARGETS))
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="expected a dataset of \\(source, target\\)"):
            method(pairs.map(lambda x, y: x))
        with pytest.raises(ValueError, match="received `y` or `sample_weight` besides"):
            method(pairs, TARGETS)
    with pytest.raises(ValueError, match="`shuffle_buffer` must be an integer above 0"):
        model.fit(pairs, shuffle_buffer=0)
