"""The rules that hold for every sampler."""

from collections.abc import Callable

import numpy as np

from keras_seq.samplers import Sampler
from keras_seq.testing.comparing import json_copy
from keras_seq.testing.table import END, LONGEST, Table, sequence

DEAD = -1e8  # less is the log-probability of what cannot be
ROWS = 5
LIMITS = [LONGEST, 3, 1, 0, LONGEST]
TYPES = {
    "token_ids": "int32",
    "lengths": "int32",
    "log_probabilities": "float32",
    "scores": "float32",
}


def check_sampler(make: Callable[[], Sampler], trace: bool = True) -> None:
    """Check a sampler, a subclass of `keras_seq.samplers.Sampler`, on models that are tables.

    - `search` returns what `Sampler.search` describes: answers `(batch, n, max_length)` with
      nothing behind the end, their lengths, log-probabilities and scores, the best first.
    - The log-probability of an answer is that of its tokens.
    - A sequence ends with an end token, not before `min_length`, or at the limit of its row; a
      limit of 0 gives nothing.
    - A second search finds the same, and so does a copy by its config, through JSON.
    - A row does not depend on the other rows, given its `row_ids`.
    - The trace has every step: each sequence that is kept continues one of the step before, what
      has finished stays as it is, and the last step is the answer.

    Args:
        make: makes the sampler.
        trace: whether the sampler can return a trace.

    Raises:
        AssertionError: for the first rule that is broken.

    Example:

    >>> import keras
    >>> @keras.saving.register_keras_serializable(package="mine")
    ... class SecondBest(Sampler):
    ...     def get_next_token(self, log_probabilities):
    ...         return keras.ops.top_k(log_probabilities, 2)[1][:, 1]
    >>> check_sampler(SecondBest)
    """
    sampler, model = make(), Table(ROWS, seed=3)
    results = model.search(sampler, LIMITS)
    _check_contract(results)
    for row, limit in enumerate(LIMITS):
        for k in range(results["token_ids"].shape[1]):
            _check_answer(model, results, row, k, limit, sampler.min_length)
    for other, what in ((sampler, "a second search"), (json_copy(sampler), "a copy by its config")):
        _check_same(model.search(other, LIMITS), results, what)
    for row in (0, 1):
        alone = model.search(sampler, LIMITS, slice(row, row + 1))
        expected = {name: values[row : row + 1] for name, values in results.items()}
        _check_same(alone, expected, f"row {row} by itself")
    if trace:
        _check_trace(model, sampler, results)


def _check_contract(results):
    missing = TYPES.keys() - results.keys()
    assert not missing, f"`search` returns no {sorted(missing)}"
    count = results["lengths"].shape[-1]
    shapes = {name: (ROWS, count) for name in TYPES} | {"token_ids": (ROWS, count, LONGEST)}
    for name, dtype in TYPES.items():
        is_right = results[name].shape == shapes[name] and results[name].dtype == dtype
        assert is_right, (
            f"`{name}` is {results[name].dtype} {results[name].shape}, not {shapes[name]}"
        )
    best_first = (results["scores"][:, 1:] <= results["scores"][:, :-1]).all()
    assert best_first, "the answers do not stand in the order of their scores"


def _check_answer(model, results, row, k, limit, least):
    score, total = (results[name][row, k] for name in ("scores", "log_probabilities"))
    tokens = sequence(results, row, k)
    if not np.isfinite(score):  # there were not so many
        return
    assert not results["token_ids"][row, k, len(tokens) :].any(), f"something is behind {tokens}"
    assert END not in tokens[:-1], f"{tokens} goes on behind the end token"
    assert len(tokens) <= limit, f"{tokens} is longer than its limit, {limit}"
    ended = len(tokens) == limit or tokens[-1:] == (END,)
    assert ended, f"{tokens} ends before its limit, {limit}, without an end token"
    early = tokens[-1:] == (END,) and len(tokens) <= least
    assert not early, f"{tokens} ends before `min_length`, {least}"
    expected = model.log_probability(row, tokens)
    same = abs(total - expected) <= 1e-4 + 1e-5 * abs(expected)
    assert same, f"the log-probability of {tokens} is {expected}, not {total}"


def _check_same(results, expected, what):
    np.testing.assert_array_equal(
        results["token_ids"], expected["token_ids"], f"{what} finds something else"
    )
    for name in ("log_probabilities", "scores"):
        np.testing.assert_allclose(
            results[name], expected[name], atol=1e-5, err_msg=f"{what} has other {name}"
        )


def _check_trace(model, sampler, expected):
    results, trace = model.search(sampler, LIMITS, return_trace=True)
    _check_same(results, expected, "a search with a trace")
    names = ("parents", "token_ids", "log_probabilities", "scores", "finished")
    for row, limit in enumerate(LIMITS):
        if not limit:
            continue
        before = [((), 0.0, 0.0, False)] + [None] * (trace["parents"].shape[2] - 1)
        for t in range(1 + int(np.argmax(trace["finished"][row].all(axis=1)))):
            step = [trace[name][row, t].tolist() for name in names]
            before = [
                _continued(model, row, limit, before, *sequence_kept)
                for sequence_kept in zip(*step, strict=True)
            ]
        kept = [(tokens, score) for tokens, total, score, _ in before if total > DEAD]
        answers = [
            (sequence(results, row, k), score)
            for k, score in enumerate(results["scores"][row].tolist())
        ]
        assert kept == answers[: len(kept)], f"the trace ends in {kept}, not in {answers}"


def _continued(model, row, limit, before, parent, token, total, score, done):
    """A sequence of the trace, which continues one of the step before."""
    assert before[parent] is not None, "the trace continues a sequence that there is not"
    tokens, _, _, was_done = before[parent]
    if was_done:
        stays = token == 0 and before[parent] == (tokens, total, score, done)
        assert stays, f"in the trace {tokens} goes on after its end"
        return tokens, total, score, done
    tokens = (*tokens, token)
    if total < DEAD:  # there were not so many
        return tokens, total, score, done
    expected = model.log_probability(row, tokens)
    close = abs(total - expected) <= 1e-4 + 1e-5 * abs(expected)
    assert close, f"in the trace the log-probability of {tokens} is {total}, not {expected}"
    ends = token == END or len(tokens) == limit
    assert done == ends, f"in the trace {tokens} has{'' if done else ' not'} finished"
    return tokens, total, score, done
