"""Masked means ignored: what stands at a masked step goes nowhere."""

from keras import ops


def without_masked(x, mask):
    """`x` with 0 at the masked steps, and no gradient there.

    It stands at the mouth of every layer that takes a mask. A weight of 0 is not enough: 0 times
    NaN is NaN, and so is the gradient of whatever a NaN went through.

    Args:
        x: `(batch, time, size)`.
        mask: boolean `(batch, time)`, `False` where masked; `None` masks nothing.

    Raises:
        ValueError: for a mask of another shape.
    """
    if mask is None:
        return x
    found, expected = tuple(mask.shape), tuple(x.shape)[:2]
    sizes = zip(found, expected, strict=False)
    if len(found) != 2 or any(None not in pair and pair[0] not in (1, pair[1]) for pair in sizes):
        raise ValueError(
            f"`mask` must be (batch, time), here {expected}; received the shape {found}."
        )
    return ops.where(mask[..., None], x, ops.zeros_like(x))
