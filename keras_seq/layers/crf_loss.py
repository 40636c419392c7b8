"""The loss of a model that ends in a CRF."""

import keras
from keras import ops

from keras_seq.layers.crf import CRF, find_crf


@keras.saving.register_keras_serializable(package="keras_seq")
class CRFLoss(keras.losses.Loss):
    r"""The negative log-likelihood of whole tag sequences under a `CRF`.

        -log p(y | x) = log sum_y' exp s(x, y') - s(x, y)

    for each row, a sum over its steps. It reads the weights of the layer, and so trains them.

    A step is padding where its label is negative, where its sample weight is 0, or where the mask
    that came with the predictions says so. A row of padding alone has the loss 0.

    A saved model comes back with its loss, and that with the layer of the model: the one of its
    name that was made last.

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
        ValueError: if `crf` is no `CRF`, and for labels of another shape than that of the steps.

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

    def __init__(self, crf, reduction="sum_over_batch_size", name="crf_loss", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not isinstance(crf, CRF):
            raise ValueError(f"`crf` must be a layer CRF; received {crf!r}.")
        # In a function, where Keras does not look for weights to save: they are the model's.
        self._crf = lambda: crf

    def __call__(self, y_true, y_pred, sample_weight=None):
        attached = getattr(y_pred, "_keras_mask", None)  # lost where the dtype changes
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
        return super().__call__(ops.where(mask, labels, -1), y_pred, sample_weight)

    def call(self, y_true, y_pred):
        labels = ops.cast(y_true, "int32")
        return -self._crf().log_likelihood(y_pred, labels, labels >= 0)

    def get_config(self):
        return {
            **super().get_config(),
            "crf": keras.saving.serialize_keras_object(self._crf()),
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "crf": find_crf(config["crf"])})
