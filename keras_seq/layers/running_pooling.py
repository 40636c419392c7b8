"""Poolings while the outputs come one after the other: the pooled vector after each step."""

from keras import ops

from keras_seq.layers.pooling import (
    AttentionPooling,
    FeedForwardPooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
)

LEAST = -3e38  # below every number, and finite


def running(pooling):
    """Return how a pooling of one direction is kept up while the outputs come.

    Returns:
        An object with `start(output)`, the state before the first step, a dict of tensors
        `(batch, ...)`, given any output `(batch, size)`; and `step(output, state)`, which returns
        `(pooled, state)`, the pooled vector of all outputs so far.

    Raises:
        ValueError: for a pooling of another kind.
    """
    kind = RUNNING.get(type(pooling))
    if kind is None or getattr(pooling, "bidirectional", False):
        raise ValueError(
            "A pooling that goes on from step to step must be that of the last step of one "
            "direction, the mean, the maximum, that by attention, or a net on one of these; "
            f"received {pooling!r}."
        )
    return kind(pooling)


class _Last:
    def __init__(self, pooling):
        self.pooling = pooling

    def start(self, output):
        return {}

    def step(self, output, state):
        return output, state


class _Mean(_Last):
    def start(self, output):
        return {"sum": ops.zeros_like(output), "count": ops.zeros_like(output[:, :1])}

    def step(self, output, state):
        state = {"sum": state["sum"] + output, "count": state["count"] + 1}
        return state["sum"] / state["count"], state


class _Max(_Last):
    def start(self, output):
        return {"largest": ops.zeros_like(output) + LEAST}

    def step(self, output, state):
        largest = ops.maximum(output, state["largest"])
        return largest, {"largest": largest}


class _Attention(_Last):
    """The softmax of all scores so far: their largest, and sums of exponents below it."""

    def start(self, output):
        zero = ops.zeros_like(output[:, :1])
        return {"score": zero + LEAST, "weight": zero, "sum": ops.zeros_like(output)}

    def step(self, output, state):
        score = self.pooling.score(output)
        largest = ops.maximum(score, state["score"])
        old, new = ops.exp(state["score"] - largest), ops.exp(score - largest)
        state = {
            "score": largest,
            "weight": old * state["weight"] + new,
            "sum": old * state["sum"] + new * output,
        }
        return state["sum"] / state["weight"], state


class _FeedForward(_Last):
    def __init__(self, pooling):
        super().__init__(pooling)
        self.inner = running(pooling.pooling)

    def start(self, output):
        return self.inner.start(output)

    def step(self, output, state):
        pooled, state = self.inner.step(output, state)
        for dense in self.pooling.dense_layers:
            pooled = dense(pooled)
        return pooled, state


RUNNING = {
    LastPooling: _Last,
    MeanPooling: _Mean,
    MaxPooling: _Max,
    AttentionPooling: _Attention,
    FeedForwardPooling: _FeedForward,
}
