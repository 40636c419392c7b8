"""The recurrent layers against Keras's own, their masks, dropped weights, the stack."""

import keras
import numpy as np
import pytest
from cases import D, U, floats, lengths_mask
from checks import array, arrays, assert_close, weight_gradients, weighted_sum
from keras import ops

from keras_seq.backend import compiled, gradient
from keras_seq.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Encoder,
    RNNStack,
    VanillaRNN,
    VanillaRNNCell,
    bidirectional,
    recurrent_layer,
)
from keras_seq.layers.unroll import unroll

pytestmark = pytest.mark.every_backend

KINDS = {
    "LSTM": (LSTM, keras.layers.LSTM, 2),
    "GRU": (GRU, keras.layers.GRU, 1),
    "VanillaRNN": (VanillaRNN, keras.layers.SimpleRNN, 1),
}
every_kind = pytest.mark.parametrize("name", KINDS)
ALL = {"return_sequences": True, "return_state": True}
BACKWARDS_WITHOUT_BIAS = {"go_backwards": True, "use_bias": False, "activation": "softsign"}

T = 5
RIGHT = lengths_mask(5, 3, 0, 1, longest=T)
MIXED = np.array([[0, 0, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 1]], bool)
MASKS = [None, RIGHT, MIXED]
ROWS = len(RIGHT)
X = floats(ROWS, T, D)


def first_states(count):
    return [floats(ROWS, U, k)[..., 0] for k in range(1, count + 1)]


def randomised(layer, shape=(ROWS, T, D)):
    """`layer` with weights that are all different from 0, biases too."""
    layer.build(shape)
    random = np.random.default_rng(5)
    layer.set_weights([0.5 * random.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def same_weights(layer, other, shape=(ROWS, T, D)):
    """`other` with the weights of `layer`."""
    other.build(shape)
    other.set_weights(layer.get_weights())
    return other


def seen(layer, mask):
    """1 where something valid has been read, `(rows, time)` or `(rows,)`, as a call returns it.

    Elsewhere the layers of Keras give zeros on TensorFlow and PyTorch, the initial state on JAX.
    """
    if not layer.return_sequences:
        return mask.any(axis=1).astype("float32")
    backwards = getattr(layer, "go_backwards", False)
    order = mask[:, ::-1] if backwards else mask
    return np.logical_or.accumulate(order, axis=1).astype("float32")


def visible(layer, results, where):
    """`results` as a list, the outputs multiplied by what `seen` says."""
    results = keras.tree.flatten(results)
    outputs = 2 if getattr(layer, "merge_mode", "") is None else 1
    return [x * where[..., None] if i < outputs else x for i, x in enumerate(results)]


def everything(layer, state, masks=MASKS, **options):
    """Outputs and states with each mask, and the gradients of weights, inputs, initial state."""
    variables = layer.trainable_variables
    nest = {"x": X, "state": state, "weights": [v.value for v in variables]}

    def run(nest, mask=None, where=None):
        mapping = list(zip(variables, nest["weights"], strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            results = layer(nest["x"], initial_state=nest["state"], mask=mask, **options)
        return results if mask is None else visible(layer, results, where)

    def both(nest, *mask):
        return run(nest, *mask), gradient(lambda nest: weighted_sum(run(nest, *mask)), nest)[1]

    both = compiled(both) if keras.config.backend() == "jax" else both
    found = []
    for mask in masks:
        given = () if mask is None else (mask, seen(layer, mask))
        found.append(both(*keras.tree.map_structure(ops.convert_to_tensor, (nest, *given))))
    return found


@pytest.mark.parametrize(
    "name, options",
    [
        ("LSTM", ALL),
        ("GRU", ALL),
        ("VanillaRNN", {"return_state": True}),
        ("LSTM", {"go_backwards": True}),
        *[(name, {**ALL, **BACKWARDS_WITHOUT_BIAS}) for name in KINDS],
        ("GRU", {"recurrent_activation": "hard_sigmoid", "zero_output_for_mask": True, **ALL}),
    ],
)
def test_the_layers_are_those_of_keras(name, options):
    """Outputs, states and the gradients of weights, inputs and initial state."""
    ours, theirs, count = KINDS[name]
    theirs = randomised(theirs(U, **options))
    ours = same_weights(theirs, ours(U, **options))
    state = first_states(count)
    assert_close(everything(ours, state), everything(theirs, state))


@every_kind
def test_one_dropout_mask_for_all_steps_as_in_keras(name):
    ours, theirs, count = KINDS[name]
    options = {**ALL, "dropout": 0.4, "seed": 7}
    theirs = randomised(theirs(U, **options))
    ours = same_weights(theirs, ours(U, **options))
    state = first_states(count)
    masks = [None, MIXED]
    found, expected = (everything(layer, state, masks, training=True) for layer in (ours, theirs))
    assert_close(found, expected)
    inference = everything(ours, state, [None])
    assert not np.allclose(arrays(found)[0], arrays(inference)[0])


@pytest.mark.parametrize(
    "name, options",
    [
        *[(name, {"recurrent_dropout": 0.4, "dropout": 0.3}) for name in KINDS],
        *[(name, {"unroll": True}) for name in KINDS],
        ("LSTM", {"use_cudnn": False, "recurrent_activation": "hard_sigmoid"}),
        ("GRU", {"reset_after": False}),
        ("GRU", {"implementation": 1, "recurrent_dropout": 0.4}),
    ],
)
def test_what_the_kernels_do_not_serve_is_left_to_keras(name, options, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("this is the fast path")

    monkeypatch.setattr(recurrent_layer, "unroll", refuse)
    ours, theirs, _ = KINDS[name]
    theirs = randomised(theirs(U, **ALL, **options, seed=7))
    ours = same_weights(theirs, ours(U, **ALL, **options, seed=7))
    results = []
    for layer in (ours, theirs):
        run = runner_of(layer, mask=MIXED, training=True)
        results.append(run(X))
    assert_close(*results)


def runner_of(layer, **options):
    """The results of `layer` as a function of arrays, compiled on JAX, without a tape on torch."""
    mask = options.pop("mask", None)

    def run(nest):
        given = None if mask is None else ops.convert_to_tensor(mask)
        return layer(nest.pop("x"), mask=given, **nest, **options)

    run = compiled(run, layer.variables) if keras.config.backend() != "tensorflow" else run
    return lambda x, **nest: run(keras.tree.map_structure(ops.convert_to_tensor, {"x": x, **nest}))


@every_kind
def test_masked_steps(name):
    """The output before goes on, 0 before the first; an empty row gives 0 and its first state."""
    kind, _, count = KINDS[name]
    state = first_states(count)
    layer = randomised(kind(U, **ALL))
    last = same_weights(layer, kind(U))
    for mask in (RIGHT, MIXED):
        outputs, *states = arrays(runner_of(layer, mask=mask)(X, initial_state=state))
        for row, valid in enumerate(mask):
            before = np.zeros(U)
            for t in range(T):
                if not valid[t]:
                    np.testing.assert_array_equal(outputs[row, t], before)
                before = outputs[row, t]
            if valid.any():
                np.testing.assert_allclose(states[0][row], before, atol=1e-6)
            else:
                assert_close([s[row] for s in states], [s[row] for s in state], atol=0, rtol=0)
        (found,) = arrays(runner_of(last, mask=mask)(X, initial_state=state))
        np.testing.assert_allclose(found, outputs[:, -1], atol=1e-6)


def test_zeros_for_masked_steps_leave_the_last_output_alone():
    layer = randomised(LSTM(U))
    zeros = same_weights(layer, LSTM(U, zero_output_for_mask=True))
    assert_close(*(runner_of(one, mask=RIGHT)(X) for one in (layer, zeros)), atol=0, rtol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LSTM(U, return_sequences=True),
        lambda: Bidirectional(GRU(U)),
        lambda: RNNStack("vanilla", U, num_layers=2, bidirectional=True, return_sequences=True),
    ],
    ids=["LSTM", "Bidirectional", "RNNStack"],
)
def test_a_mask_that_keras_carries_is_used(make):
    ids = np.array([[4, 5, 0, 3], [6, 2, 2, 0], [5, 0, 0, 0]])
    embedding = keras.layers.Embedding(7, D, mask_zero=True)
    layer = randomised(make(), (3, 4, D))
    carried = runner_of(layer)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), embedding, layer])
    found = model.predict_on_batch(ids)
    vectors = array(embedding(ids))
    assert_close(found, runner_of(layer, mask=ids != 0)(vectors))
    assert not np.allclose(found, array(carried(vectors)))


@every_kind
def test_the_state_of_one_half_begins_the_other(name):
    kind, _, _ = KINDS[name]
    layer = randomised(kind(U, **ALL))
    run = runner_of(layer)
    x = X[:, :4]
    whole, *last = run(x)
    early, *state = run(x[:, :2])
    late, *found = run(x[:, 2:], initial_state=list(state))
    assert_close(ops.concatenate([early, late], axis=1), whole)
    assert_close(found, last)


def test_a_readout_and_a_learnt_first_state():
    layer = randomised(VanillaRNN(U, "relu", readout_units=2, learn_initial_state=True, **ALL))
    assert [w.shape for w in layer.weights][3:] == [(U, 2), (2,), (U,)]
    cell = VanillaRNNCell(U, "relu", readout_units=2, learn_initial_state=True)
    keras_layer = same_weights(layer, keras.layers.RNN(cell, **ALL))
    results = [
        visible(layer, arrays(runner_of(one, mask=RIGHT)(X)), seen(layer, RIGHT))
        for one in (layer, keras_layer)
    ]
    assert_close(*results)


# Weight dropout


def dropped(layer, rate, seed=7):
    """The weights of a recurrent layer with its recurrent kernel as a call in training has it."""
    kernel, recurrent, *rest = layer.get_weights()
    recurrent = ops.convert_to_tensor(recurrent)
    recurrent = keras.random.dropout(recurrent, rate, seed=keras.random.SeedGenerator(seed))
    return [kernel, array(recurrent), *rest]


def test_weights_are_dropped_once_for_all_rows_and_steps():
    """A linear RNN that starts from unit vectors and hears nothing shows its matrix."""
    units, rate = 40, 0.3
    layer = VanillaRNN(units, "linear", use_bias=False, return_sequences=True, weight_dropout=rate)
    silence, unit_vectors = np.zeros((units, 2, 1), "float32"), np.eye(units, dtype="float32")
    layer.build(silence.shape)
    kernel = layer.get_weights()[1]

    def run(**call):
        return array(layer(silence, initial_state=[unit_vectors], **call))

    first, second = run(training=True), run(training=True)
    for found in (first, second):
        scale = found[:, 0] / kernel
        kept = scale != 0
        np.testing.assert_allclose(scale[kept], 1 / (1 - rate), rtol=1e-4)
        assert abs(scale.mean() - 1) < 5 * (rate / (1 - rate)) ** 0.5 / units
        np.testing.assert_allclose(found[:, 1], found[:, 0] @ found[:, 0], atol=1e-5)
    assert not np.array_equal(first[:, 0] == 0, second[:, 0] == 0)
    np.testing.assert_allclose(run()[:, 0], kernel, atol=1e-6)


@every_kind
def test_weight_dropout_is_the_layer_with_that_matrix(name):
    kind, theirs, _ = KINDS[name]
    rate = 0.5
    layer = randomised(kind(U, **ALL, weight_dropout=rate, seed=7))
    by_hand = theirs(U, **ALL)
    by_hand.build(X.shape)
    by_hand.set_weights(dropped(layer, rate))
    assert_close(runner_of(layer, training=True)(X), runner_of(by_hand)(X))
    by_hand.set_weights(layer.get_weights())
    assert_close(runner_of(layer)(X), runner_of(by_hand)(X))


def test_a_dropped_weight_has_no_gradient():
    layer = randomised(LSTM(U, weight_dropout=0.5, seed=7))
    mask = dropped(layer, 0.5)[1] != 0
    _, found, _ = weight_gradients(
        layer.trainable_variables, lambda: weighted_sum(layer(X, training=True))
    )
    np.testing.assert_array_equal(found != 0, mask)


def test_weight_dropout_in_both_directions_and_in_a_stack():
    layer = randomised(Bidirectional(GRU(U, **ALL, weight_dropout=0.5, seed=7)))
    by_hand = Bidirectional(keras.layers.GRU(U, **ALL))
    by_hand.build(X.shape)
    by_hand.set_weights(
        [w for one in (layer.forward_layer, layer.backward_layer) for w in dropped(one, 0.5)]
    )
    assert_close(runner_of(layer, training=True)(X), runner_of(by_hand)(X))

    cell = keras.layers.GRUCell(U, seed=7)
    stack = RNNStack(cell, bidirectional=True, weight_dropout=0.5, return_sequences=True)
    stack = same_weights(layer, stack)
    found = runner_of(stack, training=True)(X)
    assert_close(found, runner_of(by_hand)(X)[0])


# Both directions


@pytest.mark.parametrize(
    "name, options, merge_mode",
    [
        ("LSTM", ALL, "concat"),
        ("LSTM", {}, None),
        ("GRU", ALL, None),
        ("GRU", {"return_state": True}, "ave"),
        ("VanillaRNN", {"return_sequences": True}, "mul"),
        ("VanillaRNN", {"activation": "softsign"}, "sum"),
    ],
)
def test_both_directions_are_those_of_keras(name, options, merge_mode, monkeypatch):
    ours, theirs, count = KINDS[name]
    theirs = randomised(keras.layers.Bidirectional(theirs(U, **options), merge_mode))
    ours = same_weights(theirs, Bidirectional(ours(U, **options), merge_mode))
    state = first_states(2 * count)
    calls = []
    together = bidirectional.unroll_both
    monkeypatch.setattr(
        bidirectional,
        "unroll_both",
        lambda *args, **kwargs: calls.append(args) or together(*args, **kwargs),
    )
    found = everything(ours, state)
    assert calls
    assert_close(found, everything(theirs, state))


def test_both_directions_of_other_layers():
    """A layer of Keras runs as it is; ours run in Keras's wrapper; dropout as Keras has it."""
    theirs = randomised(keras.layers.Bidirectional(keras.layers.GRU(U, **ALL)))
    expected = runner_of(theirs, mask=MIXED)(X)
    for layer in (
        Bidirectional(keras.layers.GRU(U, **ALL)),
        keras.layers.Bidirectional(GRU(U, **ALL)),
    ):
        assert_close(runner_of(same_weights(theirs, layer), mask=MIXED)(X), expected)
    options = {**ALL, "dropout": 0.4, "seed": 7}
    theirs = randomised(keras.layers.Bidirectional(keras.layers.LSTM(U, **options)))
    ours = same_weights(theirs, Bidirectional(LSTM(U, **options)))
    assert_close(*(runner_of(layer, training=True)(X) for layer in (ours, theirs)))


# The stack


def test_a_stack_is_its_layers_by_hand():
    stack = RNNStack(
        "lstm",
        U,
        num_layers=2,
        bidirectional=True,
        residual=True,
        layer_norm=True,
        dropout=0.5,
        **ALL,
    )
    stack = randomised(stack)
    state = [[floats(ROWS, U, k)[..., 0] for k in range(1, 5)] for _ in range(2)]
    found, states = runner_of(stack, mask=MIXED)(X, initial_state=state)
    expected = X
    for i in range(2):
        layer = Bidirectional(LSTM(U, **ALL))
        layer.build(expected.shape)
        cells = (stack.forward_cells[i], stack.backward_cells[i])
        layer.set_weights([w for cell in cells for w in cell.get_weights()])
        outputs, *last = runner_of(layer, mask=MIXED)(expected, initial_state=state[i])
        assert_close(states[i], last)
        expected = array(outputs) + (expected if i else 0)
        norm = stack.norm_layers[i]
        deviation = expected - expected.mean(-1, keepdims=True)
        scale = np.sqrt(np.mean(deviation**2, -1, keepdims=True) + norm.epsilon)
        gamma, beta = norm.get_weights()
        expected = (gamma * deviation / scale + beta) * MIXED[..., None]
    assert_close(found, expected, atol=1e-4)

    # The last output: of each direction the step that it reads last.
    config = {**stack.get_config(), "return_sequences": False, "return_state": False}
    last = same_weights(stack, RNNStack.from_config(config))
    rows = [(row, np.flatnonzero(valid)) for row, valid in enumerate(MIXED)]
    ends = [
        np.concatenate([expected[row, steps[-1], :U], expected[row, steps[0], U:]])
        if len(steps)
        else np.zeros(2 * U)
        for row, steps in rows
    ]
    assert_close(runner_of(last, mask=MIXED)(X, initial_state=state), np.array(ends), atol=1e-4)
    whole = runner_of(last)(X)
    ends = [*stack(X)]
    assert_close(whole, ops.concatenate([ends[0][:, -1, :U], ends[0][:, 0, U:]], axis=-1))


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_between_layers(variational):
    options = {"dropout": 0.5, "variational": variational, "return_sequences": True}
    one = randomised(RNNStack("gru", U, **options))
    assert_close(runner_of(one, training=True)(X), runner_of(one)(X))  # nothing is between
    two = randomised(RNNStack("gru", U, num_layers=2, **options))
    dropped_out, whole = arrays(
        [runner_of(two, training=training)(X) for training in (True, False)]
    )
    assert not np.allclose(dropped_out, whole)
    mask = array(two.dropout_layer(np.ones((ROWS, T, 20), "float32"), training=True))
    assert set(np.unique(mask)) == {0.0, 2.0}
    assert (mask == mask[:, :1]).all() == variational
    assert not (mask == mask[:, :, :1]).all()


def test_an_encoder_is_a_stack():
    options = {"cell": "gru", "units": U, "num_layers": 2, "layer_norm": True, "residual": True}
    encoder = randomised(Encoder(**options))
    stack = same_weights(encoder, RNNStack(**options, bidirectional=True, **ALL))
    assert_close(*(runner_of(layer, mask=RIGHT)(X) for layer in (encoder, stack)))
    encoder = randomised(Encoder("lstm", U, weight_dropout=0.5, dropout=0.3, variational=True))
    results = [runner_of(encoder, training=training)(X)[0] for training in (True, False)]
    assert not np.allclose(*arrays(results))


def test_a_cell_of_a_user_drops_out_in_a_stack():
    """Dropout in the cell: on its inputs with one mask, inside of it as the cell does it."""
    for options in ({"dropout": 0.4}, {"recurrent_dropout": 0.4}):
        theirs = randomised(keras.layers.LSTM(U, **options, seed=7, return_sequences=True))
        cell = keras.layers.LSTMCell(U, **options, seed=7)
        stack = same_weights(theirs, RNNStack(cell, return_sequences=True))
        assert_close(*(runner_of(layer, training=True)(X) for layer in (stack, theirs)))


@pytest.mark.parametrize("case", [{}, {"return_sequences": True}, {"return_state": True}, ALL])
def test_shapes_of_stacks_are_known_beforehand(case):
    stack = RNNStack("lstm", U, num_layers=2, bidirectional=True, **case)
    x = keras.Input((None, D))
    found = keras.tree.map_structure(lambda y: tuple(y.shape), stack(x))
    shape = (None, None, 2 * U) if case.get("return_sequences") else (None, 2 * U)
    expected = (shape, [[(None, U)] * 4] * 2) if case.get("return_state") else shape
    assert found == stack.compute_output_shape((None, None, D)) == expected


# In a model


def test_a_model_learns_and_comes_back_from_its_file(tmp_path):
    ids = np.array([[4, 5, 3, 0], [6, 2, 0, 0], [5, 1, 2, 3]])
    model = keras.Sequential(
        [
            keras.layers.Embedding(7, D, mask_zero=True),
            LSTM(U, return_sequences=True, weight_dropout=0.3),
            GRU(U, return_sequences=True, dropout=0.3, zero_output_for_mask=True),
            Bidirectional(VanillaRNN(U, return_sequences=True, weight_dropout=0.3)),
            RNNStack(
                "gru",
                U,
                num_layers=2,
                layer_norm=True,
                dropout=0.3,
                weight_dropout=0.3,
                variational=True,
            ),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    model.predict_on_batch(ids)
    before = model.get_weights()
    model.fit(ids, np.ones((3, 1)), batch_size=3, verbose=0)
    after = model.get_weights()
    assert all(np.isfinite(w).all() for w in after)
    assert not any(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(copy.predict_on_batch(ids), model.predict_on_batch(ids), atol=1e-6)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: GRU(U, weight_dropout=1.0), r"`weight_dropout` must be a number in \[0, 1\)"),
        (lambda: LSTM(U, weight_dropout=0.5, recurrent_dropout=0.5), "'recurrent_dropout': 0.5"),
        (lambda: LSTM(U, weight_dropout=0.5, unroll=True), "'unroll': True"),
        (lambda: GRU(U, weight_dropout=0.5, use_cudnn=True), "'use_cudnn': True"),
        (lambda: GRU(U, weight_dropout=0.5, reset_after=False), "'reset_after': False"),
        (lambda: GRU(U, weight_dropout=0.5, dropout=0.1, implementation=1), "'implementation': 1"),
        (lambda: VanillaRNN(U, weight_dropout=0.5, readout_units=2), "'readout_units': 2"),
        (lambda: VanillaRNN(0), "`units` must be an integer above 0; received 0"),
        (lambda: RNNStack(num_layers=0), "`num_layers`"),
        (lambda: RNNStack(VanillaRNNCell(U, readout_units=2), weight_dropout=0.1), "readout"),
        (lambda: RNNStack("gru", U)(X, initial_state=[[floats(ROWS, U)] * 2]), r"\[\[5\]\]"),
        (lambda: Bidirectional(LSTM(U), merge_mode="max"), "max"),
        (
            lambda: unroll(keras.layers.GRUCell(U, reset_after=False), X, [], recurrent_kernel=X),
            "`recurrent_kernel` is used with",
        ),
    ],
)
def test_mistakes(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
