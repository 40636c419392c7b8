"""A layer's results and gradients, as one compiled function of its inputs."""

import keras

from keras_seq.backend import compiled, compiles_singly, gradient
from keras_seq.testing.comparing import arrays, weighted_sum


class Program:
    """Runs a built layer: results, and the gradients of a weighted sum of them.

    All in one program for all inputs of the same shapes, compiled where single operations are slow.

    Args:
        layer: a built layer.
        call: `(layer, **inputs) -> results`, where it is not `layer(**inputs)`.
        sequence: name of the input whose gradient is wanted too; `None` for none.
    """

    def __init__(self, layer, call=None, sequence=None):
        self.layer, self.call, self.sequence = layer, call or plain_call, sequence
        self.template = None
        self.seen = set()  # the shapes that results and gradients are compiled for
        self.both, self.forward = self._both, self._forward
        if compiles_singly:
            self.both = compiled(self._both)
            self.forward = compiled(self._forward, layer.variables)

    def results(self, inputs):
        """The results alone, flat and as arrays: by a program of their own if there is none."""
        if _shapes(inputs) in self.seen:
            return self(inputs)[0]
        self.template = inputs
        return arrays(self.forward(*_tensors(inputs)))

    def __call__(self, inputs):
        """`(results, gradients of the trainable weights, gradient of the sequence)`, as lists."""
        self.template = inputs
        if compiles_singly:
            self.seen.add(_shapes(inputs))
        values = [variable.value for variable in self.layer.trainable_variables]
        leaves = arrays(self.both(*_tensors([values, inputs])))
        tail = len(values) + (self.sequence is not None)
        cut = len(leaves) - tail
        return leaves[:cut], leaves[cut : cut + len(values)], leaves[cut + len(values) :]

    def _forward(self, *flat):
        inputs = keras.tree.pack_sequence_as(self.template, list(flat))
        return _leaves(self.call(self.layer, **inputs))

    def _both(self, *flat):
        variables = self.layer.trainable_variables
        values = list(flat[: len(variables)])
        inputs = keras.tree.pack_sequence_as(self.template, list(flat[len(variables) :]))

        def run(nest):
            with keras.StatelessScope(state_mapping=list(zip(variables, nest[0], strict=True))):
                fed = {**inputs, self.sequence: nest[1]} if self.sequence else inputs
                return _leaves(self.call(self.layer, **fed))

        nest = [values, inputs[self.sequence]] if self.sequence else [values]
        if not keras.tree.flatten(nest):
            return run(nest)
        gradients = gradient(lambda nest: weighted_sum(run(nest)), nest)[1]
        return [*run(nest), *keras.tree.flatten(gradients)]


def plain_call(layer, **inputs):
    """What most layers are called with."""
    return layer(**inputs)


def _tensors(nest):
    return [keras.ops.convert_to_tensor(x) for x in keras.tree.flatten(nest)]


def _shapes(nest):
    return tuple(x.shape for x in keras.tree.flatten(nest))


def _leaves(nest):
    return [leaf for leaf in keras.tree.flatten(nest) if leaf is not None]


def build(layer, inputs, call):
    """Make the weights of a layer without computing anything."""

    def symbol(x):
        dtype = keras.backend.standardize_dtype(x.dtype)
        return keras.KerasTensor(x.shape, keras.config.floatx() if "float" in dtype else dtype)

    call(layer, **keras.tree.map_structure(symbol, inputs))
