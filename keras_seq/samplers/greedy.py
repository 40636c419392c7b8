"""Greedy search."""

import keras

from keras_seq._checks import check_count
from keras_seq._typing import Tensor
from keras_seq.backend import predictions
from keras_seq.samplers.sampler import Sampler


@keras.saving.register_keras_serializable(package="keras_seq")
class Greedy(Sampler):
    """The most probable token at each step; the lowest id where several are equally probable.

    Args:
        min_length: how many tokens there are at least before the end token. A limit comes first.

    Raises:
        ValueError: if `min_length` is no integer of at least 0.

    Example:

    >>> import numpy as np
    >>> table = np.log([[0.1, 0.2, 0.1, 0.6], [0.0001, 0.1, 0.7, 0.2]]).astype("float32")
    >>> def step(token_ids, state, memory):  # token 0 is followed by 3, everything else by 2
    ...     return keras.ops.take(table, keras.ops.minimum(token_ids, 1), axis=0), state
    >>> found = Greedy().search(step, [], [], np.array([0]), 2, 5, np.array([5]))
    >>> keras.ops.convert_to_numpy(found["token_ids"])[0, 0].tolist()
    [3, 2, 0, 0, 0]
    """

    def __init__(self, min_length: int = 0):
        self.min_length = check_count("min_length", min_length)

    def get_next_token(self, log_probabilities: Tensor) -> Tensor:
        return predictions(log_probabilities)
