"""Find the unit whose value goes with a number that is known of each step."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_seq.analysis.activations import Activations


class UnitMatch(NamedTuple):
    """A unit, and the correlation of its value with a number that is known of each step."""

    unit: int
    correlation: float


def best_unit(
    activations: Any, feature: ArrayLike, state: str = "h", unit: int | None = None
) -> UnitMatch:
    r"""The unit whose value goes best with a feature of the steps.

        r_u = corr(h_(1...T, u), feature_(1...T))        the answer is arg max_u |r_u|

    The best of many units looks good on the text that it is chosen on, whatever the feature:
    choose it on one text, and look at its correlation on another one, with `unit`.

    Args:
        activations: one `Activations` of what `unit_activations` or `gate_activations` returned.
        feature: a number for each step, such as the place of a letter in its word.
        state: the name of the values, such as `"h"`, `"c"` or a gate.
        unit: the number of a unit to measure, from 0; `None` to choose the best one.

    Returns:
        A named tuple `(unit, correlation)`; a unit or a feature that never changes correlates
        with 0.

    Raises:
        ValueError: for an unknown state or unit, and another number of values than steps.

    Example:

    >>> found = Activations("rnn", None, {"h": np.array([[0, 3], [0, 1], [1, 2.0]])})
    >>> best_unit(found, [3, 1, 2])
    UnitMatch(unit=1, correlation=1.0)

    References:
        - Karpathy, Johnson & Fei-Fei, 2015, "Visualizing and understanding recurrent networks",
          arXiv:1506.02078.
    """
    if not isinstance(activations, Activations) or state not in activations.values:
        raise ValueError(
            f"`activations` must be one layer of `unit_activations` with the state {state!r}; "
            f"received {activations!r}."
        )
    values = np.asarray(activations.values[state], "float64")
    feature = np.asarray(feature, "float64")
    if feature.shape != values.shape[:1]:
        raise ValueError(
            f"`feature` must be a number for each of {len(values)} steps; received the shape "
            f"{feature.shape}."
        )
    if unit is not None and not 0 <= unit < values.shape[1]:
        raise ValueError(f"`unit` must be from 0 to {values.shape[1] - 1}; received {unit}.")
    values, feature = values - values.mean(axis=0), feature - feature.mean()
    scale = np.linalg.norm(values, axis=0) * np.linalg.norm(feature)
    correlations = np.where(scale > 0, feature @ values / np.where(scale > 0, scale, 1), 0.0)
    chosen = int(np.abs(correlations).argmax()) if unit is None else int(unit)
    return UnitMatch(chosen, round(float(correlations[chosen]), 12))
