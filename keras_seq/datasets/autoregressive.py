"""An autoregressive process, to be forecast."""

from collections.abc import Sequence

import numpy as np

from keras_seq._checks import check_at_least, check_number
from keras_seq.datasets._generated import count_and_length, generator, to_forecast
from keras_seq.datasets.sequence_task import SequenceTask


def autoregressive(
    count: int,
    length: int,
    seed: int = 0,
    horizon: int = 1,
    coefficients: Sequence[float] = (1.6, -0.8),
    noise: float = 1.0,
) -> SequenceTask:
    """Forecast a stationary AR(p) process, `horizon` steps ahead.

        x_t = c_1 x_(t-1) + ... + c_p x_(t-p) + e_t        e_t ~ N(0, noise^2), independent

    Every row begins in the stationary distribution. Let g_k = E[x_t x_(t-k)], which solve the
    Yule-Walker equations g_k = c_1 g_|k-1| + ... + c_p g_|k-p| + noise^2 [k = 0], and let w_j be
    the weight of e_(t-j) in x_t: w_0 = 1, w_j = c_1 w_(j-1) + ... + c_p w_(j-p). Then

        chance = g_0                                  the best constant answer, 0
        best = noise^2 (w_0^2 + ... + w_(h-1)^2)      h = horizon; noise^2 one step ahead

    and the best answer that sees the last value alone scores g_0 - g_h^2 / g_0 (`baselines`).

    Args:
        count: rows, int >= 1.
        length: steps given of each row, int >= p and >= 2, so that the best can be reached.
        seed: int >= 0, of `numpy.random.default_rng`.
        horizon: int >= 1.
        coefficients: c_1 ... c_p, floats, not all 0, of a stable process: the eigenvalues of the
            companion matrix lie inside the unit circle.
        noise: float > 0, the standard deviation of e.

    Returns:
        A `SequenceTask` with numbers `(count, length, 1)` and targets `(count, 1)`.

    Raises:
        ValueError: for a number that is too small, or a process that is not stable.

    Example:

    >>> from keras_seq.datasets import autoregressive
    >>> task = autoregressive(1000, length=50, coefficients=[0.5], noise=1.0)
    >>> task.best, round(task.chance, 6)  # 1 / (1 - 0.5^2)
    (1.0, 1.333333)

    Reference: Box & Jenkins (1970), "Time series analysis", chapter 3.
    """
    weights, horizon = _stable(coefficients), check_at_least("horizon", horizon, 1)
    noise = check_number("noise", noise, 0.0, above=True)
    order = len(weights)
    count, length = count_and_length(count, length, max(order, 2), f"an AR({order}) process")
    covariances = noise**2 * _covariances(weights, horizon)
    series = _series(generator(seed), count, length + horizon, weights, noise, covariances)
    inputs, targets = to_forecast(series, length)
    variance, ahead = covariances[0], covariances[horizon]
    return SequenceTask(
        "autoregressive",
        inputs,
        targets,
        "mse",
        chance=variance,
        best=noise**2 * np.sum(_responses(weights, horizon) ** 2),
        baselines={"the last value alone": float(variance - ahead**2 / variance)},
    )


def _stable(coefficients):
    """The coefficients as float64 `(p,)`; ValueError unless they make a stable process."""
    try:
        values = np.asarray(coefficients, "float64")
    except (TypeError, ValueError):
        values = np.zeros(1)
    if values.ndim != 1 or not np.isfinite(values).all() or not values.any():
        raise ValueError(
            f"`coefficients` must be finite numbers (p,), not all 0; received {coefficients!r}."
        )
    companion = np.eye(len(values), k=-1)
    companion[0] = values
    radius = np.abs(np.linalg.eigvals(companion)).max()
    if radius >= 1 - 1e-9:
        raise ValueError(
            f"`coefficients` must be of a stable process, with a spectral radius below 1; "
            f"{coefficients!r} have {radius:.6g}."
        )
    return values


def _covariances(weights, last):
    """g_0 ... g_last (and at least to g_p) for noise of variance 1, float64."""
    order = len(weights)
    equations = np.eye(order + 1)
    for row in range(order + 1):
        for lag, weight in enumerate(weights, start=1):
            equations[row, abs(row - lag)] -= weight
    covariances = list(np.linalg.solve(equations, np.eye(order + 1)[0]))
    while len(covariances) <= last:
        covariances.append(weights @ covariances[: -order - 1 : -1])
    return np.array(covariances)


def _responses(weights, number):
    """w_0 ... w_(number-1): what is left of an impulse after so many steps."""
    responses = np.zeros(number + len(weights))
    responses[len(weights)] = 1.0
    for step in range(len(weights) + 1, len(responses)):
        responses[step] = weights @ responses[step - len(weights) : step][::-1]
    return responses[len(weights) :]


def _series(rng, rows, steps, weights, noise, covariances):
    """float64 `(rows, steps)`."""
    order = len(weights)
    steps = max(steps, order)
    drawn = rng.standard_normal((steps, rows))
    lags = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    series = noise * drawn
    series[:order] = np.linalg.cholesky(covariances[lags]) @ drawn[:order]
    for step in range(order, steps):
        for lag, weight in enumerate(weights, start=1):
            series[step] += weight * series[step - lag]
    return series.T
