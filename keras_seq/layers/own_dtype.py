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
    return DtypeScope(dtype=layer.dtype_policy, name="scope")(
        known[0],
        run=lambda: [None if x is None else ops.convert_to_tensor(x.value) for x in variables],
    )


class DtypeScope(keras.layers.Layer):
    """Calls a function where Keras casts weights to the compute dtype of this layer."""

    def call(self, inputs, run):
        return run()
