"""`recompute`: what happens between the kept states is computed again, and nothing else changes."""

import itertools

import keras
import numpy as np
import pytest
from cases import lengths_mask
from checks import assert_close
from keras import ops

from keras_seq.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Encoder,
    MinGRU,
    MinLSTM,
    RNNStack,
    TimeSkipCell,
    VanillaRNN,
)
from keras_seq.testing.comparing import floats
from keras_seq.testing.program import Program

B, T, D, U = 3, 11, 3, 4
MASK = lengths_mask(T, 6, 1, longest=T)
HOLES = MASK & (np.arange(T) % 3 != 1)
ALL = {"return_sequences": True, "return_state": True}
MAKERS = {
    "LSTM": lambda **k: LSTM(U, **ALL, **k),
    "GRU": lambda **k: GRU(U, **ALL, **k),
    "VanillaRNN": lambda **k: VanillaRNN(U, **ALL, **k),
    "MinGRU": lambda **k: MinGRU(U, **ALL, **k),
    "MinLSTM": lambda **k: MinLSTM(U, **ALL, **k),
    "backwards": lambda **k: LSTM(U, **ALL, go_backwards=True, **k),
    "old GRU": lambda **k: RNNStack(keras.layers.GRUCell(U, reset_after=False), **ALL, **k),
    "skips": lambda **k: RNNStack(TimeSkipCell("gru", skip=3, units=U), **ALL, **k),
    "Encoder": lambda **k: Encoder("gru", U, num_layers=2, layer_norm=True, **k),
    "truncated": lambda **k: LSTM(U, **ALL, truncate=7, **k),
    "Bidirectional": lambda **k: Bidirectional(LSTM(U, return_sequences=True, **k)),
}
HERE = ("LSTM", "GRU", "MinGRU", "Encoder", "truncated")  # on each backend, also by `make test`


def call(layer, inputs, mask=None):
    return layer(inputs, mask=mask)


def filled(layer):
    layer.build((B, T, D))
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    return layer


def numbers(layer, **inputs):
    return keras.tree.flatten(Program(layer, call, "inputs")(inputs))


def compare(make, steps, **inputs):
    expected = numbers(filled(make()), **inputs)
    for k in steps:
        assert_close(numbers(filled(make(recompute=k)), **inputs), expected)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", HERE)
def test_outputs_states_and_gradients_are_the_same(kind):
    compare(MAKERS[kind], [4], inputs=floats(B, T, D), mask=MASK)


@pytest.mark.parametrize(("kind", "mask"), itertools.product(MAKERS, (None, MASK, HOLES)))
def test_parts_of_any_size(kind, mask):
    steps = (1, 3, T - 1, T, 99) if keras.config.backend() == "torch" else (3,)
    masked = {} if mask is None else {"mask": mask}
    compare(MAKERS[kind], steps, inputs=floats(B, T, D), **masked)


def losses(make, batches, **options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, D))
    hidden = make(**options)(keras.layers.Masking()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile(keras.optimizers.SGD(0.5), "mse")
    found = []
    for x in batches:
        found.append(model.fit(x, np.ones((B, 1)), batch_size=B, verbose=0).history["loss"])
    return found, model.get_weights()


@pytest.mark.every_backend
def test_training_on_batches_of_any_length_with_dropped_weights():
    def make(**options):
        return RNNStack("lstm", U, num_layers=2, bidirectional=True, weight_dropout=0.3, **options)

    rng = np.random.default_rng(1)
    batches = [rng.normal(size=(B, n, D)).astype("float32") for n in (9, 8, 2)]
    batches[0][0, 5:] = 0
    expected = losses(make, batches)
    found = losses(make, batches, recompute=4)
    assert_close(found[0], expected[0])
    assert_close(found[1], expected[1])


def test_half_precision_and_a_first_state():
    x, states = floats(B, T, D), [[floats(B, U), floats(B, U)]]

    def run(k):
        layer = filled(RNNStack("lstm", U, **ALL, recompute=k, dtype="mixed_float16"))
        outputs, state = layer(x, mask=MASK, initial_state=states)
        return [ops.convert_to_numpy(x) for x in keras.tree.flatten([outputs, state])]

    for one, other in zip(run(4), run(None), strict=True):
        assert one.dtype == "float16"
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_file_remembers_it(tmp_path):
    layers = [LSTM(U, return_sequences=True, recompute=2), MinGRU(U, recompute=5)]
    model = keras.Sequential(layers)
    x = floats(B, T, D)
    expected = model(x)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert [layer.recompute for layer in copy.layers] == [2, 5]
    assert_close(copy(x), expected)
    assert Encoder.from_config(Encoder("gru", U, recompute=3).get_config()).recompute == 3


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="it does not tell its memory")
def test_it_keeps_little():
    whole, parts = (kept_bytes(k) for k in (None, 16))
    assert parts < whole / 3


def kept_bytes(recompute):
    """The memory for the way back of an LSTM over 256 steps."""
    steps, units = 256, 16
    layer = LSTM(units, recompute=recompute)
    layer.build((8, steps, units))
    x = ops.convert_to_tensor(floats(8, steps, units))
    if keras.config.backend() == "torch":
        import torch

        kept = {}

        def pack(tensor):
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
            return tensor

        # Of kernels that run all steps at once PyTorch does not say what they keep.
        cell = layer.cell
        cell.activation = torch.nn.functional.tanh
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            layer(x)
        return sum(kept.values())
    import jax

    variables = layer.trainable_variables

    def loss(values, x):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return ops.sum(layer(x))

    traced = jax.jit(jax.grad(loss)).lower([v.value for v in variables], x)
    return traced.compile().memory_analysis().temp_size_in_bytes


@pytest.mark.once
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: LSTM(U, recompute=0), "`recompute` must be an integer above 0; received 0"),
        (lambda: RNNStack("gru", U, recompute=2.5), "`recompute` must be an integer above 0"),
        (lambda: GRU(U, recompute=2, unroll=True), "`recompute` needs `unroll=False`"),
        (lambda: VanillaRNN(U, recompute=2, recurrent_dropout=0.1), "'recurrent_dropout': 0.1"),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
