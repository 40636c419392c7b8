"""Position encoding by a table of weights."""

import keras
from keras import ops

from keras_seq.identifiers import check_positive, fresh
from keras_seq.layers.position_encoding import PositionEncoding


@keras.saving.register_keras_serializable(package="keras_seq")
class LearntPositions(PositionEncoding):
    r"""A vector of weights for each position, added to the inputs.

        x_t <- x_t + P_min(t, max_length - 1)

    Positions from `max_length` on share the last vector, on every backend, whether or not the
    length is known beforehand. A vector that no sequence of the training was long enough for stays
    as it was initialised. Call arguments, mask and result are those of `PositionEncoding`.

    Args:
        max_length: number of positions with a vector of their own.
        initializer: initialiser of the vectors.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for a `max_length` that is no integer above 0.

    Example:

    >>> import numpy as np
    >>> positions = LearntPositions(max_length=2)
    >>> x = keras.ops.convert_to_numpy(positions(np.zeros((1, 4, 3), "float32")))
    >>> bool((x[0, 1] == x[0, 3]).all()), bool((x[0, 0] == x[0, 1]).all())
    (True, False)

    References:
        - Gehring et al., 2017, "Convolutional sequence to sequence learning", arXiv:1705.03122.
        - Devlin et al., 2019, "BERT: pre-training of deep bidirectional transformers for language
          understanding", arXiv:1810.04805.
    """

    def __init__(self, max_length=512, initializer="random_normal", **kwargs):
        super().__init__(**kwargs)
        self.max_length = check_positive("max_length", max_length)
        self.initializer = keras.initializers.get(initializer)

    def build(self, inputs_shape):
        self.vectors = self.add_weight(
            shape=(self.max_length, inputs_shape[-1]),
            name="vectors",
            initializer=fresh(self.initializer),
        )

    def add_to_inputs(self, inputs, positions):
        positions = ops.minimum(positions, self.max_length - 1)
        return inputs + ops.cast(ops.take(self.vectors, positions, axis=0), inputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "initializer": keras.initializers.serialize(self.initializer),
        }
