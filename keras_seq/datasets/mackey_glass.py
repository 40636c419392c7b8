"""The chaotic series of Mackey and Glass, to be forecast."""

import numpy as np

from keras_seq._checks import check_at_least
from keras_seq.datasets._generated import count_and_length, generator, to_forecast
from keras_seq.datasets.sequence_task import SequenceTask

PARTS = 4  # Integration steps in one unit of time.
SETTLING = 300  # Units of time until a trajectory lies on the attractor.
TRAJECTORIES = 4096
VARIANCES = {17: 0.0511, 30: 0.0787}  # Measured: see the docstring of `mackey_glass`.


def mackey_glass(
    count: int, length: int, seed: int = 0, horizon: int = 6, delay: int = 17
) -> SequenceTask:
    """Forecast a deterministic, chaotic series, `horizon` steps ahead.

        dx/dt = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x(t)

    one step for each unit of time, integrated in float64 by the Runge-Kutta method of fourth order
    with steps of 1/4 (the delayed value at half steps by Hermite's cubic), each trajectory from a
    random constant history. Rows are stretches of trajectories that do not overlap.

    Nothing is random on the attractor, so best = 0: what comes is a function of the last `delay`
    units. The chance, the variance of the series, has no formula; it is measured over 1000
    trajectories of 20,000 units: 0.0511 for a delay of 17 and 0.0787 for 30. What saying the last
    value again costs is measured on the rows themselves (`baselines`).

    Args:
        count: rows, int >= 1.
        length: steps given of each row, int >= delay + 1.
        seed: int >= 0, of `numpy.random.default_rng`.
        horizon: int >= 1. One step ahead, saying the last value again is already good.
        delay: 17 (mildly chaotic) or 30.

    Returns:
        A `SequenceTask` with numbers `(count, length, 1)` and targets `(count, 1)`.

    Raises:
        ValueError: for a number that is too small, or another delay.

    Example:

    >>> from keras_seq.datasets import mackey_glass
    >>> task = mackey_glass(100, length=50)
    >>> task.inputs.shape, bool(task.inputs.min() > 0), task.best
    ((100, 50, 1), True, 0.0)

    Reference: Mackey & Glass (1977), "Oscillation and chaos in physiological control systems",
    Science 197, 287-289.
    """
    if delay not in VARIANCES:
        raise ValueError(f"`delay` must be 17 or 30; received {delay!r}.")
    horizon = check_at_least("horizon", horizon, 1)
    why = f"the delay of {delay} and the present"
    count, length = count_and_length(count, length, delay + 1, why)
    span = length + horizon
    trajectories = min(count, TRAJECTORIES)
    stretches = -(-count // trajectories)
    series = _trajectories(generator(seed), trajectories, stretches * span, delay)
    rows = series.reshape(stretches, span, trajectories).transpose(0, 2, 1)
    inputs, targets = to_forecast(rows.reshape(-1, span)[:count], length)
    return SequenceTask(
        "mackey_glass",
        inputs,
        targets,
        "mse",
        chance=VARIANCES[delay],
        best=0.0,
        baselines={"the last value again": float(np.mean((targets - inputs[:, -1]) ** 2))},
    )


def _trajectories(rng, number, units, delay):
    """float64 `(units, number)`, after they have settled.

    The production p = 0.2 y / (1 + y^10) of the delayed value y is known for the whole step, and
    the rest, -0.1 x, is linear: the four stages of Runge-Kutta are then one weighted sum.
    """
    step, lag = 1 / PARTS, delay * PARTS
    decay, first, middle, last = _weights(0.1 * step, step)
    x = rng.uniform(0.4, 1.4, size=number)
    # A ring of the last values and slopes: x(t - delay) is overwritten with x(t) once it is used.
    values, slopes = np.tile(x, (lag, 1)), np.zeros((lag, number))
    produced = _production(x)
    series = np.empty((units, number))
    for place in range((SETTLING + units) * PARTS):
        if place >= SETTLING * PARTS and place % PARTS == 0:
            series[place // PARTS - SETTLING] = x
        now, after = place % lag, (place + 1) % lag
        old, old_slope = values[now], slopes[now]
        # With a lag of one step, `after` would be x itself: the delay is far longer.
        half = (old + values[after]) / 2 + step / 8 * (old_slope - slopes[after])
        produced_after = _production(values[after])
        following = decay * x + first * produced + middle * _production(half)
        following += last * produced_after
        values[now], slopes[now] = x, produced - 0.1 * x
        x, produced = following, produced_after
    return series


def _weights(z, step):
    """What x and the productions at the start, the middle and the end of a step weigh in it."""
    decay = 1 - z + z**2 / 2 - z**3 / 6 + z**4 / 24
    first = step / 6 * (1 - z + z**2 / 2 - z**3 / 4)
    middle = step / 6 * (4 - 2 * z + z**2 / 2)
    return decay, first, middle, step / 6


def _production(y):
    square = y * y
    fourth = square * square
    return 0.2 * y / (1 + fourth * fourth * square)
