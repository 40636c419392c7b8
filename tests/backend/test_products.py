"""Products of a training whose factors are rounded: `round_products`, and PyTorch's own switch."""

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq import backend

BACKEND = keras.config.backend()
rng = np.random.default_rng(0)
INPUTS = rng.normal(size=(6, 9, 37)).astype("float32")
RIGHT = np.arange(9) < rng.integers(1, 10, size=(6, 1))
GAPS = rng.random((6, 9)) < 0.6


@pytest.fixture
def rounding():
    """A function that rounds; afterwards nothing is rounded any more."""
    yield backend.round_products
    backend.round_products("float32")


def ran(mask, reverse=False):
    """Outputs and last states of an LSTM, and the gradients of the inputs and weights."""
    import torch

    keras.utils.set_random_seed(0)
    layer = ks.layers.LSTM(32, return_sequences=True, return_state=True, go_backwards=reverse)
    inputs = torch.tensor(INPUTS, requires_grad=True)
    mask = None if mask is None else torch.tensor(mask)
    results = layer(inputs, mask=mask)
    sum((x * torch.linspace(-1, 1, x.shape[-1])).sum() for x in results).backward()
    gradients = [inputs.grad, *(v.value.grad for v in layer.trainable_variables)]
    return [x.detach().numpy() for x in (*results, *gradients)]


@pytest.mark.skipif(BACKEND != "torch", reason="the others' kernels round by themselves")
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("mask", [None, RIGHT, GAPS], ids=["all", "padding", "gaps"])
def test_an_lstm_is_nearly_the_same_where_its_factors_are_rounded(rounding, mask, reverse):
    import torch

    exact = ran(mask, reverse)
    rounding("bfloat16")
    rounded = ran(mask, reverse)
    assert all(x.dtype == np.float32 for x in rounded)
    for before, after in zip(exact, rounded, strict=True):
        assert np.abs(before - after).max() <= 0.03 * np.abs(before).max()
    if torch.ops.mkldnn._is_mkldnn_bf16_supported() and mask is not GAPS:
        assert np.abs(exact[0] - rounded[0]).max() > 1e-4  # it was rounded


@pytest.mark.skipif(BACKEND != "torch", reason="the others' kernels round by themselves")
def test_without_gradients_the_kernel_is_exact(rounding):
    import torch

    layer, inputs = ks.layers.LSTM(32), np.concatenate([INPUTS, -INPUTS])
    with torch.no_grad():
        exact = layer(inputs).numpy()
        rounding("bfloat16")
        np.testing.assert_allclose(layer(inputs).numpy(), exact, atol=1e-6)


def test_a_task_learns_with_rounded_products(rounding):
    """Losses of the same steps, rounded and not."""
    if BACKEND == "tensorflow":
        with pytest.raises(ValueError, match="tensorfloat32, or not at all; received 'bfloat16'"):
            rounding("bfloat16")
        rounding("tensorfloat32")
        return
    texts = ["a b c d", "b c", "d a"] * 4

    def losses():
        keras.utils.set_random_seed(0)
        model = ks.models.Seq2Seq.from_texts(texts, texts, tokens="word", units=32)
        model.compile(keras.optimizers.Adam(1e-2))
        return model.fit(texts, texts, batch_size=4, epochs=3, verbose=0).history["loss"]

    exact = losses()
    rounding("bfloat16")
    np.testing.assert_allclose(losses(), exact, rtol=0.02)
