"""Poolings: one vector out of the outputs of all steps, and their names."""

import functools

import keras
from keras import ops

from keras_seq._checks import check_positive, fresh, resolve_layer
from keras_seq._registry import POOLINGS
from keras_seq._typing import Chosen, Config, Function, Mask, Nest, Options, Shape, Tensor, Unpack
from keras_seq.layers.masking import without_masked
from keras_seq.layers.recurrent_layer import as_mask, last_steps


class Pooling(keras.layers.Layer):
    r"""Base class of layers that make one vector out of the outputs of all steps.

        p = f({h_t : t valid})

    A subclass gives `pool`. One that can show how much each step counts also sets
    `has_attention = True` and takes `return_attention`, as `AttentionPooling` does.

    What stands at masked steps is never looked at, so more padding changes nothing, wherever it
    is. A row without any valid step gives 0.

    Call arguments:
        inputs: `(batch, time, size)`.
        mask: boolean `(batch, time)`, `False` where padding; a mask that Keras attached to `inputs`
            is used where none is passed.

    Returns:
        `(batch, pooled size)`, in the compute dtype.

    Example:

    >>> import numpy as np
    >>> class SumPooling(Pooling):
    ...     def pool(self, inputs, mask):
    ...         return ops.sum(ops.where(mask[:, :, None], inputs, 0.0), axis=1)
    >>> tuple(SumPooling()(np.ones((2, 5, 3), "float32")).shape)
    (2, 3)
    """

    has_attention = False

    def __init__(self, **kwargs: Unpack[Options]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def pool(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return `(batch, pooled size)` of `(batch, time, size)` and the mask, which is there."""
        raise NotImplementedError(f"{type(self).__name__} must define pool(inputs, mask).")

    def call(self, inputs: Tensor, mask: Mask = None) -> Tensor:
        return self.pool(inputs, full_mask(inputs, mask))

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self) -> Config:
        # Keras would write one down by itself, but not with a dtype policy among the arguments.
        return super().get_config()


def full_mask(inputs, mask):
    """A boolean mask `(batch, time)` of the inputs; all `True` where there is none."""
    mask = as_mask(mask)
    return ops.ones_like(inputs[:, :, 0], dtype="bool") if mask is None else mask


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

    def __init__(self, bidirectional: bool = False, **kwargs: Unpack[Options]):
        super().__init__(**kwargs)
        self.bidirectional = bidirectional

    def build(self, inputs_shape: Shape) -> None:
        if self.bidirectional and inputs_shape[-1] % 2:
            raise ValueError(
                "Both directions must be of the same size; received inputs of the odd size "
                f"{inputs_shape[-1]} with bidirectional=True."
            )

    def pool(self, inputs: Tensor, mask: Tensor) -> Tensor:
        half = inputs.shape[-1] // 2 if self.bidirectional else None
        pooled = last_steps(inputs, mask, half)
        return ops.where(ops.any(mask, axis=1)[:, None], pooled, ops.zeros_like(pooled))

    def get_config(self) -> Config:
        return {**super().get_config(), "bidirectional": self.bidirectional}


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

    def pool(self, inputs: Tensor, mask: Tensor) -> Tensor:
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        valid = ops.where(mask[:, :, None], ops.cast(inputs, dtype), ops.zeros((), dtype))
        count = ops.sum(ops.cast(mask, dtype), axis=1, keepdims=True)
        return ops.cast(ops.sum(valid, axis=1) / ops.maximum(count, 1), inputs.dtype)


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

    def pool(self, inputs: Tensor, mask: Tensor) -> Tensor:
        # Finite, not -inf: the gradient of a row without any value must not be NaN.
        half = keras.backend.standardize_dtype(inputs.dtype) == "float16"
        least = ops.cast(-65504.0 if half else -3e38, inputs.dtype)
        largest = ops.max(ops.where(mask[:, :, None], inputs, least), axis=1)
        return ops.where(ops.any(mask, axis=1)[:, None], largest, ops.zeros_like(largest))


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

    def __init__(
        self,
        units: int | None = None,
        kernel_initializer: Function = "glorot_uniform",
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.units = None if units is None else check_positive("units", units)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, inputs_shape: Shape) -> None:
        size = inputs_shape[-1]
        units = self.units or size

        def add(name, shape):
            initializer = fresh(self.kernel_initializer)
            return self.add_weight(shape=shape, name=name, initializer=initializer)

        self.kernel = add("kernel", (size, units))
        self.bias = self.add_weight(shape=(units,), name="bias", initializer="zeros")
        self.context = add("context", (units, 1))

    def call(self, inputs: Tensor, mask: Mask = None, return_attention: bool = False) -> Nest:
        mask = full_mask(inputs, mask)
        inputs = without_masked(inputs, mask)
        weights = self.weigh(inputs, mask)  # (B, T)
        pooled = ops.matmul(weights[:, None], inputs)[:, 0]
        return (pooled, weights) if return_attention else pooled

    def score(self, inputs: Tensor) -> Tensor:
        """Return the scores u . v, `(..., 1)`, of outputs `(..., size)`."""
        return ops.matmul(ops.tanh(ops.matmul(inputs, self.kernel) + self.bias), self.context)

    def weigh(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Return the weights `(batch, time)`."""
        scores = self.score(inputs)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        scores = ops.cast(scores[:, :, 0], dtype)
        # Finite, not -inf: the gradient of a row without any value must not be NaN.
        weights = ops.softmax(ops.where(mask, scores, ops.cast(-1e9, dtype)), axis=-1)
        return ops.cast(ops.where(mask, weights, ops.zeros_like(weights)), inputs.dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="keras_seq")
class FeedForwardPooling(Pooling):
    r"""A feed-forward net on the vector that another pooling makes.

        z^0 = pooling(h_1 ... h_T)
        p   = z^L            z^l = f(W^l z^(l-1) + b^l)

    with f the activation. Behind an `IdentityEncoder` and with the mean this is the deep averaging
    network: a net that knows which words a text has, and nothing of their order. Masking, call
    arguments and results are those of `Pooling`; a row without any valid step gives 0.

    Args:
        units: size of every layer of the net; that of the pooled vector where `None`.
        num_layers: number of layers.
        pooling: `"mean"`, or anything else that a `models.TextClassifier` takes as its pooling.
        activation: f, by name or as a function.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: for `units` or `num_layers` below 1, an unknown pooling or activation.

    Example:

    >>> import numpy as np
    >>> tuple(FeedForwardPooling(4, num_layers=2)(np.ones((2, 5, 3), "float32")).shape)
    (2, 4)

    References:
        - Iyyer et al., 2015, "Deep unordered composition rivals syntactic methods for text
          classification", ACL 2015.
    """

    def __init__(
        self,
        units: int | None = None,
        num_layers: int = 1,
        pooling: Chosen[Pooling] = "mean",
        activation: Function = "relu",
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.units = units if units is None else check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        self.pooling = get_pooling(pooling, dtype=self.dtype_policy)
        self.activation = keras.activations.get(activation)
        self.dense_layers = []

    def build(self, inputs_shape: Shape) -> None:
        shape = self.pooling(keras.KerasTensor(inputs_shape, self.compute_dtype)).shape
        units = self.units or shape[-1]
        self.dense_layers = [
            keras.layers.Dense(units, self.activation, dtype=self.dtype_policy)
            for _ in range(self.num_layers)
        ]
        for dense in self.dense_layers:
            dense.build(shape)
            shape = (*shape[:-1], units)

    def pool(self, inputs: Tensor, mask: Tensor) -> Tensor:
        pooled = self.pooling(inputs, mask=mask)
        for dense in self.dense_layers:
            pooled = dense(pooled)
        valid = ops.any(mask, axis=1, keepdims=True)
        return ops.where(valid, pooled, ops.zeros_like(pooled))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "pooling": keras.saving.serialize_keras_object(self.pooling),
            "activation": keras.activations.serialize(self.activation),
        }


def get_pooling(identifier, bidirectional=False, dtype=None):
    """Return a `Pooling` for a name, a config or an instance.

    Args:
        identifier: a name in `layers.POOLINGS`, the config of a pooling, or an instance.
        bidirectional: for `"last"`: whether half of the features was read from the right.
        dtype: dtype or policy where a name is given; an instance keeps its own.

    Raises:
        ValueError: for an unknown name (the choices are listed), or for something that is no
            `Pooling`.
    """
    choices = {**POOLINGS, "last": functools.partial(LastPooling, bidirectional)}
    return resolve_layer(identifier, choices, "pooling", Pooling, dtype=dtype)
