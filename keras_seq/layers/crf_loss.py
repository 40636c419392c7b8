"""The loss of a model that ends in a CRF."""

import keras
from keras import ops

from keras_seq._typing import Config, DType, Tensor
from keras_seq.backend.stack import Stack
from keras_seq.layers.crf import CRF, called_like, number_of_calls, origin_of

_in_use = Stack()  # the layers of the losses that are being computed


@keras.saving.register_keras_serializable(package="keras_seq")
class CRFLoss(keras.losses.Loss):
    r"""The negative log-likelihood of whole tag sequences under a `CRF`.

        -log p(y | x) = log sum_y' exp s(x, y') - s(x, y)

    for each row, a sum over its steps. It reads the weights of the layer, and so trains them.

    A step is padding where its label is negative, where its sample weight is 0, or where the mask
    that came with the predictions says so. A row of padding alone has the loss 0.

    The predictions tell which layer they came out of, and `crf` is used where they do not, as where
    another layer stands behind it. A saved model comes back with its loss, which has no `crf`: it
    takes the layer that the predictions came out of, and where they do not tell, the one CRF of
    that name and those tags that was called since.

    Args:
        crf: the `CRF` that the predictions came through.
        reduction: as in `keras.losses.Loss`; the mean is one over sequences.
        name: likewise.
        dtype: likewise; the loss is never computed in half precision.

    Call arguments:
        y_true: integers `(batch, time)`.
        y_pred: emissions `(batch, time, units)`, what the layer returned.
        sample_weight: numbers `(batch,)`, or `(batch, time)`: then a row weighs as much as its
            heaviest step.

    Raises:
        ValueError: if `crf` is no `CRF`, for labels of another shape than that of the steps, and
            where the loss of a saved model meets several layers that could be its own.

    Example:

    >>> import numpy as np
    >>> inputs = keras.Input((None, 2))
    >>> crf = CRF(3)
    >>> model = keras.Model(inputs, crf(keras.layers.Dense(3)(inputs)))
    >>> model.compile("adam", loss=CRFLoss(crf))
    >>> x, y = np.ones((2, 4, 2), "float32"), np.array([[0, 1, 2, 0], [1, 1, -1, -1]])
    >>> _ = model.fit(x, y, verbose=0)
    >>> tags, _ = crf.decode(model.predict(x, verbose=0), mask=y >= 0)
    >>> tuple(tags.shape)
    (2, 4)

    References:
        - Lample et al., 2016, "Neural architectures for named entity recognition",
          arXiv:1603.01360, section 2.2.
    """

    def __init__(
        self,
        crf: CRF | Config,
        reduction: str | None = "sum_over_batch_size",
        name: str = "crf_loss",
        dtype: DType = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        # In functions, where Keras does not look for weights to save: they are the model's.
        self._crf = self._config = None
        if isinstance(crf, dict):  # a config: which layer it is for, the predictions will tell
            self._config = lambda: crf
            self._since, self._undecided = number_of_calls(), False
        elif isinstance(crf, CRF):
            self._crf = lambda: crf
        else:
            raise ValueError(f"`crf` must be a layer CRF; received {crf!r}.")

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        crf = self._layer(y_pred)
        # Lost where the dtype changes; Keras hides its own on JAX.
        attached = getattr(y_pred, "_keras_mask", origin_of(y_pred)[1])
        labels = ops.cast(ops.convert_to_tensor(y_true), "int32")
        if len(labels.shape) == 3 and labels.shape[-1] == 1:
            labels = labels[..., 0]
        mask = labels >= 0
        if attached is not None:
            mask = ops.logical_and(mask, ops.cast(attached, "bool"))
        if sample_weight is not None:
            sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
            if len(sample_weight.shape) == 2:
                mask = ops.logical_and(mask, sample_weight != 0)
                sample_weight = ops.max(sample_weight, axis=1)
        # As a tensor without a mask: Keras would take it for one of whole rows.
        y_pred = ops.where(mask[..., None], y_pred, ops.zeros_like(y_pred))
        with _in_use.holding(crf):
            loss = super().__call__(ops.where(mask, labels, -1), y_pred, sample_weight)
        return loss if self._crf is not None else loss * float("nan")

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        crf = _in_use.top() or self._layer(y_pred)
        labels = ops.cast(y_true, "int32")
        return -crf.log_likelihood(y_pred, labels, labels >= 0)

    def take(self, crf: CRF) -> None:
        """Have this layer, unless there is one: of a loss that was made from a config."""
        if self._crf is None:
            self._crf = lambda: crf

    def _layer(self, y_pred):
        """The layer that the predictions came out of."""
        layer, _ = origin_of(y_pred)
        if layer is None and self._crf is not None:
            return self._crf()
        if layer is None:
            layers = called_like(self._config(), self._since)
            if len(layers) > 1 and not self._undecided:
                # Keras tries a loss out on tensors that come from nowhere, and looks at no number.
                self._undecided = True
                return layers[0]
            if len(layers) != 1:
                raise ValueError(
                    "A CRFLoss that was made from a config cannot tell which layer the predictions "
                    f"came out of: {len(layers)} CRFs named {self._config()['config']['name']!r} "
                    "were called since. Compile the model with CRFLoss(crf)."
                )
            layer = layers[0]
        self.take(layer)
        return layer

    def get_config(self) -> Config:
        if self._crf is None:
            crf = self._config()
        else:
            crf = keras.saving.serialize_keras_object(self._crf())
        return {**super().get_config(), "crf": crf, "dtype": self.dtype}
