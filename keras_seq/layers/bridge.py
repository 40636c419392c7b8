"""From the last states of an encoder to the first states of a decoder."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_seq._typing import Config, Function, Nest, Options, Tensors, Unpack


@keras.saving.register_keras_serializable(package="keras_seq")
class Bridge(keras.layers.Layer):
    r"""Initial decoder states out of final encoder states, whatever the cells on both sides.

        s_i = tanh(W_i [e_i1; e_i2; ...] + b_i)

    for each decoder layer i, over all final state tensors of encoder layer i (both directions);
    where the numbers of layers differ, every decoder layer reads the top encoder layer.

    Args:
        state_size: the sizes of the decoder's state tensors, a list with a list for each layer.
        activation: `"tanh"` (default) or any Keras activation.

    Call arguments:
        states: a list with the list of final state tensors `(batch, size)` of each encoder layer.

    Returns:
        A list of lists of tensors as `state_size` says.

    Example:

    >>> import numpy as np
    >>> e = np.ones((2, 3), "float32")
    >>> states = Bridge([[4, 4]])([[e, e, e, e]])
    >>> [tuple(s.shape) for s in states[0]]
    [(2, 4), (2, 4)]

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473, appendix A.2.2 (s_0).
    """

    def __init__(
        self,
        state_size: Sequence[Sequence[int]],
        activation: Function = "tanh",
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.state_size = [list(sizes) for sizes in state_size]
        self.activation = activation
        self.projections = [
            keras.layers.Dense(sum(sizes), activation=activation, dtype=self.dtype_policy)
            for sizes in self.state_size
        ]

    def _sources(self, states):
        """The encoder layer that each decoder layer reads."""
        if len(states) == len(self.state_size):
            return states
        return [states[-1]] * len(self.state_size)

    def build(self, states_shape: Nest) -> None:
        for dense, shapes in zip(self.projections, self._sources(states_shape), strict=True):
            dense.build((shapes[0][0], sum(shape[-1] for shape in shapes)))

    def call(self, states: list[Tensors]) -> list[Tensors]:
        result = []
        sources = self._sources(states)
        for dense, sizes, tensors in zip(self.projections, self.state_size, sources, strict=True):
            joint = dense(ops.concatenate(tensors, axis=-1))
            ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
            starts = [0, *ends[:-1]]
            result.append([joint[:, a:b] for a, b in zip(starts, ends, strict=True)])
        return result

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "state_size": self.state_size,
            "activation": keras.activations.serialize(keras.activations.get(self.activation)),
        }
