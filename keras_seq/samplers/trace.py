"""A record of every step of a search; see `Sampler.search`."""

from keras import ops

TRACED = {
    "parents": "int32",
    "token_ids": "int32",
    "log_probabilities": "float32",
    "scores": "float32",
    "finished": "bool",
}


def empty_trace(batch, max_length, n):
    """Return the trace before the first step."""
    return {name: ops.zeros((batch, max_length, n), dtype=dtype) for name, dtype in TRACED.items()}


def extend_trace(trace, position, **values):
    """Return the trace with `values`, each `(batch, n)`, at `position`; `{}` where it is `{}`."""

    def written(name, before):
        here = ops.arange(before.shape[1], dtype="int32")[:, None] == position  # (L, 1)
        return ops.where(here, ops.cast(values[name][:, None], TRACED[name]), before)

    return {name: written(name, before) for name, before in trace.items()}
