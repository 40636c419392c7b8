"""The mean of the steps."""

import keras
from keras import ops

from keras_seq.layers.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class MeanPooling(Pooling):
    r"""The mean of the outputs of all valid steps.

        p = 1/T sum_t h_t

    `keras.layers.GlobalAveragePooling1D` is the same, but for a row without any valid step, which
    gives NaN there and 0 here. In half precision the sum is taken in float32. Masking, call
    arguments and results are those of `Pooling`.

    Args:
        **kwargs: the arguments of `keras.layers.Layer`.

    Example:

    >>> import numpy as np
    >>> steps = np.array([[[1.0], [2.0], [9.0]]])
    >>> pooled = MeanPooling()(steps, mask=np.array([[True, True, False]]))
    >>> keras.ops.convert_to_numpy(pooled).tolist()
    [[1.5]]
    """

    def pool(self, inputs, mask):
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        valid = ops.where(mask[:, :, None], ops.cast(inputs, dtype), ops.zeros((), dtype))
        count = ops.sum(ops.cast(mask, dtype), axis=1, keepdims=True)
        return ops.cast(ops.sum(valid, axis=1) / ops.maximum(count, 1), inputs.dtype)
