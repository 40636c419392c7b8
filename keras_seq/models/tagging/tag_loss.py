"""The loss of a tagger that ends in a CRF."""

from keras import ops

from keras_seq.backend import replica_sum
from keras_seq.layers.crf_loss import CRFLoss


class TagLoss(CRFLoss):
    r"""The negative log-likelihood of tag sequences under a `CRF`, per word.

        - sum_i w_i log p(y^i | x^i) / sum_i w_i T_i

    over the sentences of a batch, with T_i the number of words. So a word counts the same in a
    short sentence and in a long one, and the number compares with the cross-entropy per word of a
    model without a CRF.

    Args:
        crf: the `CRF` that the predictions came through.

    Call arguments:
        y_true: integers `(batch, time)`.
        y_pred: emissions `(batch, time, units)`.
        sample_weight: numbers `(batch, time)`, the weight of its sentence for each word, 0 for
            padding.

    Raises:
        ValueError: as `layers.CRFLoss`.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import CRF
    >>> loss, weights = TagLoss(CRF(4)), np.array([[1.0, 1.0, 0.0]])
    >>> float(loss(np.array([[1, 0, 0]]), np.zeros((1, 3, 4), "float32"), weights))  # log 4
    1.3862943649291992

    References:
        - Lample et al., 2016, "Neural architectures for named entity recognition",
          arXiv:1603.01360, section 2.2.
    """

    def __init__(self, crf):
        super().__init__(crf, reduction="sum", name="tag_loss")

    def __call__(self, y_true, y_pred, sample_weight):
        total = super().__call__(y_true, y_pred, sample_weight)
        words = ops.sum(ops.cast(ops.convert_to_tensor(sample_weight), total.dtype))
        return total / ops.maximum(replica_sum(words, "weights"), 1e-7)
