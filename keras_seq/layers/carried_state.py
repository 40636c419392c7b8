"""The state that a stateful layer keeps from one batch to the next."""

import keras
from keras import ops


def check_stateful(stateful, cell):
    """Return whether a layer is stateful; a `ValueError` for a cell that learns its first state."""
    inner = getattr(cell, "cell", cell)
    if stateful and getattr(inner, "learn_initial_state", False):
        raise ValueError(
            "`stateful=True` begins with the state that the batch before has left: it has no use "
            "for a cell with `learn_initial_state=True`."
        )
    return bool(stateful)


class CarriedState(keras.layers.Layer):
    """State tensors in variables that every backend carries through `fit`, `predict` and the rest.

    They are no weights: they are not counted among them, and not saved, as in Keras. On JAX a
    variable that no layer holds would be lost with each step.

    Args:
        variables: Keras variables `(batch, size)` that are not trained.
    """

    def __init__(self, variables=(), **kwargs):
        super().__init__(**kwargs)
        self.tensors = list(variables)
        self.built = True

    @property
    def weights(self):
        """None: a layer has the weights of the layer of Keras, stateful or not."""
        return []

    def make(self, batch_size, sizes):
        """Make the variables, zeros."""
        if batch_size is None:
            raise ValueError(
                "`stateful=True` needs a number of rows that is known beforehand; received None: "
                "make the input with `keras.Input(batch_shape=(rows, steps, features))`."
            )
        self.tensors = [
            self.add_weight(
                shape=(batch_size, size),
                initializer="zeros",
                trainable=False,
                autocast=False,
                name=f"state_{i}",
            )
            for i, size in enumerate(sizes)
        ]

    def read(self):
        """Return copies of the tensors, cut from the graph: writing must not change what was read.

        PyTorch writes into the memory of a variable.
        """
        return [ops.stop_gradient(ops.copy(variable.value)) for variable in self.tensors]

    def write(self, values):
        """Keep `values` for the next batch."""
        for variable, value in zip(self.tensors, values, strict=True):
            variable.assign(ops.stop_gradient(ops.cast(value, variable.dtype)))

    def reset(self):
        """Start anew, with zeros."""
        for variable in self.tensors:
            variable.assign(ops.zeros(variable.shape, variable.dtype))

    def save_own_variables(self, store):
        """Save nothing."""

    def load_own_variables(self, store):
        """Load nothing."""
