"""The exact best sequence."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq._checks import check_count, check_positive
from keras_seq._typing import Nest, Tensor
from keras_seq.samplers.sampler import EndTokens, Sampler, Step, is_dead, is_end

NODES_AT_ONCE = 32


@keras.saving.register_keras_serializable(package="keras_seq")
class Exhaustive(Sampler):
    r"""The sequence with the largest log-probability of all, found by depth-first search.

    No continuation of a prefix is more probable than the prefix itself. So a prefix that is less
    probable than the best whole sequence known is left with all its continuations, and what is
    best when nothing is left to look at is the best of all. The greedy answer is the first one
    known. Several prefixes go through the model in one call of `step`, the most probable ones of
    those found last. The search runs in Python, one row after the other.

    It shows what a model holds for best, as against what a search finds: for translators that is
    often the empty sequence (Stahlberg & Byrne). Its score is the log-probability; the answer of
    `Beam(length_penalty=0.0)` is never better, and the same if the beam is wide enough.

    Besides what `Sampler.search` describes it returns `exact`, booleans `(batch,)`: whether the
    search came to its end, and `nodes`, integers `(batch,)`: how many prefixes it continued, the
    greedy ones not counted.

    Args:
        max_length: rows end after so many tokens if their limit is not less; `None` for the limit
            alone.
        max_nodes: the most prefixes to continue for a row. Where they run out, the answer is the
            best found so far, at least as good as the greedy one, and `exact` is false.
        min_length: how many tokens there are at least before the end token: it is the best of these
            sequences. A limit comes first.

    Raises:
        ValueError: if `max_length` or `max_nodes` is not an integer above 0, `min_length` none of
            at least 0; and by `search` if a trace is asked for.

    Example:

    >>> table = np.log([[0.01, 0.01, 0.4, 0.58], [0.01, 0.01, 0.3, 0.68]]).astype("float32")
    >>> def step(token_ids, state, memory):  # the greedy answer is 3, 3, of probability 0.39
    ...     return ops.take(table, token_ids // 3, axis=0), state
    >>> start = np.array([1])
    >>> found = Exhaustive().search(step, [], [], start, 2, 2, np.array([2]))
    >>> keras.ops.convert_to_numpy(found["token_ids"]).tolist(), found["exact"].tolist()
    ([[[2, 0]]], [True])

    References:
        - Stahlberg & Byrne, 2019, "On NMT search errors and model errors: cat got your tongue?",
          arXiv:1908.10090, algorithm 1.
    """

    on_host = True

    def __init__(
        self, max_length: int | None = None, max_nodes: int = 100_000, min_length: int = 0
    ):
        self.max_length = None if max_length is None else check_positive("max_length", max_length)
        self.max_nodes = check_positive("max_nodes", max_nodes)
        self.min_length = check_count("min_length", min_length)

    def search(
        self,
        step: Step,
        state: Nest,
        memory: Nest,
        start_token_ids: Tensor,
        end_token_id: EndTokens,
        max_length: int,
        limits: Tensor,
        row_ids: Tensor | None = None,
        return_trace: bool = False,
    ) -> dict[str, Any]:
        """See `Sampler.search`; the arrays that it returns are NumPy's."""
        del row_ids
        if return_trace:
            raise ValueError("`Exhaustive` has no trace; use `Beam` with `return_trace=True`.")
        start_token_ids = ops.convert_to_numpy(start_token_ids)
        limits = np.minimum(ops.convert_to_numpy(limits), self.max_length or max_length)
        rows = len(start_token_ids)
        result = {
            "token_ids": np.zeros((rows, 1, max_length), "int32"),
            "lengths": np.zeros((rows, 1), "int32"),
            "log_probabilities": np.zeros((rows, 1), "float32"),
            "exact": np.ones(rows, bool),
            "nodes": np.zeros(rows, "int32"),
        }
        for row in np.flatnonzero(limits > 0):
            limit, least = int(limits[row]), self.min_length
            tree = _Tree(step, memory, int(row), end_token_id, limit, least)
            root = tree.root(state, int(start_token_ids[row]))
            result["exact"][row], result["nodes"][row] = tree.search(root, self.max_nodes)
            result["token_ids"][row, 0, : len(tree.best)] = tree.best
            result["lengths"][row] = len(tree.best)
            result["log_probabilities"][row] = tree.best_total
        return {**result, "scores": result["log_probabilities"].copy()}


@dataclasses.dataclass(eq=False)
class _Prefix:
    """The beginning of a sequence.

    Attributes:
        state: the leaves of the model's state before its last token is fed, without batch axis.
        tokens: its tokens, a tuple.
        last: the last of them, the next to be fed.
        total: its log-probability.
    """

    state: list
    tokens: tuple
    last: int
    total: float


class _Family:
    """Prefixes that were found together, the most probable first.

    Args:
        state: leaves of the model's state, arrays with a row for each parent.
        tokens: the tokens of each parent, a list of tuples.
        totals: float64 `(parents, vocabulary_size)`, the log-probability of each continuation.
        wanted: booleans like `totals`: which continuations are in the family.
    """

    def __init__(self, state, tokens, totals, wanted):
        self.state, self.tokens = state, tokens
        parents, last = (x.astype("int32") for x in np.nonzero(wanted))
        order = np.argsort(-totals[wanted], kind="stable")
        self.parents, self.last, self.totals = parents[order], last[order], totals[wanted][order]
        self.taken = 0

    def cut(self, bound):
        """Forget the prefixes that are not more probable than `bound`."""
        self.totals = self.totals[: np.searchsorted(-self.totals, -bound)]

    def take(self, count):
        """Return the next prefixes, `count` or as many as there are."""
        chosen = range(self.taken, min(self.taken + count, len(self.totals)))
        self.taken += len(chosen)
        return [self._prefix(self.parents[i], int(self.last[i]), self.totals[i]) for i in chosen]

    def _prefix(self, parent, token, total):
        state = [leaf[parent] for leaf in self.state]
        return _Prefix(state, (*self.tokens[parent], token), token, total)

    def is_empty(self):
        return self.taken >= len(self.totals)


class _Tree:
    """All sequences of one row of a batch, and the best one known.

    Args:
        step: see `Sampler`.
        memory: the memory of the whole batch.
        row: the number of the row.
        end_token_id: the id that ends a sequence, or a tuple of several.
        limit: how many tokens end it without.
        least: how many tokens there are before the end.
    """

    def __init__(self, step, memory, row, end_token_id, limit, least):
        self.step, self.row = step, row
        copies = ops.full((NODES_AT_ONCE,), row, dtype="int32")
        self.memory = keras.tree.map_structure(lambda x: ops.take(x, copies, axis=0), memory)
        self.end_token_id, self.limit, self.least = end_token_id, limit, least
        self.best, self.best_total = (), -np.inf

    def root(self, state, start_token_id):
        """Return the empty prefix for the state of the whole batch."""
        self.structure, leaves = state, keras.tree.flatten(state)
        self.dtypes = [keras.backend.standardize_dtype(leaf.dtype) for leaf in leaves]
        leaves = [ops.convert_to_numpy(leaf)[self.row] for leaf in leaves]
        return _Prefix(leaves, (), start_token_id, 0.0)

    def search(self, root, max_nodes):
        """Find the best sequence; return `(exact, nodes)`."""
        self._descend(root)
        families, nodes = [self._continued([root])], 1
        while families and nodes < max_nodes:
            prefixes = _taken(families, min(NODES_AT_ONCE, max_nodes - nodes), self.best_total)
            nodes += len(prefixes)
            if prefixes:
                families.append(self._continued(prefixes))
        return not _taken(families, 1, self.best_total), nodes

    def _descend(self, prefix):
        """Take the most probable token until the end."""
        family = self._continued([prefix], only_best=True)
        while not family.is_empty():
            family = self._continued(family.take(1), only_best=True)

    def _continued(self, prefixes, only_best=False):
        """Keep the best of all sequences that end here; return the family of those that do not.

        What is not more probable than the best sequence is left out, and with `only_best` all but
        the most probable continuation.
        """
        log_probabilities, state = self._run(prefixes)
        totals = np.array([prefix.total for prefix in prefixes])[:, None] + log_probabilities
        tokens = [prefix.tokens for prefix in prefixes]
        lengths = np.array([len(t) + 1 for t in tokens])[:, None]
        ends = is_end(np.arange(totals.shape[1]), self.end_token_id)
        possible = ~is_dead(log_probabilities) & ~(ends & (lengths <= self.least))
        if only_best:
            possible &= totals == totals[possible].max(initial=-np.inf)
        ended = possible & (ends | (lengths == self.limit))
        whole = np.where(ended, totals, -np.inf)
        parent, token = np.unravel_index(whole.argmax(), whole.shape)
        if whole[parent, token] > self.best_total:
            self.best, self.best_total = (*tokens[parent], int(token)), whole[parent, token]
        return _Family(state, tokens, totals, possible & ~ended & (totals > self.best_total))

    def _run(self, prefixes):
        """Return float64 log-probabilities `(prefixes, vocabulary_size)`, and the new state."""
        missing = NODES_AT_ONCE - len(prefixes)  # always the same shape: nothing compiles twice
        rows = [*prefixes, *prefixes[:1] * missing]
        columns = zip(*(prefix.state for prefix in rows), strict=True)
        leaves = [
            ops.convert_to_tensor(np.stack(column), dtype=dtype)
            for column, dtype in zip(columns, self.dtypes, strict=True)
        ]
        state = keras.tree.pack_sequence_as(self.structure, leaves)
        last = ops.convert_to_tensor([prefix.last for prefix in rows], dtype="int32")
        logits, state = self.step(last, state, self.memory)
        logits = ops.convert_to_numpy(logits)[: len(prefixes)].astype("float64")
        leaves = [ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(state)]
        return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True), leaves


def _taken(families, count, bound):
    """Take the next `count` prefixes above `bound`; those found last come first."""
    prefixes = []
    while families and len(prefixes) < count:
        families[-1].cut(bound)
        prefixes += families[-1].take(count - len(prefixes))
        if families[-1].is_empty():
            families.pop()
    return prefixes
