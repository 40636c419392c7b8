"""No encoder at all: the vectors as they are."""

import keras

from keras_seq._typing import Config, Mask, Options, Shape, Tensor, Unpack
from keras_seq.layers.masking import without_masked
from keras_seq.layers.recurrent_layer import as_mask


@keras.saving.register_keras_serializable(package="keras_seq")
class IdentityEncoder(keras.layers.Layer):
    r"""Hands the vectors of the steps on, so that a model reads them without their order.

        y_t = x_t

    It stands where a model has an encoder, such as `models.TextClassifier(encoder=...)`: with a
    pooling behind it the text is a bag of embeddings. What recurrent layers add is the difference
    to it. A masked step gives zeros.

    Args:
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed.
        training: ignored.

    Returns:
        `(batch, time, features)`, in the compute dtype.

    Example:

    >>> import numpy as np
    >>> steps = np.array([[[1.0], [2.0], [9.0]]])
    >>> found = IdentityEncoder()(steps, mask=np.array([[True, True, False]]))
    >>> keras.ops.convert_to_numpy(found).ravel().tolist()
    [1.0, 2.0, 0.0]

    References:
        - Joulin et al., 2017, "Bag of tricks for efficient text classification", arXiv:1607.01759
          (with `pooling="mean"`).
    """

    def __init__(self, **kwargs: Unpack[Options]):
        super().__init__(**kwargs)
        self.output_size = None
        self.supports_masking = True

    def build(self, inputs_shape: Shape) -> None:
        self.output_size = inputs_shape[-1]

    def call(self, inputs: Tensor, mask: Mask = None, training: bool = False) -> Tensor:
        return without_masked(inputs, as_mask(mask))

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self) -> Config:
        # Keras would write one down by itself, but not with a dtype policy among the arguments.
        return super().get_config()
