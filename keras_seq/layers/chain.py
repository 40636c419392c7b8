"""The recursions over a chain of tags: forward, backward, the best path."""

import keras
from keras import ops

from keras_seq.backend import loop, predictions

# What a forbidden step scores: finite, so that no gradient is NaN, and beyond any real score.
FORBIDDEN = -1e12


def ends(mask):
    """Whether a step is the first, and the last, that `mask` leaves in its row: two `(B, T)`."""
    ordinal = ops.cumsum(ops.cast(mask, "int32"), axis=1)
    number = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
    return ops.logical_and(mask, ordinal == 1), ops.logical_and(mask, ordinal == number)


def path_score(potentials, emissions, tags, mask):
    """Return the score of one path in each row.

    Args:
        potentials: `(transitions, start, end)` of shapes `(N, N)`, `(N,)` and `(N,)`.
        emissions: `(B, T, N)`, 0 where masked.
        tags: int32 `(B, T)`; what stands at a masked step is not looked at.
        mask: boolean `(B, T)`.

    Returns:
        `(B,)`.
    """
    transitions, start, end = potentials
    tags = ops.where(mask, tags, 0)
    first, last = ends(mask)
    chosen = ops.take_along_axis(emissions, tags[..., None], axis=2)[..., 0]
    total = (
        ops.where(mask, chosen, 0.0)
        + ops.where(first, ops.take(start, tags, axis=0), 0.0)
        + ops.where(last, ops.take(end, tags, axis=0), 0.0)
    )
    # The steps that count, moved together: there a tag follows the one before it.
    steps = ops.arange(ops.shape(tags)[1], dtype="int32")
    order = ops.argsort(ops.where(mask, steps, steps + ops.shape(tags)[1]), axis=1)
    tags = ops.take_along_axis(tags, order, axis=1)
    count = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
    pairs = tags[:, :-1] * transitions.shape[0] + tags[:, 1:]
    moves = ops.take(ops.reshape(transitions, (-1,)), pairs, axis=0)
    moves = ops.where(steps[1:] < count, moves, 0.0)
    return ops.sum(total, axis=1) + ops.sum(moves, axis=1)


def forward(potentials, emissions, mask):
    """Sum over all paths up to each step.

    Returns:
        `(log_alpha, log_partition)`: the distribution of the tag at each step given the past,
        `(B, T, N)`, where a masked step repeats the one before; and the logarithm of the sum over
        all paths, `(B,)`, 0 where a row has no step.
    """
    transitions, start, end = potentials

    def step(x, alpha):
        reached = ops.logsumexp(alpha[:, :, None] + transitions, axis=1)  # (B, N)
        reached = ops.where(x["first"], start, reached) + x["emissions"]
        # Kept as a distribution: sums that grow with the length would lose their last digits.
        total = ops.logsumexp(reached, axis=1, keepdims=True)
        alpha = ops.where(x["mask"], reached - total, alpha)
        return (alpha, ops.where(x["mask"], total, 0.0)), alpha

    (alphas, totals), alpha = loop(step, _zeros(emissions), _steps(emissions, mask))
    closing = ops.where(ops.any(mask, axis=1), ops.logsumexp(alpha + end, axis=1), 0.0)
    return _swap(alphas), ops.sum(totals, axis=(0, 2)) + closing


def backward(potentials, emissions, mask):
    """Sum over all paths behind each step.

    Returns:
        log_beta, `(B, T, N)`: for each tag, the logarithm of the sum over all that may follow it,
        up to a number that is one for all tags of a step.
    """
    transitions, _, end = potentials

    def step(x, beta):
        behind = ops.logsumexp(transitions + (x["emissions"] + beta)[:, None, :], axis=2)  # (B, N)
        behind = behind - ops.logsumexp(behind, axis=1, keepdims=True)
        return beta, ops.where(x["mask"], behind, beta)

    betas, _ = loop(step, _zeros(emissions) + end, _steps(emissions, mask), reverse=True)
    return _swap(betas)


def best_path(potentials, emissions, mask):
    """Return the path of the highest score in each row, int32 `(B, T)`; 0 where masked."""
    if 0 in emissions.shape[:2]:  # Keras knows no maximum of nothing
        return ops.zeros(ops.shape(emissions)[:2], dtype="int32")
    transitions, start, end = potentials
    tag_ids = ops.arange(transitions.shape[0], dtype="int32")

    def advance(x, best):
        scores = best[:, :, None] + transitions  # (B, from, to)
        follows = ops.logical_and(x["mask"], ops.logical_not(x["first"]))
        origins = ops.where(follows, predictions(ops.swapaxes(scores, 1, 2)), tag_ids)
        reached = ops.where(x["first"], start, ops.max(scores, axis=1)) + x["emissions"]
        reached = reached - ops.max(reached, axis=1, keepdims=True)
        return origins, ops.where(x["mask"], reached, best)

    origins, best = loop(advance, _zeros(emissions), _steps(emissions, mask))

    def trace(origins, tag):
        origin = ops.sum(ops.where(tag_ids == tag[:, None], origins, 0), axis=1)
        return tag, ops.cast(origin, "int32")

    tags, _ = loop(trace, predictions(best + end), origins, reverse=True)
    return ops.where(mask, ops.transpose(tags), 0)


def _steps(emissions, mask):
    """What each step of a recursion reads, time first."""
    first, _ = ends(mask)
    flags = {"mask": mask, "first": first}
    flags = {name: ops.transpose(flag)[..., None] for name, flag in flags.items()}  # (T, B, 1)
    return {"emissions": _swap(emissions), **flags}


def _zeros(emissions):
    """Zeros `(B, N)`."""
    return ops.zeros((ops.shape(emissions)[0], emissions.shape[2]), dtype=emissions.dtype)


def _swap(x):
    return ops.transpose(x, (1, 0, 2))


def float_type(*tensors):
    """float64 if one of `tensors` is, else float32: half precision is too short for sums."""
    types = {keras.backend.standardize_dtype(x.dtype) for x in tensors}
    return "float64" if "float64" in types else "float32"
