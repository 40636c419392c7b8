"""PyTorch follows what a layer computes: tracers, exporters and function transforms."""

import io

import keras
import numpy as np
import pytest
from cases import floats
from keras import ops

from keras_seq import layers

if keras.config.backend() != "torch":
    pytest.skip("PyTorch alone has these", allow_module_level=True)

import torch
from torch.autograd import forward_ad

T, D, U = 5, 3, 4
FULL = floats(3, T, D)
PADDED = FULL * (np.arange(T)[None] < np.array([5, 3, 1])[:, None])[:, :, None]
HOLED = FULL * np.array([[0, 1, 0, 1, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]])[:, :, None]
BATCHES = [torch.tensor(x.astype("float32")) for x in (FULL, PADDED, HOLED, PADDED[:2])]
LAYERS = {
    "LSTM": lambda **k: layers.LSTM(U, **k),
    "LSTM-elu": lambda **k: layers.LSTM(U, "elu", go_backwards=True, **k),
    "GRU": lambda **k: layers.GRU(U, **k),
    "VanillaRNN": lambda **k: layers.VanillaRNN(U, go_backwards=True, **k),
    "Bidirectional": lambda **k: layers.Bidirectional(layers.GRU(U, **k)),
    "RNNStack": lambda **k: layers.RNNStack("lstm", U, bidirectional=True, **k),
    "MinGRU": lambda **k: layers.MinGRU(U, **k),
}
each = pytest.mark.parametrize("name", LAYERS)
sequences = pytest.mark.parametrize("return_sequences", [False, True], ids=["last", "all"])


def masked(name, return_sequences=True):
    layer = LAYERS[name](return_sequences=return_sequences)
    return keras.Sequential([keras.Input((T, D)), keras.layers.Masking(), layer])


def assert_follows(run, model, batches):
    """`run` was made of rows without padding; the model itself is tested elsewhere."""
    for x in batches:
        with torch.no_grad():
            torch.testing.assert_close(run(x), model(x), atol=1e-5, rtol=1e-5)


@sequences
@each
def test_a_trace_reads_the_mask(name, return_sequences):
    model = masked(name, return_sequences)
    traced = torch.jit.trace(model, BATCHES[0], check_trace=False)
    torch.jit.save(traced, io.BytesIO())  # no Python within
    assert_follows(traced, model, BATCHES)


@pytest.mark.parametrize("name", ["LSTM", "Bidirectional"])
def test_an_exported_program_reads_the_mask(name):
    model = masked(name)
    program = torch.export.export(model, (BATCHES[0],), strict=False).module()
    assert_follows(program, model, BATCHES[:3])


@pytest.mark.parametrize("name, return_sequences", [("LSTM", False), ("Bidirectional", True)])
def test_an_onnx_file_reads_the_mask(name, return_sequences, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = masked(name, return_sequences)
    model(BATCHES[0])  # Keras exports no model that was never called
    model.export(tmp_path / "m.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (given,) = session.get_inputs()
    assert_follows(
        lambda x: torch.tensor(session.run(None, {given.name: x.numpy()})[0]), model, BATCHES
    )


def test_a_trace_does_not_remember_the_cross_entropy():
    from keras_seq.backend import cross_entropy, predictions

    def both(labels, logits):
        trained = cross_entropy(labels, logits)
        return trained, cross_entropy(labels, logits, constant=True), predictions(logits)

    labels, logits = torch.tensor([1, 0]), torch.tensor(floats(2, 3))
    traced = torch.jit.trace(both, (labels, logits))
    for found, expected in zip(traced(1 - labels, -logits), both(1 - labels, -logits), strict=True):
        torch.testing.assert_close(found, expected)


MASKS = [None, torch.tensor(HOLED[:, :, 0] != 0)]


@pytest.mark.parametrize("mask", MASKS, ids=["all", "holes"])
@each
def test_function_transforms(name, mask):
    """`jvp` of a vector that `vjp` gives, per-sample gradients and `vmap`."""
    layer = LAYERS[name]()
    x, v = BATCHES[0], torch.tensor(floats(3, T, D) / 3)
    layer.build(x.shape)

    def loss(x):
        return (layer(x, mask=mask) ** 2).sum()

    plain = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(plain), [plain])
    _, slope = torch.func.jvp(loss, (x,), (v,))
    torch.testing.assert_close(slope, (expected * v).sum())
    with forward_ad.dual_level():
        slope = forward_ad.unpack_dual(loss(forward_ad.make_dual(x, v))).tangent
    torch.testing.assert_close(slope, (expected * v).sum())

    def of_row(x, mask=None):
        return (layer(x[None], mask=None if mask is None else mask[None]) ** 2).sum()

    rows = (x,) if mask is None else (x, mask)
    found = torch.func.vmap(torch.func.grad(of_row))(*rows)
    torch.testing.assert_close(found, expected)
    if mask is None:
        found = ops.vectorized_map(lambda row: layer(row[None])[0], x)
        torch.testing.assert_close(found, layer(x))


def test_hessian():
    """Forward over backward is backward over backward."""
    layer = layers.GRU(2)
    x = torch.tensor(floats(1, 3, 2))
    layer.build(x.shape)

    def loss(x):
        return (layer(x) ** 2).sum()

    found = torch.func.hessian(loss)(x)
    torch.testing.assert_close(found, torch.autograd.functional.hessian(loss, x))


def test_a_gradient_of_inputs_alone_keeps_no_graph():
    """What waited in vain for the gradient of a matrix held the graph that held it."""
    layer = layers.LSTM(U, "elu")
    freed = []

    class Mark(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            class Kept:
                def __del__(self):
                    freed.append(True)

            ctx.kept = Kept()
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    for twice in (False, True):
        x = BATCHES[0].clone().requires_grad_()
        torch.autograd.grad(layer(Mark.apply(x)).sum(), [x], create_graph=twice)
        assert len(freed) == 1 + twice


@pytest.mark.slow
def test_a_compiled_model_predicts_for_every_batch():
    """With `jit_compile`, batches of other sizes and other padding."""
    inputs = [keras.Input((2, D)), keras.layers.Masking()]
    model = keras.Sequential([*inputs, layers.LSTM(U)])
    model.compile(jit_compile=True)
    for x in (BATCHES[0][:, :2], BATCHES[2][:, :2], BATCHES[1][:2, :2]):
        with torch.no_grad():
            expected = model(x)
        torch.testing.assert_close(torch.tensor(model.predict(x, verbose=0)), expected)
