"""Logits whose matrix is the embedding of the tokens: one row by itself is as good as several."""

import keras
import numpy as np
import pytest
from checks import array
from keras import ops

from keras_seq.layers.token_embedding import tied_logits

SIZE, TOKENS = 16, 50
rng = np.random.default_rng(0)
READOUT = rng.normal(size=(6, SIZE)).astype("float32")
BIAS = rng.normal(size=TOKENS).astype("float32")


@pytest.fixture
def embedding():
    layer = keras.layers.Embedding(TOKENS, SIZE)
    layer.build()
    return layer


@pytest.mark.parametrize("shape", [(1,), (), (1, 1), (2,), (3, 2), (0,), (2, 0)])
def test_the_shape_of_the_readout_does_not_matter(embedding, shape):
    count = int(np.prod(shape))
    readout = READOUT[:count].reshape(*shape, SIZE)
    expected = readout @ array(embedding.embeddings).T + BIAS
    logits = tied_logits(embedding, ops.convert_to_tensor(readout), BIAS, "float32")
    assert tuple(logits.shape) == (*shape, TOKENS)
    np.testing.assert_allclose(array(logits), expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves(embedding, dtype):
    readout = ops.convert_to_tensor(READOUT[:1], dtype)
    logits = tied_logits(embedding, readout, BIAS, dtype)
    assert keras.backend.standardize_dtype(logits.dtype) == dtype
    expected = READOUT[:1] @ array(embedding.embeddings).T + BIAS
    np.testing.assert_allclose(array(ops.cast(logits, "float32")), expected, atol=0.03)


def test_a_batch_of_any_size(embedding):
    inputs = keras.Input((SIZE,))

    class Logits(keras.layers.Layer):
        def call(self, readout):
            return tied_logits(embedding, readout, BIAS, "float32")

    model = keras.Model(inputs, Logits()(inputs))
    assert model.output_shape == (None, TOKENS)
    whole = model.predict(READOUT, verbose=0)
    np.testing.assert_allclose(model.predict(READOUT[:1], verbose=0), whole[:1], atol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="it is XLA that would do it")
def test_no_step_of_a_search_turns_the_matrix(embedding):
    """A loop that reads tokens and writes logits holds no array with the matrix the other way."""
    import jax

    def search(matrix, token):
        def step(_, token):
            embedding.embeddings._value = matrix
            logits = tied_logits(embedding, ops.tanh(matrix[token]), BIAS, "float32")
            return ops.argmax(logits, axis=-1).astype("int32")

        return jax.lax.fori_loop(0, 5, step, token)

    matrix = embedding.embeddings.value
    program = jax.jit(search).lower(matrix, np.zeros(1, "int32")).compile().as_text()
    embedding.embeddings._value = matrix
    assert f"f32[{TOKENS},{SIZE}]" in program
    assert f"f32[{SIZE},{TOKENS}]" not in program
