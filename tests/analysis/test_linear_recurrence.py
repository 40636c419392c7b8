"""Recurrences of one matrix, against printed figures, closed forms and finite differences."""

import numpy as np
import pytest

from keras_seq.analysis import linear_recurrence, plot_recurrence, tanh_recurrence

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(4, 4)) / 2
START, END = RNG.normal(size=(2, 4))
INPUTS = RNG.normal(size=(5, 4))


def test_the_figures_of_the_lesson():
    """What the notebook "RNNs and their Shortcomings" prints under "Demo"."""
    state = tanh_recurrence([[0.7, 0.2], [0.1, 0.6]], 20, initial=[1.0, 0.0])["states"][-1]
    assert [f"{value:.8f}" for value in state] == ["0.00605599", "0.00302811"]
    vanishing = linear_recurrence([[0.5, 0.0], [0.0, 0.4]], 30)["gradient_norms"][::-1]
    assert [f"{norm:.6f}" for norm in vanishing[5::5]] == [
        "0.032885",
        "0.000982",
        "0.000031",
        "0.000001",
        "0.000000",
        "0.000000",
    ]
    exploding = linear_recurrence([[1.3, 0.0], [0.0, 1.1]], 10)["gradient_norms"][::-1]
    assert [f"{norm:.2f}" for norm in exploding[2::2]] == ["2.08", "3.21", "5.14", "8.43", "14.03"]


def test_the_linear_states_are_powers_of_the_matrix():
    result = linear_recurrence(MATRIX, 7, START, END)
    powers = [np.linalg.matrix_power(MATRIX, step) for step in range(8)]
    np.testing.assert_allclose(result["states"], [power @ START for power in powers])
    np.testing.assert_allclose(result["norms"], [np.linalg.norm(power @ START) for power in powers])
    gradients = [np.linalg.norm(power.T @ END) for power in powers]
    np.testing.assert_allclose(result["gradient_norms"], gradients[::-1])
    assert result["spectral_radius"] == pytest.approx(np.abs(np.linalg.eigvals(MATRIX)).max())


def test_the_tanh_gradient_is_that_of_finite_differences():
    steps = len(INPUTS)
    result = tanh_recurrence(MATRIX, steps, START, INPUTS, END)
    for step in range(steps + 1):

        def loss(state, step=step):
            for given in INPUTS[step:]:
                state = np.tanh(MATRIX @ state + given)
            return END @ state

        state, gradient = result["states"][step], []
        for direction in np.eye(4) * 1e-5:
            gradient.append((loss(state + direction) - loss(state - direction)) / 2e-5)
        norm = np.linalg.norm(gradient)
        assert result["gradient_norms"][step] == pytest.approx(norm, rel=1e-7)
    before, after = result["states"][:-1], result["states"][1:]
    np.testing.assert_allclose(after, np.tanh(before @ MATRIX.T + INPUTS), rtol=1e-13)


def test_without_inputs_they_are_zero_and_the_vectors_are_ones():
    given = tanh_recurrence(MATRIX, 3, np.ones(4), np.zeros((3, 4)), np.ones(4))
    for name, value in tanh_recurrence(MATRIX, 3).items():
        np.testing.assert_array_equal(value, given[name])


def test_norms_reach_to_the_ends_of_float64():
    norms = linear_recurrence([[0.1]], 320)["norms"]
    assert norms[300] == pytest.approx(1e-300, rel=1e-12) and norms[-1] < 1e-315
    norms = linear_recurrence([[1e50]], 7)["norms"]
    assert norms[6] == pytest.approx(1e300, rel=1e-12) and np.isinf(norms[7])


@pytest.mark.parametrize("run", [linear_recurrence, tanh_recurrence])
@pytest.mark.parametrize(
    "arguments, message",
    [
        (([[1.0, 2.0]], 3), "square"),
        (([1.0], 3), "square"),
        ((np.zeros((0, 0)), 3), "square"),
        (([[np.nan]], 3), "finite"),
        (([[np.inf]], 3), "finite"),
        (([["a"]], 3), "real numbers"),
        (([[1j]], 3), "real numbers"),
        (([[1.0]], 0), "`steps`"),
        (([[1.0]], 2.5), "`steps`"),
        (([[1.0]], 3, [1.0, 2.0]), "`initial`"),
        (([[1.0]], 3, [np.nan]), "`initial`"),
    ],
)
def test_bad_input_is_refused(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(*arguments)


def test_bad_gradients_and_inputs_are_refused():
    with pytest.raises(ValueError, match="`gradient`"):
        linear_recurrence([[1.0]], 3, gradient=[1.0, 1.0])
    with pytest.raises(ValueError, match=r"`inputs` must be of shape \(3, 1\)"):
        tanh_recurrence([[1.0]], 3, inputs=np.zeros((2, 1)))


def test_the_figure_shows_the_norms(tmp_path):
    results = {"contracting": linear_recurrence([[0.5]], 9), "zero": tanh_recurrence([[0.0]], 9)}
    figure = plot_recurrence(results, title="mine", save=tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 0
    states, gradients = figure.axes
    for axes, key in ((states, "norms"), (gradients, "gradient_norms")):
        assert axes.get_yscale() == "log" and axes.get_xlabel() and axes.get_ylabel()
        lines = [line for line in axes.get_lines() if not line.get_label().startswith("_")]
        assert [line.get_label().split(",")[0] for line in lines] == list(results)
        np.testing.assert_allclose(lines[0].get_ydata(), results["contracting"][key])
    assert np.isnan(lines[1].get_ydata()).sum() == 9  # no logarithm of 0
    assert len(plot_recurrence(results["zero"]).legends[0].get_texts()) == 1


@pytest.mark.parametrize("results", [{}, [], {"a": 3}, {"norms": [1.0]}, None])
def test_the_figure_needs_results(results):
    with pytest.raises(ValueError, match="result"):
        plot_recurrence(results)
