"""The largest value of each feature."""

import keras
from keras import ops

from keras_seq.layers.pooling import Pooling


@keras.saving.register_keras_serializable(package="keras_seq")
class MaxPooling(Pooling):
    r"""The largest value of each feature over all valid steps.

        p_i = max_t h_ti

    `keras.layers.GlobalMaxPooling1D` knows no mask. Masking, call arguments and results are those
    of `Pooling`.

    Args:
        **kwargs: the arguments of `keras.layers.Layer`.

    Example:

    >>> import numpy as np
    >>> steps = np.array([[[1.0, -3.0], [2.0, -4.0], [9.0, 9.0]]])
    >>> pooled = MaxPooling()(steps, mask=np.array([[True, True, False]]))
    >>> keras.ops.convert_to_numpy(pooled).tolist()
    [[2.0, -3.0]]

    References:
        - Conneau et al., 2017, "Supervised learning of universal sentence representations from
          natural language inference data", arXiv:1705.02364 (a BiLSTM with max pooling).
    """

    def pool(self, inputs, mask):
        # Finite, not -inf: the gradient of a row without any value must not be NaN.
        half = keras.backend.standardize_dtype(inputs.dtype) == "float16"
        least = ops.cast(-65504.0 if half else -3e38, inputs.dtype)
        largest = ops.max(ops.where(mask[:, :, None], inputs, least), axis=1)
        return ops.where(ops.any(mask, axis=1)[:, None], largest, ops.zeros_like(largest))
