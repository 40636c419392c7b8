"""A sine with noise, to be forecast."""

import numpy as np

from keras_seq._checks import check_at_least, check_number
from keras_seq.datasets._generated import count_and_length, generator, to_forecast
from keras_seq.datasets.sequence_task import SequenceTask


def noisy_sine(
    count: int,
    length: int,
    seed: int = 0,
    horizon: int = 1,
    noise: float = 0.1,
    period: tuple[float, float] = (10.0, 40.0),
    amplitude: tuple[float, float] = (0.5, 1.5),
) -> SequenceTask:
    """Forecast a sine wave with noise, `horizon` steps ahead.

    Each row has an amplitude A, a period P and a phase f of its own, uniform in their ranges:

        x_t = A sin(2 pi t / P + f) + e_t        e_t ~ N(0, noise^2), independent

    The target is x at step `length - 1 + horizon` (t from 0). Its noise cannot be foreseen, and the
    best constant answer is 0, the mean over the phases; with A uniform in [a, b] they err by

        best = noise^2        chance = E[A^2] / 2 + noise^2,   E[A^2] = (a^2 + a b + b^2) / 3

    The best is for whoever knows A, P and f; a row tells them the better the longer it is. Saying
    the last value again errs by E[A^2] (1 - E[cos(2 pi horizon / P)]) + 2 noise^2 (`baselines`).

    Args:
        count: rows, int >= 1.
        length: steps given of each row, int >= 2.
        seed: int >= 0, of `numpy.random.default_rng`.
        horizon: int >= 1.
        noise: float >= 0, the standard deviation.
        period: `(shortest, longest)` in steps, floats > 2.
        amplitude: `(smallest, largest)`, floats >= 0, the largest > 0.

    Returns:
        A `SequenceTask` with numbers `(count, length, 1)` and targets `(count, 1)`.

    Raises:
        ValueError: for a number that is too small, or a range that is none.

    Example:

    >>> from keras_seq.datasets import noisy_sine
    >>> task = noisy_sine(1000, length=50, noise=0.1, amplitude=(1.0, 1.0))
    >>> task.inputs.shape, task.targets.shape, round(task.best, 6), round(task.chance, 6)
    ((1000, 50, 1), (1000, 1), 0.01, 0.51)
    """
    count, length = count_and_length(count, length, 2, "one step tells no wave")
    horizon, noise = check_at_least("horizon", horizon, 1), check_number("noise", noise, 0.0)
    period = _range(period, "period", 2.0, above=True)
    amplitude = _range(amplitude, "amplitude", 0.0)
    if amplitude[1] == 0:
        raise ValueError("The largest `amplitude` must be above 0; received 0.")
    rng = generator(seed)
    size = rng.uniform(*amplitude, size=(count, 1))
    pace = 2 * np.pi / rng.uniform(*period, size=(count, 1))
    phase = rng.uniform(0, 2 * np.pi, size=(count, 1))
    steps = np.r_[:length, length - 1 + horizon]
    series = size * np.sin(pace * steps + phase)
    series += noise * rng.standard_normal(series.shape)
    inputs, targets = to_forecast(series, length)
    power = (amplitude[0] ** 2 + amplitude[0] * amplitude[1] + amplitude[1] ** 2) / 3
    last = power * (1 - _mean_cosine(horizon, period)) + 2 * noise**2
    return SequenceTask(
        "noisy_sine",
        inputs,
        targets,
        "mse",
        chance=power / 2 + noise**2,
        best=noise**2,
        baselines={"the last value again": last},
    )


def _range(values, name, least, above=False):
    try:
        low, high = values
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be two numbers (low, high); received {values!r}."
        ) from None
    low, high = check_number(name, low, least, above), check_number(name, high, least, above)
    if low > high:
        raise ValueError(f"`{name}` must be (low, high); received {values!r}.")
    return low, high


def _mean_cosine(horizon, period):
    """The mean of cos(2 pi horizon / P) for P uniform in `period`: a midpoint rule."""
    points = (np.arange(100_000) + 0.5) / 100_000
    periods = period[0] + (period[1] - period[0]) * points
    return float(np.cos(2 * np.pi * horizon / periods).mean())
