"""A weighted mean of the steps, with weights that can be shown."""

import keras
from keras import ops

from keras_seq.identifiers import check_positive, fresh
from keras_seq.layers.masking import without_masked
from keras_seq.layers.pooling import Pooling, full_mask


@keras.saving.register_keras_serializable(package="keras_seq")
class AttentionPooling(Pooling):
    r"""A mean of the outputs of all valid steps, weighted by what a learnt vector looks for.

        u_t = tanh(W h_t + b)
        a_t = softmax_t(u_t . v)                      over the valid steps
        p   = sum_t a_t h_t

    Masking and results are those of `Pooling`; a row without any valid step has the weights 0. The
    softmax is computed in float32 at least.

    Args:
        units: size of u and v; that of the inputs where `None`.
        kernel_initializer: initialiser of W and v.
        **kwargs: the arguments of `keras.layers.Layer`.

    Call arguments:
        inputs, mask: as in `Pooling`.
        return_attention: whether to return `(pooled, weights)`, the weights a, `(batch, time)`.

    Raises:
        ValueError: if `units` is not an integer above 0.

    Example:

    >>> import numpy as np
    >>> pooled, weights = AttentionPooling()(np.ones((2, 4, 3), "float32"), return_attention=True)
    >>> tuple(pooled.shape), keras.ops.convert_to_numpy(weights[0]).tolist()
    ((2, 3), [0.25, 0.25, 0.25, 0.25])

    References:
        - Yang et al., 2016, "Hierarchical attention networks for document classification", NAACL,
          doi:10.18653/v1/N16-1174, section 2.2.
    """

    has_attention = True

    def __init__(self, units=None, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = None if units is None else check_positive("units", units)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, inputs_shape):
        size = inputs_shape[-1]
        units = self.units or size

        def add(name, shape):
            initializer = fresh(self.kernel_initializer)
            return self.add_weight(shape=shape, name=name, initializer=initializer)

        self.kernel = add("kernel", (size, units))
        self.bias = self.add_weight(shape=(units,), name="bias", initializer="zeros")
        self.context = add("context", (units, 1))

    def call(self, inputs, mask=None, return_attention=False):
        mask = full_mask(inputs, mask)
        inputs = without_masked(inputs, mask)
        weights = self.weigh(inputs, mask)  # (B, T)
        pooled = ops.matmul(weights[:, None], inputs)[:, 0]
        return (pooled, weights) if return_attention else pooled

    def weigh(self, inputs, mask):
        """Return the weights `(batch, time)`."""
        scores = ops.matmul(ops.tanh(ops.matmul(inputs, self.kernel) + self.bias), self.context)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        scores = ops.cast(scores[:, :, 0], dtype)
        # Finite, not -inf: the gradient of a row without any value must not be NaN.
        weights = ops.softmax(ops.where(mask, scores, ops.cast(-1e9, dtype)), axis=-1)
        return ops.cast(ops.where(mask, weights, ops.zeros_like(weights)), inputs.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
