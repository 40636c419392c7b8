"""Jacobians of recurrences, against finite differences and what is known of them."""

import keras
import numpy as np
import pytest
from cases import floats
from checks import compiled_call
from keras import ops

from keras_seq.analysis import jacobian_spectrum, spectral_radius
from keras_seq.analysis.jacobians import _jacobians
from keras_seq.layers import GRU, LSTM, Bidirectional, RNNStack, TimeSkipCell, VanillaRNN

X = floats(2, 6, 3)


def built(layer):
    layer.build(X.shape)
    return layer


@pytest.mark.parametrize("kind", ["lstm", "gru", "skip"])
def test_jacobians_are_those_of_finite_differences(kind):
    cell = {
        "lstm": lambda: keras.layers.LSTMCell(4),
        "gru": lambda: keras.layers.GRUCell(4),
        "skip": lambda: TimeSkipCell("vanilla", units=2, skip=2),
    }[kind]()
    built(keras.layers.RNN(cell))
    sizes = [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)
    states = [floats(1, n) * 0 for n in sizes]
    found = _jacobians(cell, X[:1], sizes)[0]
    run = compiled_call(lambda x, *states: cell(x, list(states))[1], cell.variables)

    def step(t, states):
        return [ops.convert_to_numpy(part) for part in run(X[:1, t], *states)]

    for t in range(3):
        columns = []
        for place in range(sum(sizes)):
            sides = []
            for sign in (1, -1):
                flat = np.concatenate([part[0] for part in states])
                flat[place] += sign * 1e-2
                moved = np.split(flat[None], np.cumsum(sizes)[:-1], axis=1)
                sides.append(np.concatenate(step(t, moved), axis=1)[0])
            columns.append((sides[0] - sides[1]) / 2e-2)
        np.testing.assert_allclose(found[t], np.stack(columns, axis=1), atol=2e-4)
        states = step(t, states)


def test_products_are_products():
    """Of a linear recurrence the product over k steps is the k-th power of its matrix."""
    layer = built(VanillaRNN(4, activation="linear"))
    matrix = 0.9 * ops.convert_to_numpy(layer.cell.recurrent_kernel) + 0.1
    layer.cell.recurrent_kernel.assign(matrix)
    for steps in (1, 3):
        expected = np.linalg.svd(np.linalg.matrix_power(matrix, steps), compute_uv=False)
        found = jacobian_spectrum(layer, X, steps=steps)
        assert found.shape == (2, 7 - steps, 4)
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-4)


def test_states_are_told_apart():
    layer = built(LSTM(4))
    whole = jacobian_spectrum(layer, X[0], steps=2, state="all")
    assert whole.shape == (5, 8)
    for state in ("h", "c"):
        found = jacobian_spectrum(layer, X[0], steps=2, state=state)
        assert found.shape == (5, 4) and (found[:, 0] <= whole[:, 0] + 1e-6).all()
    one_sided = Bidirectional(GRU(3))
    built(one_sided)
    assert jacobian_spectrum(one_sided.forward_layer, X[0]).shape == (6, 3)
    assert jacobian_spectrum(built(RNNStack("gru", 3)), X[0]).shape == (6, 3)


def test_spectral_radius():
    assert spectral_radius(np.diag([0.5, -2.0])) == 2.0
    assert spectral_radius(0.9 * np.array([[0, -1], [1, 0]])) == pytest.approx(0.9)
    orthogonal = built(VanillaRNN(5, recurrent_initializer=keras.initializers.Orthogonal(0.9)))
    assert spectral_radius(orthogonal) == pytest.approx(0.9, rel=1e-5)
    assert set(spectral_radius(built(LSTM(2)))) == {"input", "forget", "candidate", "output"}
    assert set(spectral_radius(built(GRU(2)).cell)) == {"update", "reset", "candidate"}


def test_bad_input_is_refused():
    layer = built(GRU(2))
    for call, message in (
        (lambda: jacobian_spectrum(GRU(2), X), "GRUCell is not built"),
        (lambda: jacobian_spectrum(layer, X[..., :2]), r"\(time, 3\)"),
        (lambda: jacobian_spectrum(layer, X, steps=7), "at least 7 steps"),
        (lambda: jacobian_spectrum(layer, X, state="c"), "'h', 'all'; received 'c'"),
        (lambda: jacobian_spectrum(layer, X, steps=0), "`steps`"),
        (lambda: jacobian_spectrum(built(Bidirectional(GRU(2))), X), "with 2 cells"),
        (lambda: jacobian_spectrum(keras.layers.Dense(2), X), "with 0 cells"),
        (lambda: spectral_radius(np.ones((2, 3))), r"square; received the shape \(2, 3\)"),
        (lambda: spectral_radius(GRU(2)), "not built"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
