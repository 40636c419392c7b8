"""Masked means ignored: what stands at a masked step goes nowhere."""

from keras import ops


def without_masked(x, mask):
    """`x` with 0 at the masked steps, and no gradient there.

    It stands at the mouth of every layer that takes a mask. A weight of 0 is not enough: 0 times
    NaN is NaN, and so is the gradient of whatever a NaN went through.

    Args:
        x: `(batch, time, size)`.
        mask: boolean `(batch, time)`, `False` where masked; `None` masks nothing.
    """
    return x if mask is None else ops.where(mask[..., None], x, ops.zeros_like(x))
