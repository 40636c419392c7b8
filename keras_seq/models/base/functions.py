"""The compiled functions of a model."""

from keras_seq.backend import compiled, straight

SHORT = 32  # tokens


class CompiledFunctions:
    """What is compiled of one model that reads its weights: each function once.

    What was compiled is forgotten when the model has other weights than it had then, as after
    `quantize`, or `enable_lora` of a layer: it would go on with the old ones.

    Args:
        model: a task model.

    Call arguments:
        key: what tells a function from the others of the model, hashable.
        function: takes tensors and returns a nest of them; used where the key is new.

    Returns:
        The function that was compiled under this key.
    """

    def __init__(self, model):
        self.model = model
        self._made = ([], {})  # the weights of the model, and what was compiled for them

    def __call__(self, key, function):
        return self._kept(key, lambda weights: compiled(function, weights, self.model.reading))

    def straight(self, key, function):
        """A step that a compiled function calls, see `backend.straight`; of parts of ours alone.

        A layer from elsewhere is run as it was written: it may print, or look at what is no tensor.
        """

        def make(weights):
            kinds = map(type, self.model._flatten_layers())
            ours = {kind.__module__.partition(".")[0] for kind in kinds} <= {"keras", "keras_seq"}
            return straight(function, weights) if ours else function

        return self._kept(key, make)

    def reader(self, key, function):
        """A function of columns of ids, as a `straight` one where they are short.

        A trace has the operations of each token one after the other, so none is made of long texts.
        """
        traced = self.straight(("straight", key), function)

        def read(*columns):
            is_long = any(size > SHORT for column in columns for size in column.shape[1:2])
            return (function if is_long else traced)(*columns)

        return read

    def _kept(self, key, make):
        weights = self.model.weights
        known, functions = self._made
        if len(known) != len(weights) or any(
            a is not b for a, b in zip(known, weights, strict=True)
        ):
            self._made = weights, functions = weights, {}
        made = functions.get(key)
        if made is None:  # two threads may come here, and then both get what the first one made
            made = functions.setdefault(key, make(weights))
        return made
