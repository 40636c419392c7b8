"""The last output that each direction has."""

import keras
from keras import ops

from keras_seq.layers.pooling import Pooling
from keras_seq.layers.recurrent_layer import last_steps


@keras.saving.register_keras_serializable(package="keras_seq")
class LastPooling(Pooling):
    r"""The output of the last valid step, of each direction the last one that it reads.

        p = h_T                                       one direction, T the last valid step
        p = [h_T; g_1]                                `bidirectional`, 1 the first valid step

    After its last step a direction has read everything; the backward one is there at the first
    token. Masking, call arguments and results are those of `Pooling`.

    Args:
        bidirectional: whether the second half of the inputs was read from the right, as in an
            `RNNStack` or `Bidirectional`.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for `bidirectional` inputs of an odd size.

    Example:

    >>> import numpy as np
    >>> steps = np.array([[[1.0, 5.0], [2.0, 6.0], [9.0, 9.0]]])
    >>> pooled = LastPooling(bidirectional=True)(steps, mask=np.array([[True, True, False]]))
    >>> keras.ops.convert_to_numpy(pooled).tolist()
    [[2.0, 5.0]]

    References:
        - Schuster & Paliwal, 1997, "Bidirectional recurrent neural networks", IEEE Transactions
          on Signal Processing 45(11).
    """

    def __init__(self, bidirectional=False, **kwargs):
        super().__init__(**kwargs)
        self.bidirectional = bidirectional

    def build(self, inputs_shape):
        if self.bidirectional and inputs_shape[-1] % 2:
            raise ValueError(
                "Both directions must be of the same size; received inputs of the odd size "
                f"{inputs_shape[-1]} with bidirectional=True."
            )

    def pool(self, inputs, mask):
        half = inputs.shape[-1] // 2 if self.bidirectional else None
        pooled = last_steps(inputs, mask, half)
        return ops.where(ops.any(mask, axis=1)[:, None], pooled, ops.zeros_like(pooled))

    def get_config(self):
        return {**super().get_config(), "bidirectional": self.bidirectional}
