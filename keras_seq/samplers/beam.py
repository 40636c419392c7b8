"""Beam search."""

from typing import Any

import keras
from keras import ops

from keras_seq._checks import as_number, check_count, check_positive
from keras_seq._typing import Nest, Tensor
from keras_seq.backend import top_k
from keras_seq.samplers.sampler import DEAD, EndTokens, Sampler, Step, is_dead, is_end, search_loop
from keras_seq.samplers.trace import empty_trace, extend_trace

UNSEEN = 1e-10  # attention below this counts as this: the logarithm of 0 is not finite


@keras.saving.register_keras_serializable(package="keras_seq")
class Beam(Sampler):
    r"""Beam search with length normalisation, coverage penalty and frozen finished beams.

        score(y) = log p(y | x) / ((5 + |y|) / 6) ** length_penalty
                   + coverage_penalty * sum_i log min(1, sum_j a_ij)

    |y| counts the end token, and a_ij is the weight with which token j attends to source token i.
    At each step the `width` best continuations are kept, by the first term with the length so far;
    of equals those of the better beam, and then the lower token id. A finished beam is frozen: it
    keeps its tokens and its score, and its place as long as it is among the best. When all have
    finished, the answer is the beam with the best score.

    As in Wu et al. the second term is for finished sequences only, and chooses among them: one that
    lives has not looked at all of the source yet, and is charged nothing. A source token that no
    token attends to counts as 1e-10, so that it costs 23 `coverage_penalty` and not infinitely
    much; padding costs nothing. Unlike there the finished share the `width` with the living, and
    the search ends when all have finished: a living beam that `width` others surpass is gone,
    though with a `length_penalty` a long and likely rest might have lifted it again.

    `length_penalty=0` ranks by the log-probability itself and favours short answers; larger values
    favour longer ones. A width of 1 is greedy search. Where fewer sequences exist than `width` asks
    for, the rest are empty and have the score -inf.

    Args:
        width: number of beams.
        length_penalty: exponent of the length normalisation, at least 0.
        coverage_penalty: how much it costs to leave source tokens without attention, at least 0.
            The model's state must be a dict with `coverage`, float `(batch, source_length)`: the
            sum of the attention weights so far, and 1 at padding. All continuations of a beam by
            one token attend alike, so it is looked at after the step.
        n_best: how many answers `generate` returns for each text, a list, best first; `None` for
            the best one, not in a list.
        min_length: how many tokens there are at least before the end token. A limit comes first.
        no_repeat_ngram: no sequence of so many tokens is written twice; 0 for no such rule. The
            log-probabilities stay those of the model.

    Raises:
        ValueError: if `width` or `n_best` is not an integer above 0, `n_best` is above `width`, a
            penalty is negative or infinite, `min_length` or `no_repeat_ngram` is no integer of at
            least 0; and by `search` if there is a coverage penalty and no coverage.

    Example:

    >>> import numpy as np
    >>> def step(token_ids, state, memory):
    ...     logits = np.log(np.array([[1e-9, 1e-9, 0.4, 0.6]], "float32"))
    ...     return ops.repeat(logits, token_ids.shape[0], axis=0), state
    >>> found = Beam(2, length_penalty=0.0).search(
    ...     step, [], [], np.array([0]), 2, 3, np.array([3])
    ... )
    >>> keras.ops.convert_to_numpy(found["token_ids"])[0, 0].tolist()
    [2, 0, 0]

    References:
        - Wu et al., 2016, "Google's neural machine translation system", arXiv:1609.08144,
          section 7 (both penalties).
        - Paulus, Xiong & Socher, 2017, "A deep reinforced model for abstractive summarization",
          arXiv:1705.04304, section 2.5 (no n-gram twice).
    """

    def __init__(
        self,
        width: int = 5,
        length_penalty: float = 1.0,
        coverage_penalty: float = 0.0,
        n_best: int | None = None,
        min_length: int = 0,
        no_repeat_ngram: int = 0,
    ):
        self.width = check_positive("width", width)
        self.length_penalty = _check_penalty("length_penalty", length_penalty)
        self.coverage_penalty = _check_penalty("coverage_penalty", coverage_penalty)
        self.n_best = None if n_best is None else check_positive("n_best", n_best)
        if n_best is not None and n_best > width:
            raise ValueError(f"`n_best` must be at most `width`, {width}; received {n_best}.")
        self.min_length = check_count("min_length", min_length)
        self.no_repeat_ngram = check_count("no_repeat_ngram", no_repeat_ngram)

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
        """See `Sampler.search`; n is `width` here.

        In the trace, a beam that holds no sequence has the log-probability -inf and stands last.
        """
        del row_ids
        width = self.width
        batch = ops.shape(start_token_ids)[0]
        limits = ops.convert_to_tensor(limits, dtype="int32")
        self._check_state(state)

        def repeated(x):  # (B, ...) -> (B * W, ...)
            return ops.repeat(x, width, axis=0)

        held = {
            "limits": limits[:, None],
            "first_rows": ops.arange(batch, dtype="int32")[:, None] * width,  # (B, 1)
            "memory": keras.tree.map_structure(repeated, memory),
        }

        def proceed(t, beams, *_):
            return ops.logical_and(t < max_length, ops.any(ops.logical_not(beams["finished"])))

        def body(held, t, beams, state, trace):
            logits, state = step(ops.reshape(beams["last"], (-1,)), state, held["memory"])
            candidates = self._candidates(logits, beams["tokens"], t, end_token_id)
            covered = self._covered(state, beams["covered"])
            covered = ops.where(beams["finished"], beams["covered"], covered)
            parents, beams = self._best_continuations(t, *candidates, {**beams, "covered": covered})
            ends = is_end(beams["last"], end_token_id) | (t + 1 >= held["limits"])
            beams["finished"] = beams["finished"] | ends | is_dead(beams["total"])
            rows = ops.reshape(held["first_rows"] + parents, (-1,))
            state = keras.tree.map_structure(lambda x: ops.take(x, rows, axis=0), state)
            return t + 1, beams, state, self._extend(trace, t, parents, beams)

        # Only the first beam lives at the start: all others would be copies of it.
        alone = ops.cast(ops.where(ops.arange(width) == 0, 0.0, DEAD), "float32")
        beams = {
            "tokens": ops.zeros((batch, width, max_length), dtype="int32"),
            "last": ops.reshape(repeated(ops.cast(start_token_ids, "int32")), (batch, width)),
            "finished": ops.reshape(repeated(limits <= 0), (batch, width)),
            "lengths": ops.zeros((batch, width), dtype="int32"),
            "total": ops.zeros((batch, width), dtype="float32") + alone,
            "covered": ops.zeros((batch, width), dtype="float32"),
        }
        zero = ops.convert_to_tensor(0, dtype="int32")
        trace = empty_trace(batch, max_length, width) if return_trace else {}
        state = keras.tree.map_structure(repeated, state)
        kind = step, self, (end_token_id, max_length, return_trace)
        variables = (zero, beams, state, trace)
        _, beams, _, trace = search_loop(kind, proceed, body, held, variables)
        result = self._ranked(beams)
        return {**result, "trace": trace} if return_trace else result

    def score(self, log_probability: Tensor, length: Tensor, covered: Tensor = 0.0) -> Tensor:
        """Return the score of sequences.

        Args:
            log_probability: that of the whole sequence.
            length: its number of tokens.
            covered: the sum of log min(1, attention) over the source tokens.
        """
        penalty = ((5.0 + ops.cast(length, "float32")) / 6.0) ** self.length_penalty
        return log_probability / penalty + self.coverage_penalty * covered

    def _covered(self, state, before):
        """The sum over the source in the coverage penalty, `(batch, width)`."""
        if not self.coverage_penalty:
            return before
        attention = ops.clip(ops.cast(state["coverage"], "float32"), UNSEEN, 1.0)  # (B * W, S)
        return ops.reshape(ops.sum(ops.log(attention), axis=-1), (-1, self.width))

    def _candidates(self, logits, tokens, position, end_token_id):
        """Return the log-probabilities and the ids of the best tokens after each beam.

        No more than `width` continuations of one beam can be among the `width` best of all, so
        that the vocabulary is looked through only once. Both are `(batch, width, count)`.
        """
        logits = ops.cast(logits, "float32")
        best, ids = top_k(
            self._allowed(logits, tokens, position, end_token_id),
            min(self.width, logits.shape[-1] or self.width),
        )
        best = best - ops.logsumexp(logits, axis=-1, keepdims=True)
        shape = (-1, self.width, best.shape[-1])
        return ops.reshape(best, shape), ops.reshape(ops.cast(ids, "int32"), shape)

    def _allowed(self, logits, tokens, position, end_token_id):
        """Take away what `min_length` and `no_repeat_ngram` forbid; all are `(B * W, V)`."""
        size = ops.shape(logits)[-1]
        if self.min_length:
            too_early = is_end(ops.arange(size), end_token_id) & (position < self.min_length)
            logits = ops.where(too_early, DEAD, logits)
        if self.no_repeat_ngram:
            again = _repeats(tokens, position, self.no_repeat_ngram, size)
            logits = ops.where(again, DEAD, logits)
        return logits

    def _best_continuations(self, position, log_probabilities, candidates, beams):
        """Choose among the candidates of all beams.

        Returns `(parents, beams)`: the numbers `(batch, width)` of the beams that the new beams
        continue, and the new beams, each with its new token.
        """
        finished, lengths = beams["finished"], beams["lengths"]
        batch, count = ops.shape(finished)[0], candidates.shape[-1]
        # A finished beam has one continuation, the padding, which costs nothing.
        only_padding = ops.cast(ops.where(ops.arange(count) == 0, 0.0, DEAD), "float32")
        log_probabilities = ops.where(finished[:, :, None], only_padding, log_probabilities)
        candidates = ops.where(finished[:, :, None], 0, candidates)
        totals = beams["total"][:, :, None] + log_probabilities  # (B, W, W)
        lengths = lengths + ops.cast(ops.logical_not(finished), "int32")
        scores = ops.where(is_dead(totals), DEAD, self.score(totals, lengths[:, :, None]))

        _, best = top_k(ops.reshape(scores, (batch, self.width * count)), self.width)
        best = ops.cast(best, "int32")
        parents = best // count
        chosen = ops.take_along_axis(ops.reshape(candidates, (batch, -1)), best, axis=1)
        tokens = ops.take_along_axis(beams["tokens"], parents[:, :, None], axis=1)
        here = ops.arange(tokens.shape[-1], dtype="int32") == position
        return parents, {
            "tokens": ops.where(here, chosen[:, :, None], tokens),
            "last": chosen,
            "finished": ops.take_along_axis(finished, parents, axis=1),
            "lengths": ops.take_along_axis(lengths, parents, axis=1),
            "total": ops.take_along_axis(ops.reshape(totals, (batch, -1)), best, axis=1),
            "covered": ops.take_along_axis(beams["covered"], parents, axis=1),
        }

    def _scores(self, beams, covered):
        """The scores of the beams, -inf where there is no sequence."""
        scores = self.score(beams["total"], beams["lengths"], covered)
        return ops.where(is_dead(beams["total"]), -float("inf"), scores)

    def _extend(self, trace, position, parents, beams):
        total = beams["total"]
        return trace and extend_trace(
            trace,
            position,
            parents=parents,
            token_ids=beams["last"],
            log_probabilities=ops.where(is_dead(total), -float("inf"), total),
            scores=self._scores(beams, ops.where(beams["finished"], beams["covered"], 0.0)),
            finished=beams["finished"],
        )

    def _ranked(self, beams):
        """Sort the beams of each row by score."""
        scores, order = top_k(self._scores(beams, beams["covered"]), self.width)
        order = ops.cast(order, "int32")
        total = ops.take_along_axis(beams["total"], order, axis=1)
        dead = is_dead(total)
        tokens = ops.take_along_axis(beams["tokens"], order[:, :, None], axis=1)
        return {
            "token_ids": ops.where(dead[:, :, None], 0, tokens),
            "lengths": ops.where(dead, 0, ops.take_along_axis(beams["lengths"], order, axis=1)),
            "log_probabilities": ops.where(dead, -float("inf"), total),
            "scores": scores,
        }

    def _check_state(self, state):
        if self.coverage_penalty and not (isinstance(state, dict) and "coverage" in state):
            held = sorted(state) if isinstance(state, dict) else type(state).__name__
            raise ValueError(
                "`coverage_penalty` needs a model with attention, whose state is a dict with "
                f"`coverage`; received a state of {held}."
            )


def _repeats(tokens, position, n, size):
    """Which next tokens would end an n-gram that stands in `tokens` already.

    Args:
        tokens: int32 `(batch, width, max_length)`.
        position: how many of them are written, an int32 scalar.
        n: the length of the n-grams.
        size: the size of the vocabulary.

    Returns:
        Booleans `(batch * width, size)`.
    """
    length = tokens.shape[-1]
    tokens = ops.reshape(tokens, (-1, length))  # (R, L)
    places = ops.arange(length, dtype="int32")
    # An n-gram ends at a place if the n - 1 tokens before it are the last n - 1 written.
    same = ops.broadcast_to((places >= n - 1) & (places < position), ops.shape(tokens))
    for back in range(1, n):
        last = ops.take(tokens, ops.maximum(position - back, 0), axis=1)  # (R,)
        same = same & (ops.roll(tokens, back, axis=1) == last[:, None])
    rows = ops.broadcast_to(ops.arange(ops.shape(tokens)[0])[:, None], ops.shape(tokens))
    # Where nothing ends, a column beyond the vocabulary is marked, which is cut off.
    marked = ops.where(same, tokens, size)
    indices = ops.stack([ops.reshape(ops.cast(x, "int32"), (-1,)) for x in (rows, marked)], axis=-1)
    counts = ops.zeros((ops.shape(tokens)[0], size + 1), dtype="int32")
    counts = ops.scatter_update(counts, indices, ops.ones_like(indices[:, 0]))
    return counts[:, :size] > 0


def _check_penalty(name, value):
    number = as_number(value)
    if number is None or not 0 <= number < float("inf"):
        raise ValueError(f"`{name}` must be a number of at least 0; received {value!r}.")
    return number
