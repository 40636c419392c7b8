"""Position encoding by waves of many lengths."""

import keras
import numpy as np
from keras import ops

from keras_seq.layers.position_encoding import PositionEncoding


@keras.saving.register_keras_serializable(package="keras_seq")
class SinusoidalPositions(PositionEncoding):
    r"""Sines and cosines of the position, added to the inputs.

        p_(t, 2i)     = sin(t / 10000^(2i / size))
        p_(t, 2i + 1) = cos(t / 10000^(2i / size))
        x_t          <- x_t + p_t

    There are no weights. Every position has a code, but those beyond the longest sequence of the
    training are new to the layers above. Call arguments, mask and result are those of
    `PositionEncoding`.

    Example:

    >>> import numpy as np
    >>> x = SinusoidalPositions()(np.zeros((1, 3, 4), "float32"))
    >>> bool(np.allclose(keras.ops.convert_to_numpy(x)[0, :, 0], np.sin([0, 1, 2])))
    True

    References:
        - Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762, section 3.5.
    """

    def add_to_inputs(self, inputs, positions):
        channels = np.arange(inputs.shape[-1])
        rates = 10000.0 ** (-(channels // 2 * 2) / len(channels))
        # A cosine is a sine that is a quarter of a wave ahead.
        ahead = np.where(channels % 2, np.pi / 2, 0.0)
        rates, ahead = (ops.convert_to_tensor(x, dtype="float32") for x in (rates, ahead))
        angles = ops.cast(positions, "float32")[..., None] * rates + ahead
        return inputs + ops.cast(ops.sin(angles), inputs.dtype)
