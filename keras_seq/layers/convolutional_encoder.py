"""Convolutions over a few steps, side by side."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq._typing import Config, Function, Mask, Options, Shape, Tensor, Unpack
from keras_seq.layers.masking import without_masked
from keras_seq.layers.recurrent_layer import as_mask


@keras.saving.register_keras_serializable(package="keras_seq")
class ConvolutionalEncoder(keras.layers.Layer):
    r"""Convolutions of several widths over a sequence, side by side.

        y^k_t = f(sum_i W^k_i x_(t + i - floor((k - 1) / 2)) + b^k)       i from 0 to k - 1
        y_t   = [y^k_t for each width k]

    with f the activation. A step sees at most its nearest `max(widths)` ones: what lies further
    apart meets in the pooling behind, where the order is lost. With `pooling="max"` in a
    `models.TextClassifier` this is Kim's network, each filter a pattern of words that is looked for
    at every place.

    Masked steps, and what lies beyond the ends, count as zeros, and give zeros; so padding on
    either side changes nothing.

    Args:
        units: number of filters of each width.
        widths: how many steps the filters of each kind see.
        activation: f, by name or as a function.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, time, features)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to
            `inputs` is used where none is passed.
        training: ignored.

    Returns:
        `(batch, time, units * len(widths))`, in the compute dtype.

    Raises:
        ValueError: for `units` below 1, no widths, one below 1, and an unknown activation.

    Example:

    >>> import numpy as np
    >>> encoder = ConvolutionalEncoder(4, widths=(2, 3))
    >>> tuple(encoder(np.ones((2, 5, 3), "float32")).shape)
    (2, 5, 8)

    References:
        - Kim, 2014, "Convolutional neural networks for sentence classification", arXiv:1408.5882.
        - Collobert et al., 2011, "Natural language processing (almost) from scratch",
          arXiv:1103.0398 (windows of words, and the maximum over time).
    """

    def __init__(
        self,
        units: int = 100,
        widths: Sequence[int] = (3, 4, 5),
        activation: Function = "relu",
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.units = check_positive("units", units)
        self.widths = check_widths(widths)
        self.activation = keras.activations.get(activation)
        self.convolutions = [
            keras.layers.Conv1D(units, width, activation=self.activation, dtype=self.dtype_policy)
            for width in self.widths
        ]
        self.supports_masking = True

    @property
    def output_size(self) -> int:
        """The number of features in the outputs."""
        return self.units * len(self.widths)

    def build(self, inputs_shape: Shape) -> None:
        for convolution in self.convolutions:
            convolution.build(inputs_shape)

    def call(self, inputs: Tensor, mask: Mask = None, training: bool = False) -> Tensor:
        mask = as_mask(mask)
        inputs = without_masked(inputs, mask)
        outputs = []
        for width, convolution in zip(self.widths, self.convolutions, strict=True):
            before = (width - 1) // 2
            padding = [(0, 0), (before, width - 1 - before), (0, 0)]
            outputs.append(convolution(ops.pad(inputs, padding)))
        return without_masked(ops.concatenate(outputs, axis=-1), mask)

    def compute_output_shape(self, inputs_shape):
        return (*inputs_shape[:-1], self.output_size)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "widths": list(self.widths),
            "activation": keras.activations.serialize(self.activation),
        }


def check_widths(widths):
    """Return the widths as a tuple, or raise a `ValueError`."""
    if not isinstance(widths, (list, tuple)) or not widths:
        raise ValueError(f"`widths` must be a list of integers above 0; received {widths!r}.")
    return tuple(check_positive("widths", width) for width in widths)
