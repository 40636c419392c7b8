"""MinGRU and MinLSTM: the formulas of the paper, and all steps at once = one step after another."""

import keras
import numpy as np
import pytest
from cases import VOCABULARY, B, D, S, T, U, floats, lengths_mask, seq2seq
from checks import array, arrays, assert_close, compiled_call, sigmoid, weighted_sum
from keras import ops

from keras_seq.backend import compiled, gradient, linear_scan
from keras_seq.layers import MinGRU, MinGRUCell, MinLSTM, MinLSTMCell
from keras_seq.layers.unroll import _general
from keras_seq.testing.program import Program

CELLS = {"gru": MinGRUCell, "lstm": MinLSTMCell}
LAYERS = {"gru": MinGRU, "lstm": MinLSTM}
every_cell = pytest.mark.parametrize("name", CELLS)


def built(name, **config):
    cell = CELLS[name](U, bias_initializer="normal", **config)
    cell.build((B, D))
    return cell


def formula(name, x, h, kernel, bias):
    """One step of the paper, equations of section 3, in float64."""
    x = x.astype("float64") @ kernel + bias
    *gates, n = np.split(x, 2 if name == "gru" else 3, axis=-1)
    n = np.where(n >= 0, n + 0.5, sigmoid(n))
    if name == "gru":
        z = sigmoid(gates[0])
        return (1 - z) * h + z * n
    f, i = map(sigmoid, gates)
    return f / (f + i) * h + i / (f + i) * n


def steps(name, x, h, kernel, bias):
    outputs = []
    for t in range(x.shape[1]):
        h = formula(name, x[:, t], h, kernel, bias)
        outputs.append(h)
    return np.stack(outputs, axis=1)


@every_cell
def test_a_step_is_that_of_the_paper(name):
    cell, x, h = built(name), floats(B, D), floats(B, U)
    assert [tuple(weight.shape) for weight in cell.weights] == [
        (D, cell.gates * U),
        (cell.gates * U,),
    ]
    output, state = cell(x, [h])
    expected = formula(name, x, h, *cell.get_weights())
    assert_close([output, *state], [expected, expected])


@every_cell
def test_without_bias(name):
    cell = CELLS[name](U, use_bias=False)
    x = floats(B, D)
    output, _ = cell(x, cell.get_initial_state(B))
    assert len(cell.weights) == 1
    assert_close(output, formula(name, x, 0.0, *cell.get_weights(), 0.0))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [0, 1, 33, 64, 96, 150])
def test_the_linear_recurrence_and_its_gradient(length, reverse, monkeypatch):
    """Against the plain loop in float64, for decays from 0 to 1 and numbers of any sign."""
    if keras.config.backend() == "jax":  # on a CPU it takes one chunk
        monkeypatch.setattr("keras_seq.backend.jax.recurrence._chunk", lambda length: 32)
    x = {
        "decay": np.clip(np.abs(floats(2, length, 3)), 0, 1),
        "inputs": floats(3, length, 2).reshape(2, length, 3),
        "state": floats(2, 3),
    }
    weights = floats(2, 3, length).reshape(2, length, 3)
    h, expected = x["state"].astype("float64"), np.zeros((2, length, 3))
    before = np.zeros_like(expected)
    order = range(length)[::-1] if reverse else range(length)
    for t in order:
        before[:, t] = h
        expected[:, t] = h = x["decay"][:, t] * h + x["inputs"][:, t]
    # From the other end: what each h is worth.
    worth, of_inputs = np.zeros((2, 3)), np.zeros_like(expected)
    for t in order[::-1]:
        of_inputs[:, t] = worth + weights[:, t]
        worth = x["decay"][:, t] * of_inputs[:, t]

    def total(nest):
        return ops.sum(linear_scan(**nest, reverse=reverse) * ops.convert_to_tensor(weights))

    def both(nest):
        return linear_scan(**nest, reverse=reverse), gradient(total, nest)[1]

    run = compiled(both) if keras.config.backend() == "jax" else both
    found = run(keras.tree.map_structure(ops.convert_to_tensor, x))
    gradients = {"decay": of_inputs * before, "inputs": of_inputs, "state": worth}
    assert_close(found, (expected, gradients))


HOLES = np.random.default_rng(1).random((B, 40)) < 0.6
HOLES[:, 0] = [True, False, True]
MASKS = {
    "all": None,
    "right": lengths_mask(40, 33, 1, longest=40),
    "left": lengths_mask(40, 33, 0, longest=40)[:, ::-1].copy(),
    "holes": HOLES,
    "nothing": np.zeros((B, 40), bool),
}


@every_cell
def test_all_steps_at_once_are_one_after_another(name):
    """Outputs, states, gradients of everything; each mask, from both sides, from any state."""
    cell = built(name)
    nest = {
        "x": floats(B, 40, D),
        "state": [floats(B, U)],
        "weights": [weight.value for weight in cell.weights],
    }

    def everything(nest, run):
        masks = [None if mask is None else ops.convert_to_tensor(mask) for mask in MASKS.values()]
        mapping = list(zip(cell.weights, nest["weights"], strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return [
                run(nest["x"], nest["state"], mask, reverse, False)
                for mask in masks
                for reverse in (False, True)
            ]

    def results(run):
        def both(nest):
            return (
                everything(nest, run),
                gradient(lambda nest: weighted_sum(everything(nest, run)), nest)[1],
            )

        both = compiled(both) if keras.config.backend() == "jax" else both
        return both(keras.tree.map_structure(ops.convert_to_tensor, nest))

    at_once, one_by_one = results(cell.unroll), results(lambda *args: _general(cell, *args))
    assert_close(at_once, one_by_one, atol=1e-4, rtol=1e-4)
    for (outputs, _), mask in zip(at_once[0][::2], MASKS.values(), strict=True):
        assert mask is None or not array(outputs)[~mask].any()
    outputs, state = at_once[0][-1]  # nothing valid
    assert not array(outputs).any()
    assert_close(state, nest["state"])


@every_cell
def test_no_step_and_one(name):
    cell, h = built(name), floats(B, U)
    for reverse in (False, True):
        outputs, state = cell.unroll(ops.zeros((B, 0, D)), [h], reverse=reverse)
        assert tuple(outputs.shape) == (B, 0, U)
        assert_close(state, [h])
        x = floats(B, 1, D)
        outputs, state = cell.unroll(ops.convert_to_tensor(x), [h], reverse=reverse)
        assert_close([outputs[:, 0], *state], [cell(x[:, 0], [h])[0]] * 2)


@every_cell
def test_thousands_of_steps_are_exact(name):
    cell, h = built(name), floats(2, U)
    x = floats(2, 3000, D)
    outputs, state = compiled_call(lambda x, h: cell.unroll(x, [h]), cell.variables)(x, h)
    expected = steps(name, x, h, *cell.get_weights())
    assert_close([outputs, *state], [expected, expected[:, -1]], atol=2e-6, rtol=1e-5)


@every_cell
def test_h_stays_above_zero(name):
    cell = built(name)
    outputs, _ = cell.unroll(ops.convert_to_tensor(floats(B, S, D)), cell.get_initial_state(B))
    assert (array(outputs) > 0).all()


@every_cell
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_closed_and_open_gates_are_finite(name, dtype):
    """Gates of exactly 0 and 1, both of an LSTM's at once; also the gradients."""
    cell = built(name, dtype=dtype)
    x = 100.0 * np.sign(floats(B, S, D))

    def total(nest):
        x, kernel = ops.cast(nest[0], cell.compute_dtype), nest[1]
        with keras.StatelessScope(state_mapping=[(cell.kernel, kernel)]):
            return weighted_sum(cell.unroll(x, cell.get_initial_state(B))[0])

    run = compiled_call(lambda *nest: gradient(total, list(nest)), [])
    value, gradients = run(x.astype("float32"), np.ones(cell.kernel.shape, "float32"))
    assert all(np.isfinite(x).all() for x in arrays([value, gradients]))


@every_cell
@pytest.mark.parametrize("backwards", [False, True])
def test_a_layer_is_a_loop_of_keras_around_its_cell(name, backwards):
    """For masks that begin with a valid step: before it, the backends of Keras disagree."""
    config = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    layer = LAYERS[name](U, bias_initializer="normal", **config)
    mask = HOLES[:, :S].copy()
    mask[:, [0, -1]] = True
    x, h = floats(B, S, D), floats(B, U)
    layer.build(x.shape)
    loop = keras.layers.RNN(layer.cell, **config)

    def both(x, h, mask):
        return [run(x, initial_state=[h], mask=mask) for run in (layer, loop)]

    found, expected = compiled_call(both, layer.variables)(x, h, mask)
    assert_close(found, expected)


@every_cell
def test_a_saved_model_predicts_the_same(name, tmp_path):
    """Made for sequences of any length, trained on two, saved and loaded."""
    layers = [LAYERS[name](U, return_sequences=True), LAYERS[name](2, zero_output_for_mask=True)]
    model = keras.Sequential([keras.Input((None, D)), *layers])
    model.compile("sgd", "mse")
    for length in (3, 40):
        before = model.get_weights()
        assert np.isfinite(model.train_on_batch(floats(B, length, D), floats(B, 2)))
        after = model.get_weights()
        assert all((new != old).any() for new, old in zip(after, before, strict=True))
    x = floats(B, 40, D)
    hidden = steps(name, x, 0.0, *model.layers[0].get_weights())
    expected = steps(name, hidden, 0.0, *model.layers[1].get_weights())[:, -1]
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        assert_close(one.predict(x, verbose=0), expected)
    assert one.layers[1].get_config() == layers[1].get_config()


@pytest.mark.parametrize("name", ["min_gru", "min_lstm"])
def test_a_translator_of_minimal_cells(name):
    case = seq2seq(name, cell=name, num_layers=2)
    (output,) = Program(case.make()).results(case.inputs)
    assert tuple(output.shape) == (B, T, VOCABULARY)


@every_cell
def test_mistakes_are_named(name):
    for units in (0, 2.5):
        with pytest.raises(ValueError, match="units"):
            CELLS[name](units)
