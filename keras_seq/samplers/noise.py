"""Random numbers that are a function of where they are used, the same on every backend.

`keras.random` draws other numbers on each backend, and a generator with a state would draw others
for another batch size. Here a number is the hash of a key: whoever asks with the same key gets the
same number. All arithmetic is int32 with wrap-around, which every backend has (uint32 it has not).
"""

from keras import ops


def signed(number):
    """Return the int32 with the bits of a number modulo 2 ** 32.

    >>> signed(2**32 - 1), signed(5)
    (-1, 5)
    """
    return (number + 2**31) % 2**32 - 2**31


# The rounds and multipliers of Wellons' `lowbias32` (2018), found by search to have least bias.
FIRST, SECOND = signed(0x7FEB352D), signed(0x846CA68B)
GOLDEN = signed(0x9E3779B9)  # so that 0 is not its own hash


def mix(x):
    """Hash int32 tensors to int32 tensors, one to one.

    >>> ops.convert_to_numpy(mix(ops.convert_to_tensor([0, 1], "int32"))).tolist()
    [33350994, -1622125004]
    """
    x = x + GOLDEN
    x = (x ^ _shifted(x, 16)) * FIRST
    x = (x ^ _shifted(x, 15)) * SECOND
    return x ^ _shifted(x, 16)


def uniform(seed, row_ids, position, size):
    """Return numbers in (0, 1), one for each `(seed, row id, position, token id)`.

    Args:
        seed: an int32 scalar.
        row_ids: int32 `(batch,)`.
        position: an int32 scalar.
        size: the number of token ids, a Python integer.

    Returns:
        float32 `(batch, size)`: the odd multiples of 2 ** -24, equally likely.
    """
    keys = mix(mix(mix(seed) ^ row_ids) ^ position)  # (B,)
    bits = mix(keys[:, None] ^ mix(ops.arange(size, dtype="int32")))  # (B, V)
    return (ops.cast(_shifted(bits, 9), "float32") + 0.5) * 2.0**-23


def gumbel(seed, row_ids, position, size):
    """Return standard Gumbel numbers; the arguments are those of `uniform`."""
    return -ops.log(-ops.log(uniform(seed, row_ids, position, size)))


def _shifted(x, bits):
    """Shift right, filling with zeros: `>>` of a negative number fills with ones."""
    return ops.right_shift(x, bits) & (2 ** (32 - bits) - 1)
