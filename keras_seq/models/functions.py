"""The compiled functions of a model."""

from keras_seq.backend import compiled


class CompiledFunctions:
    """What is compiled of one model that reads its weights: each function once.

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
        self._made = {}

    def __call__(self, key, function):
        made = self._made.get(key)
        if made is None:  # two threads may come here, and then both get what the first one made
            made = compiled(function, self.model.weights, self.model.reading)
            made = self._made.setdefault(key, made)
        return made
