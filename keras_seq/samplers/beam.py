"""Beam search."""

import keras
from keras import ops

from keras_seq.identifiers import check_positive
from keras_seq.samplers.sampler import Sampler, log_softmax

DEAD = -1e9  # the log-probability of a beam that holds no sequence; finite, so that sums stay so


@keras.saving.register_keras_serializable(package="keras_seq")
class Beam(Sampler):
    r"""Beam search with length normalisation and frozen finished beams.

        score(y) = log p(y | x) / ((5 + |y|) / 6) ** length_penalty

    |y| counts the end token. At each step the `width` best continuations by score are kept. A
    finished beam is frozen: it keeps its tokens and its score, and competes with the living ones.
    The answer is the beam with the best score. `length_penalty=0` ranks by the log-probability
    itself and favours short answers; larger values favour longer ones. A width of 1 is greedy
    search. Where fewer sequences exist than `width` asks for, the rest have the score -inf.

    Args:
        width: number of beams.
        length_penalty: exponent of the length normalisation, at least 0.

    Raises:
        ValueError: if `width` is not an integer above 0 or `length_penalty` is negative.

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
          section 7 (the length penalty).
    """

    def __init__(self, width=5, length_penalty=1.0):
        self.width = check_positive("width", width)
        if length_penalty < 0:
            raise ValueError(f"`length_penalty` must be at least 0; received {length_penalty!r}.")
        self.length_penalty = length_penalty

    def search(self, step, state, memory, start_token_ids, end_token_id, max_length, limits):
        """See `Sampler.search`; n is `width` here."""
        width = self.width
        batch = ops.shape(start_token_ids)[0]
        positions = ops.arange(max_length, dtype="int32")
        limits = ops.convert_to_tensor(limits, dtype="int32")
        first_rows = ops.arange(batch, dtype="int32")[:, None] * width  # (B, 1)

        def beams(x):  # (B, ...) -> (B * W, ...)
            return ops.repeat(x, width, axis=0)

        memory = keras.tree.map_structure(beams, memory)

        def proceed(t, _tokens, _last, finished, *_):
            return ops.logical_and(t < max_length, ops.any(ops.logical_not(finished)))

        def body(t, tokens, last, finished, lengths, total, state):
            logits, state = step(ops.reshape(last, (-1,)), state, memory)
            parents, chosen, total, lengths = self._best_continuations(
                log_softmax(logits), finished, lengths, total
            )
            rows = ops.reshape(first_rows + parents, (-1,))
            state = keras.tree.map_structure(lambda x: ops.take(x, rows, axis=0), state)
            finished = ops.take_along_axis(finished, parents, axis=1)
            tokens = ops.take_along_axis(tokens, parents[:, :, None], axis=1)
            tokens = ops.where(positions == t, chosen[:, :, None], tokens)
            finished = finished | (chosen == end_token_id) | (t + 1 >= limits[:, None])
            return t + 1, tokens, chosen, finished, lengths, total, state

        # Only the first beam lives at the start: all others would be copies of it.
        alone = ops.where(ops.arange(width) == 0, 0.0, DEAD)
        _, tokens, _, _, lengths, total, _ = ops.while_loop(
            proceed,
            body,
            (
                ops.convert_to_tensor(0, dtype="int32"),
                ops.zeros((batch, width, max_length), dtype="int32"),
                ops.reshape(beams(ops.cast(start_token_ids, "int32")), (batch, width)),
                ops.reshape(beams(limits <= 0), (batch, width)),
                ops.zeros((batch, width), dtype="int32"),
                ops.zeros((batch, width), dtype="float32") + ops.cast(alone, "float32"),
                keras.tree.map_structure(beams, state),
            ),
        )
        return self._ranked(tokens, lengths, total)

    def _best_continuations(self, log_probabilities, finished, lengths, total):
        """Choose among all continuations of all beams.

        Returns `(parents, chosen, total, lengths)`, each `(batch, width)`: the beam that each new
        beam continues, its new token, and its log-probability and length with that token.
        """
        size = log_probabilities.shape[-1]
        batch = ops.shape(finished)[0]
        log_probabilities = ops.reshape(log_probabilities, (batch, self.width, size))
        # A finished beam has one continuation, the padding, which costs nothing.
        only_padding = ops.cast(ops.where(ops.arange(size) == 0, 0.0, DEAD), "float32")
        log_probabilities = ops.where(finished[:, :, None], only_padding, log_probabilities)
        totals = total[:, :, None] + log_probabilities  # (B, W, V)
        lengths = lengths + ops.cast(ops.logical_not(finished), "int32")
        scores = self.score(totals, lengths[:, :, None])

        _, best = ops.top_k(ops.reshape(scores, (batch, self.width * size)), self.width)
        best = ops.cast(best, "int32")
        parents = best // size
        total = ops.take_along_axis(ops.reshape(totals, (batch, self.width * size)), best, axis=1)
        return parents, best % size, total, ops.take_along_axis(lengths, parents, axis=1)

    def score(self, log_probability, length):
        """Return the score of sequences with `log_probability` and `length`."""
        penalty = ((5.0 + ops.cast(length, "float32")) / 6.0) ** self.length_penalty
        return log_probability / penalty

    def _ranked(self, tokens, lengths, total):
        """Sort the beams of each row by score."""
        scores = self.score(total, lengths)
        scores, order = ops.top_k(scores, self.width)
        order = ops.cast(order, "int32")
        total = ops.take_along_axis(total, order, axis=1)
        dead = total < DEAD / 2
        return {
            "token_ids": ops.take_along_axis(tokens, order[:, :, None], axis=1),
            "lengths": ops.take_along_axis(lengths, order, axis=1),
            "log_probabilities": ops.where(dead, -float("inf"), total),
            "scores": ops.where(dead, -float("inf"), scores),
        }

    def get_config(self):
        return {"width": self.width, "length_penalty": self.length_penalty}
