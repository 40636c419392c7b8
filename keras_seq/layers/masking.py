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
    check_steps("mask", mask, x, spread=True)
    return ops.where(mask[..., None], x, ops.zeros_like(x))


def check_steps(name, tensor, x, spread=False):
    """Raise a `ValueError` unless `tensor` is `(batch, time)`, as far as the sizes are known.

    Args:
        name: what it is called in the message.
        tensor: a tensor or an array.
        x: `(batch, time, size)`.
        spread: whether a size of 1 stands for any.
    """
    received, expected = tuple(tensor.shape), tuple(x.shape)[:2]
    sizes = zip(received, expected, strict=False)
    known = [pair for pair in sizes if None not in pair and not (spread and pair[0] == 1)]
    if len(received) != 2 or any(size != right for size, right in known):
        raise ValueError(
            f"`{name}` must be (batch, time), here {expected}; received the shape {received}."
        )
