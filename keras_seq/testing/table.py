"""A model that is a table, small enough to try every sequence."""

import itertools

import numpy as np
from keras import ops

END, START, LONGEST, VOCABULARY = 2, 1, 4, 5


class Table:
    """A model whose next-token logits depend on the row's table, the last two tokens and time.

    The state is a dict of `table`, the `previous` token and the `coverage` of a source of 3 tokens,
    of which the last token of odd rows is padding. The memory is a `bias`.

    Args:
        rows: number of rows, each with a table of its own.
        seed: seed of the numbers.
        vocabulary: number of tokens; 0 is padding, 1 the start and 2 the end.
    """

    def __init__(self, rows, seed=0, vocabulary=VOCABULARY):
        rng = np.random.default_rng(seed)
        shape = (rows, vocabulary, vocabulary, vocabulary)
        self.tables = rng.normal(size=shape).astype("float32") * 1.5
        self.tables[..., 0] = self.tables[..., 1] = -1e9  # no padding, no start token
        self.bias = rng.normal(size=(rows, vocabulary)).astype("float32")
        self.attention = rng.dirichlet([0.3] * 3, size=vocabulary).astype("float32")  # of a token
        self.padding = np.zeros((rows, 3), "float32")
        self.padding[1::2, 2] = 1

    def step(self, token_ids, state, memory):
        """What a sampler calls: `(logits, state)` after one more token."""
        table, previous = state["table"], state["previous"]
        rows = ops.arange(ops.shape(token_ids)[0])
        size = table.shape[1]
        flat = ops.reshape(table, (-1, size))
        index = (rows * size + ops.cast(previous, rows.dtype)) * size
        logits = ops.take(flat, index + ops.cast(token_ids, rows.dtype), axis=0)
        coverage = state["coverage"] + ops.take(self.attention, token_ids, axis=0)
        state = {"table": table, "previous": ops.cast(token_ids, "int32"), "coverage": coverage}
        return logits + memory["bias"], state

    def search(
        self, sampler, limits=None, only=slice(None), return_trace=False, step=None, end=END
    ):
        """What a sampler finds, as a dict of arrays; with `return_trace` that and the trace."""
        count = len(self.tables)
        limits = np.full(count, LONGEST) if limits is None else np.array(limits)
        ids = np.arange(count, dtype="int32")[only]
        state = {
            "table": ops.convert_to_tensor(self.tables[only]),
            "previous": ops.zeros((len(ids),), dtype="int32"),
            "coverage": ops.convert_to_tensor(self.padding[only]),
        }
        results = sampler.search(
            step or self.step,
            state,
            {"bias": ops.convert_to_tensor(self.bias[only])},
            ops.full((len(ids),), START, dtype="int32"),
            end,
            LONGEST,
            ops.convert_to_tensor(limits[only].astype("int32")),
            ops.convert_to_tensor(ids),
            return_trace,
        )
        trace = {name: ops.convert_to_numpy(x) for name, x in results.pop("trace", {}).items()}
        results = {name: ops.convert_to_numpy(x) for name, x in results.items()}
        return (results, trace) if return_trace else results

    def logits(self, row, previous, last):
        """The logits of a row after its last two tokens."""
        return self.tables[row, previous, last] + self.bias[row]

    def log_probability(self, row, tokens):
        """The log-probability of `tokens` in float64."""
        total, previous, last = 0.0, 0, START
        for token in tokens:
            logits = self.logits(row, previous, last).astype("float64")
            total += logits[token] - np.logaddexp.reduce(logits)
            previous, last = last, token
        return total

    def covered(self, row, tokens):
        """The sum of log min(1, attention) over the source; a step attends by what it is fed."""
        fed = [START, *tokens[:-1]]
        attention = self.padding[row] + self.attention[fed].sum(axis=0)
        return np.log(np.minimum(attention, 1)).sum()

    def every_sequence(self, limit=LONGEST, ends=(END,)):
        """All sequences that end with one of `ends`, or at the limit."""
        inner = [i for i in range(END, self.tables.shape[-1]) if i not in ends]
        for length in range(1, limit + 1):
            for body in itertools.product(inner, repeat=length - 1):
                yield from ((*body, end) for end in ends)
        yield from itertools.product(inner, repeat=limit)


def sequence(results, row, k=0):
    """The tokens of the `k`-th answer of a row, in what a search found."""
    return tuple(results["token_ids"][row, k][: results["lengths"][row, k]].tolist())
