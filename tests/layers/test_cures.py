"""What keeps gradients alive over time: first biases, the IRNN, skips, truncation."""

import json

import keras
import numpy as np
import pytest
from cases import TOKENS, B, D, S, U, floats, lengths_mask
from checks import array, arrays, assert_close, compiled_call, weighted_sum
from keras import ops

from keras_seq.backend import compiled, gradient
from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Decoder,
    Encoder,
    MinGRU,
    RNNStack,
    TimeSkipCell,
    VanillaRNN,
    VanillaRNNCell,
)
from keras_seq.layers.cells import get_cell

X = floats(B, S, D)
RIGHT = lengths_mask(5, 3, 0)
MIXED = np.array([[0, 1, 1, 0, 1], [1, 0, 0, 1, 1], [0, 0, 0, 0, 0]], bool)
ALL = {"return_sequences": True, "return_state": True}


def built(layer, shape=(None, None, D)):
    layer.build(shape)
    return layer


def gates(cell, count=4):
    return np.split(array(cell.bias), count, axis=-1)


def twin(layer):
    """The layer that the config in JSON stands for."""
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    return copy


# First biases


def test_forget_bias_and_chrono_are_first_values_and_nothing_else():
    plain = built(LSTM(U))
    for layer in (LSTM(U, forget_bias=5.0), LSTM(U, chrono=30)):
        for one in (built(layer), built(twin(layer))):
            assert type(one.cell) is keras.layers.LSTMCell
            assert [w.path.split("/")[-1] for w in one.weights] == [
                w.path.split("/")[-1] for w in plain.weights
            ]
            i, f, g, o = gates(one.cell)
            np.testing.assert_array_equal(i, -f if layer.chrono else 0 * f)
            assert not g.any() and not o.any()
            assert (f == 5).all() if layer.forget_bias else 0 <= f.min() < f.max() <= np.log(29)
        layer.set_weights(plain.get_weights())
        assert_close(layer(X), plain(X), atol=0, rtol=0)
    gru = built(twin(GRU(U, chrono=30)))
    assert type(gru.cell) is keras.layers.GRUCell
    z, r, n = gates(gru.cell, 3)
    assert 0 <= z[0].min() < z[0].max() <= np.log(29)
    assert not any(x.any() for x in (z[1], r, n))


def test_both_directions_draw_times_of_their_own():
    layer = built(Bidirectional(LSTM(U, chrono=30)))
    forward, backward = (gates(one.cell)[1] for one in (layer.forward_layer, layer.backward_layer))
    assert forward.any() and backward.any() and not np.array_equal(forward, backward)


@pytest.mark.parametrize(
    "cell",
    [
        keras.layers.LSTMCell(U, bias_initializer=Chrono(30), unit_forget_bias=False),
        LSTM(U, chrono=30).cell,
    ],
    ids=["initializer", "cell-of-a-layer"],
)
def test_cells_with_first_biases_in_a_stack(cell):
    stack = built(twin(Encoder(cell, num_layers=2)))
    cells = [*stack.forward_cells, *stack.backward_cells]
    forget = [gates(one)[1] for one in cells]
    assert all(type(one) is keras.layers.LSTMCell for one in cells)
    assert all(0 <= f.min() < f.max() <= np.log(29) for f in forget)
    assert len({f.tobytes() for f in forget}) == 4


# The IRNN


def test_the_irnn_keeps_what_it_has_and_hears_softly():
    cell = get_cell("irnn", 50)
    assert type(cell) is VanillaRNNCell
    assert keras.saving.serialize_keras_object(cell)["class_name"] == "VanillaRNNCell"
    stack = RNNStack("irnn", 50, num_layers=2, **ALL)
    stack = built(twin(stack))
    kernels = [array(cell.kernel) for cell in stack.forward_cells]
    assert not np.array_equal(kernels[0], kernels[1][:D])
    for cell, kernel in zip(stack.forward_cells, kernels, strict=True):
        np.testing.assert_array_equal(array(cell.recurrent_kernel), np.eye(50))
        assert not array(cell.bias).any()
        assert abs(kernel.std() / 0.001 - 1) < 5 / (2 * kernel.size) ** 0.5
    first = np.abs(floats(B, 50))
    silence = np.zeros((B, S, 1), "float32")
    one = RNNStack("irnn", 50, **ALL)
    outputs, states = one(silence, initial_state=[[first]])
    assert_close([outputs[:, -1], states[0][0]], [first, first], atol=0, rtol=0)


# Skips through time


def skipping_by_hand(cell, x, skip, mask=None, reverse=False):
    """A vanilla TimeSkipCell in NumPy: all outputs, and the last states, the newest first."""
    kernel, recurrent, bias = cell.get_weights()
    outputs = np.zeros((*x.shape[:2], len(recurrent)))
    last = np.zeros((len(x), skip, len(recurrent)))
    for row in range(len(x)):
        past = [np.zeros(len(recurrent))] * skip
        for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
            if mask is None or mask[row, t]:
                mean = (past[0] + past[-1]) / 2
                past = [np.tanh(x[row, t] @ kernel + mean @ recurrent + bias), *past[:-1]]
                outputs[row, t] = past[0]
        last[row] = past
    return outputs, [last[:, 0], last[:, 1:].reshape(len(x), -1)]


@pytest.mark.parametrize("skip", [2, 3])
def test_skips_are_those_by_hand(skip):
    cell = VanillaRNNCell(U, bias_initializer="normal")
    stack = built(twin(RNNStack(TimeSkipCell(cell, skip), bidirectional=True, **ALL)))
    cells = [*stack.forward_cells, *stack.backward_cells]
    run = compiled_call(lambda x, mask: stack(x, mask=mask), stack.variables)
    for mask in (np.ones_like(MIXED), RIGHT, MIXED):
        outputs, states = run(X, mask)
        forward, backward = (
            skipping_by_hand(one, X, skip, mask, reverse)
            for one, reverse in zip(cells, (False, True), strict=True)
        )
        assert_close(outputs, np.concatenate([forward[0], backward[0]], axis=-1))
        assert_close(states, [forward[1] + backward[1]])
    theirs = built(keras.layers.RNN(TimeSkipCell(cell, skip), **ALL))
    found = compiled_call(theirs, theirs.variables)(X)
    expected, states = skipping_by_hand(theirs.cell, X, skip)
    assert_close(list(found), [expected, *states])


def test_the_state_before_the_beginning_is_the_initial_one():
    inner = VanillaRNNCell(U, learn_initial_state=True)
    cell = built(TimeSkipCell(inner, skip=4), (None, D))
    first = floats(U)
    cell.cell.initial_state.assign(first)
    assert_close(
        cell.get_initial_state(B), [np.tile(first, (B, 1)), np.tile(first, (B, 3))], atol=0
    )
    assert_close(cell(X[:, 0], cell.get_initial_state(B))[0], cell.cell(X[:, 0], [first[None]])[0])


def test_a_gradient_goes_back_in_strides():
    """A linear unit that keeps 0.9: what is left of the gradient after n steps, exactly."""
    steps, skip, keep = 101, 10, 0.9
    cell = VanillaRNNCell(
        1,
        activation="linear",
        kernel_initializer="ones",
        recurrent_initializer=keras.initializers.Constant(keep),
    )
    expected = {"plain": [1.0], "skips": [1.0]}
    for n in range(1, steps):
        expected["plain"].append(keep * expected["plain"][-1])
        far = expected["skips"][n - skip] if n >= skip else 0.0
        expected["skips"].append(keep * (expected["skips"][-1] + far) / 2)
    for name, one in {"plain": cell, "skips": TimeSkipCell(cell, skip)}.items():
        stack = built(RNNStack(one), (None, None, 1))

        def back(x, stack=stack):
            return gradient(lambda x: ops.sum(stack(x)), x)[1]

        back = compiled_call(back, stack.variables)
        found = array(back(np.zeros((1, steps, 1), "float32")))[0, ::-1, 0]
        np.testing.assert_allclose(found, expected[name], rtol=1e-4)
    assert expected["plain"][100] < 3e-5 < 0.02 < expected["skips"][100]


def test_dropout_in_a_skipping_cell():
    """One draw for a sequence: the stack asks for it before the loop, Keras's RNN does not."""
    options = {"dropout": 0.5, "recurrent_dropout": 0.5, "seed": 3}
    cell = TimeSkipCell(keras.layers.GRUCell(U, **options), skip=2)
    stack = built(RNNStack(cell))
    by_cell = built(RNNStack(keras.layers.GRUCell(U, **options)))
    by_cell.set_weights(stack.get_weights())
    # Of the first step nothing skips yet.
    found, expected = (compiled_training(one)(X[:, :1]) for one in (stack, by_cell))
    assert_close(found, expected)
    assert not np.allclose(array(stack(X[:, :1])), array(found))
    assert_close(stack(X), stack(X), atol=0)
    with pytest.raises(ValueError, match="draws what is dropped before its loop"):
        keras.layers.RNN(cell)(X, training=True)


def compiled_training(layer):
    return compiled_call(lambda x: layer(x, training=True), layer.variables)


def test_a_translator_with_skips_is_its_steps():
    encoder = Encoder(TimeSkipCell("gru", skip=3, units=4))
    decoder = Decoder(7, TimeSkipCell("lstm", skip=2, units=4), units=4)
    values, states = encoder(X, mask=RIGHT)
    expected = decoder(TOKENS, values, states, RIGHT)
    state, memory = decoder.start(values, states, RIGHT)
    for t in range(TOKENS.shape[1]):
        logits, state = decoder.step(TOKENS[:, t], state, memory)
        assert_close(logits, expected[:, t])


# Truncated backpropagation through time


def by_hand(layer, nest, mask, cut):
    """The loop of a user around `layer.cell`, with `cut(t)` before the step number t."""
    outputs, state = [], nest["state"]
    for n in range(S):
        t = S - 1 - n if layer.go_backwards else n
        state = [ops.stop_gradient(x) for x in state] if cut(n) else state
        output, new = layer.cell(nest["x"][:, t], state)
        valid = mask[:, t, None]
        state = [ops.where(valid, one, old) for one, old in zip(new, state, strict=True)]
        outputs.append(ops.where(valid, output, ops.zeros_like(output)))
    return [ops.stack(outputs, axis=1), *state]


def values_and_gradients(layer, run, state):
    """The results of `run(nest)`, and their gradients for inputs, state and weights."""
    variables = layer.trainable_variables
    nest = {"x": X, "state": state, "weights": [v.value for v in variables]}

    def applied(nest):
        mapping = list(zip(variables, nest["weights"], strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return list(run(nest))

    def both(nest):
        return applied(nest), gradient(lambda nest: weighted_sum(applied(nest)), nest)[1]

    both = compiled(both) if keras.config.backend() == "jax" else both
    return both(keras.tree.map_structure(ops.convert_to_tensor, nest))


@pytest.mark.parametrize(
    ("kind", "options", "mask", "k"),
    [
        (LSTM, {}, RIGHT, 2),
        (GRU, {"go_backwards": True}, MIXED, 3),
        (GRU, {"reset_after": False}, RIGHT, 1),
        (VanillaRNN, {"readout_units": 2, "go_backwards": True}, MIXED, 2),
        (MinGRU, {"go_backwards": True}, RIGHT, 3),
    ],
    ids=["LSTM", "GRU", "GRU-reset-before", "VanillaRNN", "MinGRU"],
)
def test_truncation_is_a_loop_with_stopped_gradients(kind, options, mask, k):
    options = {**options, **ALL, "zero_output_for_mask": True}
    layer = built(twin(kind(U, bias_initializer="normal", **options, truncate=k)))
    sizes = [U] if isinstance(layer.cell.state_size, int) else layer.cell.state_size
    state = [floats(B, n, i)[..., 0] for i, n in enumerate(sizes, 2)]
    valid = ops.convert_to_tensor(mask)

    def run(nest):
        return layer(nest["x"], initial_state=nest["state"], mask=valid)

    def loop(nest):
        return by_hand(layer, nest, valid, lambda n: n and n % k == 0)

    found = values_and_gradients(layer, run, state)
    assert_close(found, values_and_gradients(layer, loop, state))
    whole = values_and_gradients(
        layer, lambda nest: by_hand(layer, nest, valid, lambda n: False), state
    )
    assert_close(found[0], whole[0])  # the same outputs
    assert not np.allclose(arrays(found[1]["x"])[0], arrays(whole[1]["x"])[0], atol=1e-4)


def reach(layer, x=X):
    """Which outputs depend on which inputs by their gradient, boolean `(steps, steps)`."""

    def jacobian(x):
        rows = [
            gradient(lambda x, t=t: weighted_sum(layer(x)[:, t]), x)[1] for t in range(x.shape[1])
        ]
        return ops.stack(rows)

    return (array(compiled_call(jacobian, layer.variables)(x)) != 0).any(axis=(1, 3))


def parts(k, backwards=False, steps=S):
    """Which outputs may depend on which inputs."""
    n = np.arange(steps)[::-1] if backwards else np.arange(steps)
    return (n[:, None] >= n[None]) & (n[:, None] // k == n[None] // k)


def test_nothing_comes_back_over_a_border():
    np.testing.assert_array_equal(
        reach(built(LSTM(U, return_sequences=True, truncate=2))), parts(2)
    )
    stack = RNNStack("gru", U, num_layers=2, return_sequences=True, truncate=2)
    np.testing.assert_array_equal(reach(built(twin(stack))), parts(2))
    layer = Bidirectional(VanillaRNN(U, return_sequences=True, truncate=3))
    np.testing.assert_array_equal(reach(built(twin(layer))), parts(3) | parts(3, backwards=True))


def test_truncation_in_both_directions_and_in_a_stack():
    options = {"return_sequences": True, "bidirectional": True}
    stack = built(twin(Encoder("lstm", U, truncate=2)))
    layer = built(Bidirectional(LSTM(U, **ALL, truncate=2)))
    uneven = built(
        Bidirectional(
            LSTM(U, **ALL, truncate=2),
            backward_layer=LSTM(U, **ALL, go_backwards=True, truncate=9),
        )
    )
    whole = built(RNNStack("lstm", U, **options))
    for other in (layer, uneven, whole):
        other.set_weights(stack.get_weights())

    def slope(layer):
        def run(x):
            outputs = keras.tree.flatten(layer(x))[0]
            return outputs, gradient(lambda x: weighted_sum(keras.tree.flatten(layer(x))[0]), x)[1]

        return arrays(compiled_call(run, layer.variables)(X))

    stack, layer, uneven, whole = (slope(one) for one in (stack, layer, uneven, whole))
    assert_close(stack, layer)
    for other in (uneven, whole):
        assert_close(stack[0], other[0])
        assert not np.allclose(stack[1], other[1], atol=1e-4)


def test_truncation_in_fit():
    """The step of plain descent is the gradient, also where a graph does not know the length."""
    layers = [
        LSTM(U, truncate=2, return_sequences=True, zero_output_for_mask=True),
        LSTM(U, return_sequences=True, zero_output_for_mask=True),
    ]
    mask = ops.ones((B, S), dtype="bool")
    target = ops.convert_to_tensor(floats(B, S, U))
    steps = []
    for layer in layers:
        model = keras.Sequential([keras.Input((None, D)), layer])
        model.compile(keras.optimizers.SGD(1.0), "mse")
        before = layers[0].get_weights()
        layer.set_weights(before)
        # A graph is made for what the first two batches have in common; one is trained on.
        batches = [(X[:, :n], array(target)[:, :n]) for n in (S, S - 1)]
        model.fit((batch for batch in batches), steps_per_epoch=1, shuffle=False, verbose=0)
        steps.append([one - other for one, other in zip(before, layer.get_weights(), strict=True)])
        layer.set_weights(before)
    state = [np.zeros((B, U), "float32")] * 2

    def loss(nest):
        outputs = by_hand(layers[0], nest, mask, lambda n: n and n % 2 == 0)[0]
        return ops.mean((outputs - target) ** 2)

    variables = layers[0].trainable_variables

    def applied(values):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss({"x": ops.convert_to_tensor(X), "state": state})

    slope = gradient(applied, [v.value for v in variables])[1]
    assert_close(steps[0], slope)
    assert not np.allclose(steps[0][0], steps[1][0], atol=1e-5)


# In a model


def test_a_model_of_cures_comes_back_from_its_file(tmp_path):
    ids = np.array([[4, 5, 3, 0], [6, 2, 0, 0], [5, 1, 2, 3]])
    model = keras.Sequential(
        [
            keras.layers.Embedding(7, D, mask_zero=True),
            GRU(U, return_sequences=True, chrono=9),
            RNNStack("irnn", U, return_sequences=True, truncate=3),
            keras.layers.RNN(TimeSkipCell("lstm", skip=2, units=U)),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    model.fit(ids, np.ones((3, 1)), batch_size=3, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(copy.predict_on_batch(ids), model.predict_on_batch(ids), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: LSTM(U, forget_bias=5.0, chrono=9), "choose one; received forget_bias=5.0"),
        (lambda: LSTM(U, forget_bias=5.0, bias_initializer="ones"), "`forget_bias` initialises"),
        (lambda: LSTM(U, chrono=9, use_bias=False), "`chrono` .* received use_bias=False"),
        (lambda: GRU(U, chrono=9, bias_initializer="ones"), "`chrono` initialises the bias"),
        (lambda: LSTM(U, chrono=2), "`max_length` must be an integer of at least 3; received 2"),
        (lambda: LSTM(U, forget_bias=np.nan), "`value` must be a finite number"),
        (lambda: LSTM(U, bias_initializer=Chrono(9)), "Chrono .* `unit_forget_bias=False`"),
        (
            lambda: RNNStack(keras.layers.LSTMCell(U, bias_initializer=ForgetBias())),
            "ForgetBias .* `unit_forget_bias=False`",
        ),
        (lambda: TimeSkipCell("vanilla", skip=1, units=U), "`skip` must be an integer above 1"),
        (lambda: TimeSkipCell("vanilla", skip=2.5, units=U), "received 2.5"),
        (lambda: TimeSkipCell("vanilla"), "`units` must be an integer above 0; received None"),
        (lambda: TimeSkipCell(keras.layers.Dense(3)), "Dense has no `state_size`"),
        (lambda: TimeSkipCell("lsmt", units=U), "Unknown cell 'lsmt'.*'irnn'"),
        (lambda: LSTM(U, truncate=0), "`truncate` must be an integer above 0; received 0"),
        (lambda: RNNStack("gru", U, truncate=2.0), "`truncate` must be an integer above 0"),
        (lambda: GRU(U, truncate=2, unroll=True), "`truncate` needs `unroll=False`"),
        (lambda: LSTM(U, truncate=2, use_cudnn=True), "'use_cudnn': True"),
        (lambda: VanillaRNN(U, truncate=2, recurrent_dropout=0.1), "'recurrent_dropout': 0.1"),
        (
            lambda: RNNStack(TimeSkipCell(VanillaRNNCell(U, dropout=0.1)), truncate=2),
            "`truncate` is not for .* TimeSkipCell with .*'dropout': 0.1",
        ),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
