"""Position encoding by rotation."""

import keras
import numpy as np
from keras import ops

from keras_seq.identifiers import as_number
from keras_seq.layers.position_encoding import PositionEncoding


@keras.saving.register_keras_serializable(package="keras_seq")
class RotaryPositions(PositionEncoding):
    r"""Queries and keys are turned by angles that grow with the position.

        theta_i          = base^(-2i / d),     i = 0, ..., d/2 - 1,  d the size of a head
        [a_i; b_i]      <- [a_i cos(t theta_i) - b_i sin(t theta_i);
                            a_i sin(t theta_i) + b_i cos(t theta_i)]

    where a is the first half of a query or key, b the second. A score then depends on the positions
    by their distance alone: turn(q, t) . turn(k, s) = turn(q, t - s) . k. There are no weights, and
    the inputs stay as they are.

    Args:
        base: the longest wave has a length of nearly 2 pi base steps.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for a `base` that is no number above 1, and for heads of an odd size.

    Example:

    >>> import numpy as np
    >>> q, k = np.ones((2, 1, 1, 1, 4), "float32")
    >>> turn = RotaryPositions().turn
    >>> def score(t, s):
    ...     return float(ops.sum(turn(q, np.array([[t]])) * turn(k, np.array([[s]]))))
    >>> abs(score(7, 5) - score(2, 0)) < 1e-5, abs(score(7, 5) - score(7, 0)) < 1e-5
    (True, False)

    References:
        - Su et al., 2021, "RoFormer: enhanced transformer with rotary position embedding",
          arXiv:2104.09864, section 3.2.
    """

    def __init__(self, base=10000.0, **kwargs):
        super().__init__(**kwargs)
        self.base = as_number(base)
        if self.base is None or not self.base > 1:
            raise ValueError(f"`base` must be a number above 1; received {base!r}.")

    def check_head_size(self, size):
        if size % 2:
            raise ValueError(
                "Rotary positions turn pairs of numbers: the size of a head must be even; "
                f"received {size}."
            )

    def turn(self, x, positions):
        size = x.shape[-1]
        self.check_head_size(size)
        rates = float(self.base) ** (-np.arange(0, size, 2) / size)
        rates = ops.convert_to_tensor(rates, dtype="float32")
        angles = ops.cast(positions, "float32")[:, None, :, None] * rates
        cos, sin = ops.cast(ops.cos(angles), x.dtype), ops.cast(ops.sin(angles), x.dtype)
        a, b = ops.split(x, 2, axis=-1)  # (B, H, T, size / 2) each
        return ops.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def get_config(self):
        return {**super().get_config(), "base": self.base}
