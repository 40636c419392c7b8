"""Weights of PyTorch's recurrent layers: its outputs, states and gradients on each backend."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from checks import array, arrays, assert_close
from keras import ops
from torch_reference import CASES, LENGTHS, D, T, U

from keras_seq.backend import compiled, gradient
from keras_seq.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Encoder,
    MinGRU,
    RNNStack,
    TimeSkipCell,
    VanillaRNN,
    VanillaRNNCell,
)
from keras_seq.layers.recurrences import base
from keras_seq.layers.recurrences.lstm import LSTMRecurrence

MASK = np.arange(T) < np.array(LENGTHS)[:, None]
LAYERS = {"LSTM": LSTM, "GRU": GRU, "RNN": VanillaRNN}
CELLS = {"LSTM": keras.layers.LSTMCell, "GRU": keras.layers.GRUCell, "RNN": VanillaRNNCell}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """From each of CASES to what PyTorch computes, in a process without another backend."""
    path = tmp_path_factory.mktemp("torch") / "reference.npz"
    program = pathlib.Path(__file__).with_name("torch_reference.py")
    subprocess.run([sys.executable, program, path], check=True)
    found = {name: {} for name in CASES}
    with np.load(path) as arrays:
        for key in arrays:
            name, part = key.split("/")
            found[name][part] = arrays[key]
    return found


def beginning(parts, beginning):
    return {
        key.removeprefix(beginning): value
        for key, value in parts.items()
        if key.startswith(beginning)
    }


def stack_of(name):
    """An `RNNStack` for a case."""
    kind, options = CASES[name]
    cell = {"use_bias": options.get("bias", True)}
    if "nonlinearity" in options:
        cell["activation"] = options["nonlinearity"]
    return RNNStack(
        CELLS[kind](U, **cell),
        num_layers=options.get("num_layers", 1),
        bidirectional=options.get("bidirectional", False),
        return_sequences=True,
        return_state=True,
    )


def layer_of(name):
    """A single layer for a case, or a `Bidirectional` of one."""
    kind, options = CASES[name]
    more = {"activation": options["nonlinearity"]} if "nonlinearity" in options else {}
    layer = LAYERS[kind](
        U,
        use_bias=options.get("bias", True),
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        **more,
    )
    return Bidirectional(layer) if options.get("bidirectional") else layer


def everything(layer, parts):
    """Outputs and states, and the gradients of the inputs and, by name, of the weights."""
    variables, mask = layer.trainable_variables, ops.convert_to_tensor(MASK)

    def run(nest):
        mapping = list(zip(variables, nest["weights"], strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return keras.tree.flatten(layer(nest["x"], mask=mask))

    def both(nest):
        factors = ops.convert_to_tensor(parts["factors"])
        return run(nest), gradient(lambda nest: ops.sum(run(nest)[0] * factors), nest)[1]

    both = compiled(both) if keras.config.backend() == "jax" else both
    nest = {"x": parts["x"], "weights": [variable.value for variable in variables]}
    results, slopes = both(keras.tree.map_structure(ops.convert_to_tensor, nest))
    copy = type(layer).from_config(layer.get_config())
    copy.build(parts["x"].shape)
    copy.set_weights(arrays(slopes["weights"]))
    return arrays(results), array(slopes["x"]), copy.torch_weights()


PAIRS = [(name, stack_of) for name in CASES]
PAIRS += [(name, layer_of) for name in CASES if "num_layers" not in CASES[name][1]]


@pytest.mark.every_backend
@pytest.mark.parametrize("name, make", PAIRS)
def test_a_layer_computes_what_pytorch_does(name, make, reference):
    parts = reference[name]
    weights = beginning(parts, "weights ")
    layer = make(name)
    layer.set_torch_weights(weights)
    (outputs, *states), dx, slopes = everything(layer, parts)
    assert_close(outputs, parts["outputs"], atol=1e-5, rtol=1e-5)
    expected = zip(*beginning(parts, "state ").values(), strict=True)  # by layer and direction
    assert_close(states, [tensor for both in expected for tensor in both], atol=1e-5, rtol=1e-5)
    assert_close(dx, parts["dx"], atol=1e-5, rtol=1e-5)
    for key, value in beginning(parts, "gradient ").items():
        key = key if CASES[name][0] == "GRU" else key.replace("bias_hh", "bias_ih")
        assert_close(slopes[key], value, atol=1e-5, rtol=1e-5)

    back = layer.torch_weights("a.")
    assert list(back) == [f"a.{key}" for key in weights]
    for key, value in weights.items():
        if CASES[name][0] != "GRU" and key.startswith("bias"):  # their sum, and 0
            other = weights[key.replace("bias_ih", "bias_hh")]
            value = 0 * value if key.startswith("bias_hh") else value + other
        np.testing.assert_array_equal(back[f"a.{key}"], value)
    again = make(name)
    again.set_torch_weights({**back, "b.weight_ih_l0": 0}, "a.")
    assert_close(again.get_weights(), layer.get_weights(), atol=0, rtol=0)


@pytest.mark.once
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_tensors_of_any_dtype_out_of_a_whole_model(dtype):
    import torch

    model = torch.nn.ModuleDict(
        {
            "embedding": torch.nn.Embedding(7, D),
            "encoder": torch.nn.ModuleDict({"rnn": torch.nn.GRU(D, U, 2, bidirectional=True)}),
        }
    ).to(getattr(torch, dtype))
    expected = {name: value.detach().double() for name, value in model.state_dict().items()}
    encoder = Encoder("gru", U, num_layers=2)
    for values in (model.state_dict(), dict(model.named_parameters())):
        encoder.set_torch_weights(values, prefix="encoder.rnn.")
        found = encoder.torch_weights("encoder.rnn.")
        assert len(found) == 16
        for name, value in found.items():
            np.testing.assert_allclose(value, expected[name], rtol=1e-6)
    layer = model["encoder"]["rnn"].float()
    layer.load_state_dict({name: torch.tensor(x) for name, x in encoder.torch_weights().items()})
    values = torch.rand(2, T, D)
    outputs = layer(values.transpose(0, 1))[0].transpose(0, 1)
    assert_close(encoder(values)[0].detach(), outputs.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.once
def test_what_is_given_is_a_copy_in_a_dtype_that_pytorch_knows():
    layer = VanillaRNN(U, dtype="bfloat16", recurrent_initializer="glorot_uniform")
    layer.build((None, None, D))
    before = arrays(layer.get_weights())
    found = layer.torch_weights()
    assert {value.dtype.name for value in found.values()} == {"float32"}
    assert all(value.flags.c_contiguous for value in found.values())
    for value in found.values():
        value[...] = 9
    assert_close(arrays(layer.get_weights()), before, atol=0, rtol=0)


@pytest.mark.once
def test_a_kind_of_ones_own_says_its_order(monkeypatch):
    class OtherCell(keras.layers.LSTMCell):
        pass

    class OtherRecurrence(LSTMRecurrence):
        cell_type = OtherCell
        torch_columns = ("output", "forget", "input", "candidate")

    stack = RNNStack(OtherCell(2))
    with pytest.raises(ValueError, match=r"PyTorch has layers of the LSTM.*received OtherCell"):
        stack.set_torch_weights({})
    monkeypatch.setattr(base, "_DESCRIBED", {**base._DESCRIBED, OtherCell: OtherRecurrence()})
    blocks = np.arange(8.0)[:, None] * np.ones(3)
    weights = {"weight_ih_l0": blocks, "weight_hh_l0": blocks[:, :2]}
    weights |= {"bias_ih_l0": np.arange(8.0), "bias_hh_l0": np.zeros(8)}
    stack.set_torch_weights(weights)
    assert stack.forward_cells[0].kernel[0].tolist() == [4, 5, 2, 3, 6, 7, 0, 1]
    for name, value in stack.torch_weights().items():
        np.testing.assert_array_equal(value, weights[name])


def weights_of(units=U, features=D, gates=4, **changes):
    """PyTorch's weights of an LSTM, some of them changed, or left out where `None`."""
    rows = gates * units
    shapes = {"weight_ih_l0": (rows, features), "weight_hh_l0": (rows, units)}
    shapes |= {"bias_ih_l0": (rows,), "bias_hh_l0": (rows,)}
    values = {name: np.ones(shape, "float32") for name, shape in shapes.items()} | changes
    return {name: value for name, value in values.items() if value is not None}


class Unreadable:
    shape = (4 * U,)

    def detach(self):
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")


OTHER = np.ones((2, 2), "float32")
WRONG = {
    "missing": (weights_of(bias_hh_l0=None), "", "received none of bias_hh_l0"),
    "no bias": (weights_of(bias_ih_l0=None, bias_hh_l0=None), "", "none of bias_ih_l0, bias_hh_l0"),
    "more layers": (weights_of(weight_ih_l1=OTHER), "", "weight_ih_l1 besides"),
    "both ways": (weights_of(weight_ih_l0_reverse=OTHER), "", "weight_ih_l0_reverse besides"),
    "projection": (weights_of(weight_hr_l0=OTHER), "", "projection .`proj_size`. is none"),
    "another prefix": ({f"a.{k}": v for k, v in weights_of().items()}, "", "behind `prefix=` 'a.'"),
    "no such prefix": (weights_of(), "b.", "`state_dict` must have behind the prefix 'b.'"),
    "units": (
        weights_of(U + 1),
        "",
        r"`weight_ih_l0` must have the shape \(16, 3\); received \(20",
    ),
    "features": (weights_of(weight_hh_l0=OTHER), "", r"`weight_hh_l0` .* received \(2, 2\)"),
    "another kind": (weights_of(gates=3), "", r"`weight_ih_l0` must have the shape \(16, 3\)"),
    "integers": (weights_of(bias_hh_l0=np.ones(16, int)), "", "floating-point numbers; rec.*int64"),
    "strings": (weights_of(bias_hh_l0="a"), "", "`bias_hh_l0` must hold floating-point numbers"),
    "no data": (
        weights_of(bias_hh_l0=Unreadable()),
        "",
        "`bias_hh_l0` must hold numbers; received",
    ),
    "no dict": ([1], "", "`state_dict` must be a dict from names to weights.*received a list"),
    "no prefix": (weights_of(), None, "`prefix` must be a string"),
}


@pytest.mark.once
@pytest.mark.parametrize("name", WRONG)
def test_wrong_weights_change_nothing(name):
    weights, prefix, message = WRONG[name]
    layer, built = LSTM(U), LSTM(U)
    built.build((None, None, D))
    before = arrays(built.get_weights())
    for one in (layer, built):
        with pytest.raises(ValueError, match=message):
            one.set_torch_weights(weights, prefix)
    assert not layer.built and not layer.weights
    assert_close(arrays(built.get_weights()), before, atol=0, rtol=0)


@pytest.mark.once
def test_inputs_of_another_size_than_the_layer_was_built_for():
    layer = RNNStack("lstm", U)
    layer.build((None, None, D + 1))
    with pytest.raises(ValueError, match=r"must have the shape \(16, 4\); received \(16, 3\)"):
        layer.set_torch_weights(weights_of())


@pytest.mark.once
@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: GRU(U, reset_after=False), "received GRUCell.*reset_after=False"),
        (lambda: LSTM(U, activation="relu"), "received LSTMCell.activation='relu'"),
        (lambda: GRU(U, recurrent_activation="hard_sigmoid"), "recurrent_activation='hard_sig"),
        (lambda: VanillaRNN(U, activation="sigmoid"), "VanillaRNNCell.activation='sigmoid'"),
        (lambda: VanillaRNN(U, readout_units=2), "readout_units=2"),
        (lambda: VanillaRNN(U, learn_initial_state=True), "learn_initial_state=True"),
        (lambda: MinGRU(U), "received MinGRUCell"),
        (lambda: RNNStack(TimeSkipCell("gru", 3, U)), "received TimeSkipCell"),
        (lambda: RNNStack("lstm", U, layer_norm=True), "layer_norm=True"),
        (lambda: RNNStack("lstm", U, num_layers=2, residual=True), "residual=True"),
        (
            lambda: Bidirectional(LSTM(U), backward_layer=LSTM(U + 1, go_backwards=True)),
            "cells of one kind and size; received .*units=4.* and .*units=5",
        ),
        (lambda: Bidirectional(keras.layers.ConvLSTM1D(2, 2)), "received ConvLSTMCell"),
    ],
)
def test_a_layer_that_pytorch_does_not_have(make, message):
    layer = make()
    with pytest.raises(ValueError, match=message):
        layer.set_torch_weights(weights_of())
    with pytest.raises(ValueError, match=message):
        layer.torch_weights()
    assert not layer.built


@pytest.mark.once
def test_a_layer_without_weights():
    with pytest.raises(ValueError, match="`torch_weights` needs a layer that is built"):
        LSTM(U).torch_weights()
    layer = RNNStack("lstm", U, stateful=True)
    with pytest.raises(ValueError, match="`stateful=True` must be built"):
        layer.set_torch_weights(weights_of())
    assert not layer.weights


@pytest.mark.once
def test_a_residual_of_one_layer_is_none():
    layer = RNNStack("lstm", U, residual=True)
    layer.set_torch_weights(weights_of())
    assert_close(layer.torch_weights()["bias_ih_l0"], np.full(4 * U, 2.0), atol=0, rtol=0)
