"""The chance level and the best score of the numeric series are what they say."""

import importlib

import numpy as np
import pytest

from keras_seq.datasets import autoregressive, mackey_glass, noisy_sine

ROWS = 20_000


def close(errors, expected):
    """Assert that the mean of independent squared errors is as expected, within five errors."""
    errors = np.asarray(errors, "float64").ravel() ** 2
    assert abs(errors.mean() - expected) <= 5 * errors.std() / np.sqrt(len(errors)) + 1e-10


@pytest.mark.parametrize("make", [noisy_sine, autoregressive, mackey_glass])
@pytest.mark.parametrize("horizon", [1, 5])
def test_the_best_constant_scores_chance(make, horizon):
    task = make(ROWS // 4, 20, horizon=horizon)
    mean = task.targets.mean() if make is mackey_glass else 0.0
    close(task.targets - mean, task.chance)
    assert task.inputs.shape == (ROWS // 4, 20, 1) and task.targets.shape == (ROWS // 4, 1)
    assert (task.metric, task.vocabulary, task.classes) == ("mse", None, None)


@pytest.mark.parametrize("make", [autoregressive, mackey_glass])
@pytest.mark.parametrize("horizon", [2, 6])
def test_the_horizon_is_that_many_steps_after_the_last(make, horizon):
    """One row given whole, and the same row cut shorter with a longer horizon."""
    whole, cut = make(1, 30, horizon=1), make(1, 31 - horizon, horizon=horizon)
    np.testing.assert_array_equal(cut.inputs, whole.inputs[:, : 31 - horizon])
    np.testing.assert_array_equal(cut.targets, whole.targets)


@pytest.mark.parametrize("horizon", [1, 7])
def test_a_fit_of_the_wave_scores_as_least_squares_must(horizon):
    """With a known period the row is linear in two numbers; with many steps they are known."""
    noise, length, period = 0.3, 300, 17.0
    task = noisy_sine(2000, length, horizon=horizon, noise=noise, period=(period, period))
    angles = 2 * np.pi / period * np.r_[:length, length - 1 + horizon]
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    found = np.linalg.lstsq(waves[:-1], task.inputs[..., 0].T, rcond=None)[0]
    leverage = waves[-1] @ np.linalg.inv(waves[:-1].T @ waves[:-1]) @ waves[-1]
    assert task.best == noise**2 and leverage < 0.01
    close(task.targets[:, 0] - waves[-1] @ found, task.best * (1 + leverage))


def test_a_sine_without_noise_can_be_foretold():
    task = noisy_sine(100, 10, noise=0.0, period=(12.0, 12.0), amplitude=(2.0, 3.0))
    x = task.inputs[..., 0].astype("float64")
    following = 2 * np.cos(2 * np.pi / 12) * x[:, -1] - x[:, -2]
    np.testing.assert_allclose(task.targets[:, 0], following, atol=1e-5)
    assert task.best == 0.0 and np.abs(x).max() <= 3.0


@pytest.mark.parametrize("horizon", [1, 4])
def test_the_last_value_of_a_sine_scores_as_derived(horizon):
    task = noisy_sine(ROWS, 3, horizon=horizon, period=(5.0, 60.0), amplitude=(0.0, 2.0))
    close(task.targets - task.inputs[:, -1], task.baselines["the last value again"])


@pytest.mark.parametrize("coefficients", [[0.9], [1.6, -0.8], [0.2, 0.0, -0.3, 0.5]])
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_conditional_mean_scores_best(coefficients, horizon):
    order = len(coefficients)
    options = {"coefficients": coefficients, "noise": 0.5, "horizon": horizon}
    task = autoregressive(ROWS, order + 3, **options)
    known = list(task.inputs[..., 0].T.astype("float64"))
    for _ in range(horizon):
        known.append(sum(c * x for c, x in zip(coefficients, known[::-1], strict=False)))
    close(task.targets[:, 0] - known[-1], task.best)
    last = task.inputs[:, -1, 0].astype("float64")
    slope = (last @ task.targets[:, 0]) / (last @ last)
    close(task.targets[:, 0] - slope * last, task.baselines["the last value alone"])


def test_the_process_is_stationary_from_its_first_step():
    task = autoregressive(ROWS, 12, coefficients=[0.5, 0.4])
    for step in (0, 1, 2, 11):
        close(task.inputs[:, step], task.chance)


def test_the_variance_of_known_processes():
    assert autoregressive(1, 2, coefficients=[0.8], noise=3.0).chance == pytest.approx(25.0)
    a, b = 0.5, -0.3  # Box & Jenkins's formula of AR(2)
    expected = (1 - b) / ((1 + b) * (1 - a - b) * (1 + a - b))
    assert autoregressive(1, 2, coefficients=[a, b]).chance == pytest.approx(expected)
    assert autoregressive(1, 2, horizon=3, coefficients=[0.5]).best == pytest.approx(
        1 + 1 / 4 + 1 / 16
    )


@pytest.mark.parametrize("delay", [17, 30])
def test_what_comes_follows_from_the_delayed_past(delay):
    """Another integrator (Heun's, with fine steps) goes on from an interpolated row."""
    task = mackey_glass(40, 2 * delay + 10, horizon=6, delay=delay)
    parts = 100
    values = list(_finer(task.inputs[:, -delay - 3 :, 0].T, parts)[2 * parts :])
    assert len(values) == delay * parts + 1
    slope = lambda x, old: 0.2 * old / (1 + old**10) - 0.1 * x  # noqa: E731
    for _ in range(6 * parts):
        now, old, after = values[-1], values[-1 - delay * parts], values[-delay * parts]
        guess = now + slope(now, old) / parts
        values.append(now + (slope(now, old) + slope(guess, after)) / (2 * parts))
    assert np.mean((task.targets[:, 0] - values[-1]) ** 2) < 1e-9 * task.chance
    assert task.baselines["the last value again"] > 0.1 * task.chance


def _finer(series, parts):
    """Steps `(steps, rows)` with `parts` for each one, by polynomials through six neighbours."""
    times = np.arange((len(series) - 1) * parts + 1) / parts
    first = np.clip(times.astype(int) - 2, 0, len(series) - 6)
    powers = np.arange(6)
    inverse = np.linalg.inv(np.vander(powers.astype(float), increasing=True))
    weights = ((times - first)[:, None] ** powers) @ inverse  # (times, 6)
    return np.einsum("tk,tkr->tr", weights, series.astype("float64")[first[:, None] + powers])


def test_rows_of_a_long_draw_do_not_overlap(monkeypatch):
    module = importlib.import_module("keras_seq.datasets.mackey_glass")
    monkeypatch.setattr(module, "TRAJECTORIES", 3)
    task = mackey_glass(8, 18, horizon=2)
    series = np.concatenate([task.inputs[..., 0], task.targets], axis=1)
    assert len(np.unique(series)) > 0.95 * series.size
    # The next stretch of a trajectory goes on one step after the end of the last one.
    jumps = np.abs(task.inputs[3:6, 0, 0] - task.targets[:3, 0])
    assert (jumps < 0.15).all()


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: noisy_sine(5, 9, noise=-0.1), "`noise` must be a finite number of at least 0"),
        (lambda: noisy_sine(5, 9, noise=float("nan")), "noise"),
        (lambda: noisy_sine(5, 9, horizon=0), "`horizon` must be an integer of at least 1"),
        (lambda: noisy_sine(5, 9, period=(2.0, 5.0)), "`period` must be a finite number above 2"),
        (lambda: noisy_sine(5, 9, period=(9.0, 5.0)), "low, high"),
        (lambda: noisy_sine(5, 9, period=5.0), "two numbers"),
        (lambda: noisy_sine(5, 9, amplitude=(-1.0, 1.0)), "`amplitude` must be"),
        (lambda: noisy_sine(5, 9, amplitude=(0.0, 0.0)), "must be above 0"),
        (lambda: autoregressive(5, 9, coefficients=[1.0]), "spectral radius below 1"),
        (lambda: autoregressive(5, 9, coefficients=[0.5, 0.6]), "spectral radius below 1"),
        (lambda: autoregressive(5, 9, coefficients=[]), "coefficients"),
        (lambda: autoregressive(5, 9, coefficients=[0.0]), "coefficients"),
        (lambda: autoregressive(5, 9, coefficients=[np.inf]), "coefficients"),
        (lambda: autoregressive(5, 9, coefficients="ab"), "coefficients"),
        (lambda: autoregressive(5, 9, noise=0.0), "`noise` must be a finite number above 0"),
        (lambda: autoregressive(5, 2, coefficients=[0.1, 0.1, 0.1]), "`length` .* at least 3"),
        (lambda: mackey_glass(5, 30, delay=30), "`length` .* at least 31"),
        (lambda: mackey_glass(5, 30, delay=20), "17 or 30"),
        (lambda: mackey_glass(5, 30, horizon=0), "`horizon` must be an integer of at least 1"),
    ],
)
def test_bad_input_is_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
