"""Readers of tokens that stream: their encoder, step by step."""

from keras import ops

from keras_seq.export.step_functions import NEW, Leaves, looking_inside


def check_streams(model):
    """Raise a `ValueError` unless the encoder of a model reads from the left, step by step."""
    encoder = getattr(model, "encoder", None)
    if encoder is None:
        raise ValueError(
            f"A {type(model).__name__} has several encoders, or none, and so no single step: "
            "export its models one by one."
        )
    left = not getattr(encoder, "bidirectional", False) and getattr(encoder, "causal", True)
    if not left or not (hasattr(encoder, "start") and hasattr(encoder, "step")):
        what = f"its `encoder` {encoder!r}" if left else "an encoder that reads from both sides"
        raise ValueError(
            f"A {type(model).__name__} that streams must read from the left, step by step: train "
            f"one with `bidirectional=False`, or with an `encoder` that has `start` and `step`; "
            f"received {what}."
        )


class EncoderSteps:
    """The encoder of a model as a part of its `StepFunctions`.

    Args:
        model: the model.

    Attributes:
        names: the names of its states.
    """

    def __init__(self, model):
        check_streams(model)
        self.model, self.encoder = model, model.encoder
        self.cells = getattr(self.encoder, "forward_cells", ())
        self.leaves = Leaves(self._start(1), cells=self.cells)
        self.names = self.leaves.names

    def start(self, rows):
        """Return the states, a dict, before the first step of `rows`, `(batch,)`."""
        return self.leaves.flat(self._start(ops.shape(rows)[0]))

    def step(self, vectors, tensors, inspect=False):
        """Return `(outputs, states, seen)`: the new states, and what is inside where asked."""
        state = self.leaves.nest(tensors)

        def run():
            return self.encoder.step(vectors, state)

        (outputs, new), seen = looking_inside(run, self.cells) if inspect else (run(), {})
        return outputs, self.leaves.flat(new, NEW), seen

    def _start(self, rows):
        return self.encoder.start(rows, self.model.max_length)
