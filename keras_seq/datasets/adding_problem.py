"""The adding problem: the sum of two marked numbers among many."""

import numpy as np

from keras_seq.datasets._generated import count_and_length, generator
from keras_seq.datasets.sequence_task import SequenceTask


def adding_problem(count: int, length: int, seed: int = 0) -> SequenceTask:
    """Add the two numbers that are marked.

    Each step has two features: a number u_t, uniform in [0, 1), and a marker, which is 1 at two
    steps and 0 elsewhere. The first marked step a is drawn uniformly from the first half of the
    row (its first `length // 2` steps), the second one b from the rest. The target is u_a + u_b.

    A uniform number has variance 1/12. The best constant answer is the mean, 1, and errs by the
    variance of the sum; whoever has kept one of the two numbers adds 1/2 to it:

        chance = 1/12 + 1/12 = 1/6        best = 0        one of the two kept: 1/12

    Args:
        count: rows, int >= 1.
        length: steps of each row, int >= 2. Between a marked step and the end lie 0 to
            `length - 1` steps, and the first one is at least `length - length // 2` from the end.
        seed: int >= 0, of `numpy.random.default_rng`.

    Returns:
        A `SequenceTask` with numbers `(count, length, 2)` and targets `(count, 1)`.

    Raises:
        ValueError: for a number that is too small; the message says the smallest.

    Example:

    >>> from keras_seq.datasets import adding_problem
    >>> task = adding_problem(1000, length=100)
    >>> values, markers = task.inputs[0].T
    >>> float(markers.sum()), bool(abs(values @ markers - task.targets[0, 0]) < 1e-6)
    (2.0, True)

    References: Hochreiter & Schmidhuber (1997), "Long short-term memory", section 5.4; as here, one
    mark in each half, Arjovsky, Shah & Bengio (2016), arXiv:1511.06464; Le, Jaitly & Hinton (2015),
    "A simple way to initialize recurrent networks of rectified linear units", arXiv:1504.00941.
    """
    count, length = count_and_length(count, length, 2, "one step for each marked number")
    rng = generator(seed)
    rows = np.arange(count)
    half = length // 2
    marked = rng.integers(half, size=count), rng.integers(half, length, size=count)
    inputs = np.zeros((count, length, 2), "float32")
    inputs[..., 0] = rng.random((count, length), dtype="float32")
    targets = np.zeros((count, 1), "float32")
    for place in marked:
        inputs[rows, place, 1] = 1.0
        targets[:, 0] += inputs[rows, place, 0]
    return SequenceTask(
        "adding_problem",
        inputs,
        targets,
        "mse",
        chance=1 / 6,
        best=0.0,
        baselines={"one of the two numbers kept": 1 / 12},
    )
