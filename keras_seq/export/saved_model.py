"""Writing signatures as a SavedModel."""

import keras

from keras_seq._tensorflow import tensorflow
from keras_seq.backend import portable


def write_saved_model(folder, signatures, weights, resources):
    """Write a SavedModel. The Keras backend must be TensorFlow.

    Args:
        folder: an empty folder, or one that is not there.
        signatures: a list of `Signature`s.
        weights: the Keras variables that their functions read.
        resources: a nest of the TensorFlow objects that they use, such as
            `Tokenizer.resources()`.

    Raises:
        ValueError: for two signatures of one name, and for a function that returns something else
            than its signature says.
    """
    tf = tensorflow()
    named = {signature.name: signature for signature in signatures}
    if len(named) < len(signatures):
        names = [signature.name for signature in signatures]
        raise ValueError(f"The names of signatures must be distinct; received {names}.")
    module = tf.Module()
    module.weights = [variable.value for variable in weights]
    module.resources = resources
    with portable():
        functions = {name: traced(signature, weights) for name, signature in named.items()}
    tf.saved_model.save(module, str(folder), signatures=functions)


def traced(signature, weights):
    """The graph of a signature, a concrete function."""
    tf = tensorflow()
    specs = {
        name: tf.TensorSpec((None, *field.shape), field.dtype, name=name)
        for name, field in signature.inputs.items()
    }

    def serve(**inputs):
        with read_once(weights):
            return _checked(signature, _of_any_batch(signature.function, inputs))

    return tf.function(serve, autograph=False).get_concrete_function(**specs)


def read_once(weights):
    """Return a context in which a graph reads these Keras variables here, not in its loops."""
    read = [(variable, tensorflow().identity(variable.value)) for variable in weights]
    return keras.StatelessScope(state_mapping=read)


def _of_any_batch(function, inputs):
    """Call a function with one row at least, which an empty batch does not get back."""
    tf = tensorflow()
    rows = tf.shape(next(iter(inputs.values())))[0]
    missing = tf.cast(rows == 0, "int32")
    padded = {
        name: tf.pad(x, [[0, missing], *[[0, 0]] * (x.shape.rank - 1)])
        for name, x in inputs.items()
    }
    return {name: x[:rows] for name, x in function(**padded).items()}


def _checked(signature, outputs):
    """The outputs, with the shapes that the signature says."""
    if set(outputs) != set(signature.outputs):
        raise ValueError(
            f"The signature {signature.name} says that it gives {sorted(signature.outputs)}; its "
            f"function returns {sorted(outputs)}."
        )
    tf = tensorflow()
    for name, field in signature.outputs.items():
        shape, dtype = (None, *field.shape), tf.as_dtype(field.dtype)
        if outputs[name].dtype != dtype or not outputs[name].shape.is_compatible_with(shape):
            raise ValueError(
                f"The output {name} of the signature {signature.name} should be {dtype.name} of "
                f"shape {shape}; it is {outputs[name].dtype.name} of shape {outputs[name].shape}."
            )
        outputs[name] = tf.ensure_shape(outputs[name], shape)
    return outputs
