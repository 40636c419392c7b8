"""LSTMs that read a few short texts on PyTorch: a loop of ours gives what the kernel gives."""

import keras
import numpy as np
import pytest
from checks import assert_close

import keras_seq as ks

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="its kernel arranges the weights at each call"
)
rng = np.random.default_rng(0)


def inputs_and_masks(rows, steps):
    inputs = rng.normal(size=(rows, steps, 5)).astype("float32")
    lengths = rng.integers(0, steps + 1, size=(rows, 1))
    return inputs, {
        "all": None,
        "padding": np.arange(steps) < lengths,
        "before": np.arange(steps) >= lengths,
        "gaps": rng.random((rows, steps)) < 0.6,
    }


@pytest.mark.parametrize("mask", ["all", "padding", "before", "gaps"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("rows, steps", [(1, 1), (1, 24), (8, 3), (0, 4)])
def test_a_loop_is_the_kernel(monkeypatch, rows, steps, reverse, mask):
    import torch

    inputs, masks = inputs_and_masks(rows, steps)
    layer = ks.layers.LSTM(6, return_sequences=True, return_state=True, go_backwards=reverse)
    expected = layer(inputs, mask=masks[mask])  # with gradients: by the kernel, or step by step
    monkeypatch.setattr(torch, "lstm", None)
    with torch.no_grad():
        results = layer(inputs, mask=masks[mask])
    for result, right in zip(results, expected, strict=True):
        assert_close(result, right.detach())


@pytest.mark.parametrize("rows, steps", [(1, 25), (9, 3)])
def test_more_is_for_the_kernel(monkeypatch, rows, steps):
    import torch

    calls, kernel = [], torch.lstm
    monkeypatch.setattr(torch, "lstm", lambda *args: calls.append(1) or kernel(*args))
    layer = ks.layers.LSTM(6)
    with torch.no_grad():
        layer(inputs_and_masks(rows, steps)[0])
    assert calls == [1]


def test_a_state_that_is_given():
    import torch

    inputs, masks = inputs_and_masks(3, 4)
    layer = ks.layers.LSTM(6, return_state=True)
    state = [rng.normal(size=(3, 6)).astype("float32") for _ in range(2)]
    expected = layer(inputs, mask=masks["padding"], initial_state=state)
    with torch.no_grad():
        results = layer(inputs, mask=masks["padding"], initial_state=state)
    for result, right in zip(results, expected, strict=True):
        assert_close(result, right.detach())
