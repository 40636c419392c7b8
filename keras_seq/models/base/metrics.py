"""Metrics over tokens, weighted by the mask, and over the labels of whole texts."""

import math
from typing import Any

import keras
from keras import ops

from keras_seq._typing import Tensor
from keras_seq.backend import cross_entropy, predictions


@keras.saving.register_keras_serializable(package="keras_seq")
class Perplexity(keras.metrics.Mean):
    r"""exp of the mean cross-entropy per token, in nats, over all tokens seen.

        exp(- sum_t w_t log p(y_t) / sum_t w_t)

    The mean is over tokens, not over batches, so padding and batch size do not change it.

    Args:
        **kwargs: `name` and `dtype` of `keras.metrics.Metric`.

    Call arguments of `update_state`:
        y_true: integers `(batch, steps)`.
        y_pred: logits `(batch, steps, vocabulary_size)`.
        sample_weight: `(batch, steps)`, 0 where padding.

    Example:

    >>> import numpy as np
    >>> metric = Perplexity()
    >>> metric.update_state(np.zeros((1, 3), "int32"), np.zeros((1, 3, 8), "float32"))
    >>> round(float(metric.result()), 4)
    8.0
    """

    def __init__(self, name: str = "perplexity", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> None:
        logits = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        losses = cross_entropy(ops.cast(y_true, "int32"), logits, constant=True)
        return super().update_state(*_flat(losses, sample_weight))

    def result(self) -> Tensor:
        return ops.exp(super().result())


@keras.saving.register_keras_serializable(package="keras_seq")
class BitsPerToken(Perplexity):
    r"""The mean cross-entropy per token in bits, over all tokens seen: the log2 of the perplexity.

        - sum_t w_t log2 p(y_t) / sum_t w_t

    Where tokens are characters, these are the bits per character. The arguments are those of
    `Perplexity`.

    Example:

    >>> import numpy as np
    >>> metric = BitsPerToken()
    >>> metric.update_state(np.zeros((1, 3), "int32"), np.zeros((1, 3, 8), "float32"))
    >>> round(float(metric.result()), 4)
    3.0
    """

    def __init__(self, name: str = "bits_per_token", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def result(self) -> Tensor:
        return keras.metrics.Mean.result(self) / math.log(2)  # Perplexity's is the exp of it


@keras.saving.register_keras_serializable(package="keras_seq")
class TokenAccuracy(keras.metrics.Mean):
    """The share of tokens that are the most probable ones, over all tokens seen.

    `keras.metrics.SparseCategoricalAccuracy` takes the mean of each row before that over rows, so
    a token counts less the more padding its row has; here every token counts the same.

    Example:

    >>> import numpy as np
    >>> metric = TokenAccuracy()
    >>> logits = np.eye(3, dtype="float32")[None]  # predicts 0, 1, 2
    >>> metric.update_state(np.array([[0, 1, 1]]), logits, np.array([[1.0, 1.0, 0.0]]))
    >>> float(metric.result())
    1.0
    """

    def __init__(self, name: str = "token_accuracy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> None:
        right = ops.cast(_are_right(y_true, y_pred), "float32")
        return super().update_state(*_flat(right, sample_weight))


@keras.saving.register_keras_serializable(package="keras_seq")
class ExactMatch(keras.metrics.Mean):
    """The share of sequences whose tokens are all the most probable ones, under teacher forcing.

    A sequence counts where its arg max is the label at every token of weight above 0. What a
    search finds, step by step, is another question: `Seq2Seq.generate` answers that.

    Example:

    >>> import numpy as np
    >>> metric = ExactMatch()
    >>> logits = np.eye(3, dtype="float32")[None]  # predicts 0, 1, 2
    >>> metric.update_state(np.array([[0, 1, 1]]), logits, np.array([[1.0, 1.0, 0.0]]))
    >>> float(metric.result())
    1.0
    """

    def __init__(self, name: str = "exact_match", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> None:
        right = _are_right(y_true, y_pred)
        if sample_weight is None:
            return super().update_state(ops.all(right, axis=-1))
        counted = sample_weight > 0
        rows = ops.any(counted, axis=-1)
        return super().update_state(
            ops.all(ops.logical_or(right, ops.logical_not(counted)), axis=-1), sample_weight=rows
        )


@keras.saving.register_keras_serializable(package="keras_seq")
class LabelAccuracy(keras.metrics.BinaryAccuracy):
    """The share of right answers to "has this text this label?", over all texts and labels.

    `keras.metrics.BinaryAccuracy` of the probabilities that belong to logits.

    Args:
        name: of the metric.
        threshold: the probability above which a text has a label.
        **kwargs: `dtype` of `keras.metrics.Metric`.

    Call arguments of `update_state`:
        y_true: 0 or 1, `(batch, labels)`.
        y_pred: logits `(batch, labels)`.
        sample_weight: `(batch,)`.

    Example:

    >>> import numpy as np
    >>> metric = LabelAccuracy()
    >>> metric.update_state(np.array([[1, 0], [1, 1]]), np.array([[3.0, -3.0], [3.0, -3.0]]))
    >>> float(metric.result())
    0.75
    """

    def __init__(self, name: str = "label_accuracy", threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(name=name, threshold=threshold, **kwargs)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> None:
        return super().update_state(y_true, _probabilities(y_pred), sample_weight)


@keras.saving.register_keras_serializable(package="keras_seq")
class LabelF1(keras.metrics.F1Score):
    r"""F1 of the labels of texts that may have any number of them.

        F1 = 2 TP / (2 TP + FP + FN)

    counted over all texts and labels together (`"micro"`), or for each label by itself, of which
    `"macro"` is the mean. `keras.metrics.F1Score` of the probabilities that belong to logits.

    Args:
        average: `"micro"`, `"macro"`, `"weighted"` (by how often a label occurs), or `None` for a
            number for each label.
        threshold: the probability above which a text has a label.
        name: of the metric.
        **kwargs: `dtype` of `keras.metrics.Metric`.

    Call arguments of `update_state`:
        y_true: 0 or 1, `(batch, labels)`.
        y_pred: logits `(batch, labels)`.
        sample_weight: `(batch,)`.

    Example:

    >>> import numpy as np
    >>> metric = LabelF1()
    >>> metric.update_state(np.array([[1, 0], [1, 1]]), np.array([[3.0, -3.0], [3.0, -3.0]]))
    >>> round(float(metric.result()), 4)
    0.8

    References:
        - van Rijsbergen, 1979, "Information retrieval", 2nd edition, chapter 7.
    """

    def __init__(
        self, average: str | None = "micro", threshold: float = 0.5, name: str = "f1", **kwargs: Any
    ) -> None:
        super().__init__(average=average, threshold=threshold, name=name, **kwargs)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Any = None) -> None:
        return super().update_state(y_true, _probabilities(y_pred), sample_weight)


def _are_right(y_true, y_pred):
    """Which of the tokens are the most probable ones."""
    return ops.equal(ops.cast(y_true, "int32"), predictions(ops.convert_to_tensor(y_pred)))


def _probabilities(logits):
    return ops.sigmoid(ops.cast(ops.convert_to_tensor(logits), "float32"))


def _flat(values, weights):
    """Values and weights of all tokens in one row: Keras's `Mean` averages each row by itself."""
    return ops.reshape(values, (-1,)), None if weights is None else ops.reshape(weights, (-1,))
