"""The loss of the task models."""

from typing import Any

import keras
from keras import ops

from keras_seq._checks import check_rate
from keras_seq._typing import Config, Tensor
from keras_seq.backend import cross_entropy


@keras.saving.register_keras_serializable(package="keras_seq")
class TokenCrossEntropy(keras.losses.Loss):
    r"""Cross-entropy per token from logits, with label smoothing.

        -(1 - e) log p(y) - e / V sum_v log p(v)

    with e the `label_smoothing` and V the number of classes. The mean goes over all tokens by
    weight: a token counts the same whatever the padding of its row.

    Args:
        label_smoothing: e, in [0, 1).
        reduction: as in `keras.losses.Loss`.
        name: likewise.
        dtype: likewise.

    Call arguments:
        y_true: integers `(...)`.
        y_pred: logits `(..., V)`.
        sample_weight: numbers `(...)`, 0 for padding.

    Raises:
        ValueError: for a `label_smoothing` outside [0, 1).

    Example:

    >>> import numpy as np
    >>> loss = TokenCrossEntropy(label_smoothing=0.1)
    >>> float(loss(np.array([[1, 0]]), np.zeros((1, 2, 4), "float32")))  # log 4
    1.3862943649291992

    References:
        - Szegedy et al., 2016, "Rethinking the inception architecture for computer vision",
          arXiv:1512.00567, section 7.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        reduction: str = "mean_with_sample_weight",
        name: str = "token_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.label_smoothing = check_rate("label_smoothing", label_smoothing)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels = ops.cast(y_true, "int32")
        logits = ops.convert_to_tensor(y_pred)
        return cross_entropy(labels, logits, smoothing=self.label_smoothing)

    def get_config(self) -> Config:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
