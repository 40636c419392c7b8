"""What every pooling shares: from the vectors of a sequence to one."""

import keras
from keras import ops

from keras_seq.layers.recurrent_layer import as_mask


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

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def pool(self, inputs, mask):
        """Return `(batch, pooled size)` of `(batch, time, size)` and the mask, which is there."""
        raise NotImplementedError(f"{type(self).__name__} must define pool(inputs, mask).")

    def call(self, inputs, mask=None):
        return self.pool(inputs, full_mask(inputs, mask))

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self):
        # Keras would write one down by itself, but not with a dtype policy among the arguments.
        return super().get_config()


def full_mask(inputs, mask):
    """A boolean mask `(batch, time)` of the inputs; all `True` where there is none."""
    mask = as_mask(mask)
    return ops.ones_like(inputs[:, :, 0], dtype="bool") if mask is None else mask
