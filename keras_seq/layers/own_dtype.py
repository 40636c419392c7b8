"""A part that computes in another dtype than the layer around it."""

import keras
from keras import ops


def own_values(layer, *variables):
    """The values of `variables` of `layer` in its compute dtype, whatever layer is being called.

    Within the call of a layer Keras casts all weights to the compute dtype of that one, and outside
    of any call none. A variable may be `None`.
    """
    values = [None if x is None else ops.convert_to_tensor(x) for x in variables]
    known = [value for value in values if value is not None]
    if all(keras.backend.standardize_dtype(x.dtype) == layer.compute_dtype for x in known):
        return values
    # The call of a layer is the one way into the scope of its dtype.
    # On TensorFlow a variable is its own tensor until somebody asks for its value.
    return _Scope(dtype=layer.dtype_policy)(
        known[0],
        run=lambda: [None if x is None else ops.convert_to_tensor(x.value) for x in variables],
    )


class _Scope(keras.layers.Layer):
    """Calls a function where Keras casts weights to the compute dtype of this layer."""

    def call(self, inputs, run):
        return run()


class OwnDtypeStepper:
    """A stepper of a cell, see `recurrence.stepper`, inside of a layer of another compute dtype.

    The state stays in the dtype of the cell; inputs are cast to it, the output is cast from it.
    """

    def __init__(self, inner, cell, dtype):
        self.inner = inner
        self.own = cell.compute_dtype
        self.dtype = dtype

    @property
    def matrices(self):
        return self.inner.matrices

    def project(self, inputs):
        return self.inner.project(ops.cast(inputs, self.own))

    def step(self, x, inside, state):
        x = None if x is None else ops.cast(x, self.own)
        inside, state = ([ops.cast(one, self.own) for one in part] for part in (inside, state))
        output, state = self.inner.step(x, inside, state)
        return ops.cast(output, self.dtype), state
