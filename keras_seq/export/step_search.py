"""Search over sequences of tokens and of tags in NumPy, as the samplers and the CRF of Keras do it.

Everything is for one text. `step(token_ids, state) -> (logits, state)` takes int32 `(rows,)` and a
dict of arrays, rows first, and returns `(rows, vocabulary_size)` and the new state.
"""

import numpy as np

from keras_seq._checks import check_count, check_number, check_positive

DEAD = np.float32(-1e9)  # the log-probability of what cannot be
UNSEEN = 1e-10  # attention below this counts as this

OPTIONS = {
    "greedy": {"min_length": 0},
    "random": {"temperature": 1.0, "top_k": None, "top_p": None, "seed": 0, "min_length": 0},
    "beam": {
        "width": 5,
        "length_penalty": 1.0,
        "coverage_penalty": 0.0,
        "n_best": None,
        "min_length": 0,
        "no_repeat_ngram": 0,
    },
}
"""The samplers that there are, and their options with what they are by default."""


def checked(sampler, options):
    """Return the options of a sampler; a `ValueError` for one that makes no sense."""
    for name in ("width", "n_best", "top_k"):
        if options.get(name) is not None:
            check_positive(name, options[name])
    for name in ("min_length", "no_repeat_ngram"):
        if name in options:
            check_count(name, options[name])
    for name in ("length_penalty", "coverage_penalty"):
        if name in options:
            check_number(name, options[name], 0)
    if sampler == "beam" and (options["n_best"] or 0) > options["width"]:
        raise ValueError(
            f"`n_best` must be at most `width`, {options['width']}; received {options['n_best']}."
        )
    if sampler == "random":
        check_number("temperature", options["temperature"], 0, above=True)
        top_p = options["top_p"]
        if top_p is not None and not 0 < check_number("top_p", top_p, 0) <= 1:
            raise ValueError(f"`top_p` must be a number in (0, 1] or None; received {top_p!r}.")
    return options


def log_softmax(logits):
    """The logarithms of the probabilities, float32 `(..., size)`."""
    logits = np.asarray(logits, "float32")
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def search(sampler, options, step, state, first, ends, limit, row=0):
    """Return what a sampler finds: a list of `(token_ids, score)`, best first.

    Args:
        sampler: a name in `OPTIONS`.
        options: its options, all of them.
        step, state: see above; the state is that of one row.
        first: the id that is fed first.
        ends: the ids that end a sequence.
        limit: after so many tokens it ends without.
        row: the number of the text, for `"random"`.
    """
    if sampler == "beam":
        options = {name: value for name, value in options.items() if name != "n_best"}
        return beam(step, state, first, ends, limit, **options)
    options = dict(options)
    early = options.pop("min_length")
    tokens, total = [], 0.0
    while len(tokens) < limit:
        logits, state = step(np.array([tokens[-1] if tokens else first], "int32"), state)
        likely = log_softmax(logits[0])
        token = next_token(sampler, options, likely, len(tokens), row, ends, early)
        tokens.append(token)
        total += float(likely[token])
        if token in ends:
            break
    return [(tokens, total)]


def next_token(sampler, options, likely, position, row=0, ends=(), early=0):
    """Return the token that is chosen of the log-probabilities `(vocabulary_size,)`."""
    if position < early:
        likely = likely.copy()
        likely[list(ends)] = DEAD
    return int(likely.argmax()) if sampler == "greedy" else draw(likely, position, row, **options)


def draw(likely, position, row, temperature, top_k, top_p, seed):
    """Draw a token: the arg max of what is likely plus noise, a hash of seed, row, place and id."""
    likely = likely / np.float32(temperature)
    if top_k is not None and top_k < len(likely):
        likely = np.where(likely < np.sort(likely)[-top_k], -np.inf, likely)
    if top_p is not None:
        ordered = np.sort(likely)[::-1]
        chances = np.exp(ordered - ordered[0])
        chances = chances / chances.sum()
        before = np.cumsum(chances) - chances
        kept = ordered[(before < top_p) | (top_p >= 1)]
        likely = np.where(likely < kept.min(), -np.inf, likely)
    with np.errstate(over="ignore"):
        key = _mix(_mix(_mix(_bits(seed)) ^ _bits(row)) ^ _bits(position))
        bits = _mix(key ^ _mix(np.arange(len(likely), dtype="uint32")))
    uniform = ((bits >> np.uint32(9)).astype("float32") + np.float32(0.5)) * np.float32(2.0**-23)
    return int((likely - np.log(-np.log(uniform))).argmax())


def _bits(number):
    return np.array([int(number) & 0xFFFFFFFF], "uint32")


def _mix(x):
    """Hash uint32 arrays, one to one."""
    x = x + np.uint32(0x9E3779B9)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def beam(
    step,
    state,
    first,
    ends,
    limit,
    width,
    length_penalty,
    coverage_penalty,
    min_length,
    no_repeat_ngram,
):
    """Beam search: the `width` best continuations are kept, what has finished among them."""
    state = {name: np.repeat(x, width, axis=0) for name, x in state.items()}
    tokens = np.zeros((width, max(limit, 1)), "int32")
    last = np.full(width, first, "int32")
    finished = np.full(width, limit <= 0)
    lengths = np.zeros(width, "int32")
    total = np.where(np.arange(width) == 0, np.float32(0), DEAD)  # one beam lives at the start
    covered = np.zeros(width, "float32")

    def score(total, length, covered=0.0):
        penalty = ((np.float32(5) + length.astype("float32")) / 6) ** np.float32(length_penalty)
        return total / penalty + np.float32(coverage_penalty) * covered

    for t in range(limit):
        if finished.all():
            break
        logits, state = step(last, state)
        logits = np.asarray(logits, "float32")
        allowed = logits.copy()
        if t < min_length:
            allowed[:, list(ends)] = DEAD
        if no_repeat_ngram:
            for row, written in zip(allowed, tokens[:, :t].tolist(), strict=True):
                row[_repeats(written, no_repeat_ngram)] = DEAD
        if coverage_penalty:
            seen = np.log(np.clip(state["coverage"], UNSEEN, 1)).sum(axis=-1)
            covered = np.where(finished, covered, seen)
        # No more than `width` continuations of one beam can be among the best.
        ids = np.argsort(-allowed, axis=-1, kind="stable")[:, :width]
        gains = np.take_along_axis(allowed - _log_sum(logits), ids, axis=1)
        # What has finished goes on with padding, which costs nothing.
        only = np.where(np.arange(ids.shape[1]) == 0, np.float32(0), DEAD)
        gains = np.where(finished[:, None], only, gains)
        ids = np.where(finished[:, None], 0, ids)
        totals, lengths = total[:, None] + gains, lengths + ~finished
        scores = np.where(totals < DEAD / 2, DEAD, score(totals, lengths[:, None]))
        best = np.argsort(-scores, axis=None, kind="stable")[:width]
        parents, last = best // ids.shape[1], ids.ravel()[best].astype("int32")
        tokens = tokens[parents]
        tokens[:, t] = last
        total, lengths, covered = totals.ravel()[best], lengths[parents], covered[parents]
        done = np.isin(last, list(ends)) | (total < DEAD / 2)
        finished = finished[parents] | done | (t + 1 >= limit)
        state = {name: x[parents] for name, x in state.items()}
    scores = np.where(total < DEAD / 2, -np.inf, score(total, lengths, covered))
    order = [k for k in np.argsort(-scores, kind="stable") if np.isfinite(scores[k])]
    return [(tokens[k, : lengths[k]].tolist(), float(scores[k])) for k in order]


def _log_sum(logits):
    largest = logits.max(axis=-1, keepdims=True)
    return largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))


def _repeats(tokens, n):
    """The tokens that would end an n-gram which stands in `tokens` already."""
    if len(tokens) < n - 1:
        return []
    end = tokens[len(tokens) - n + 1 :]
    grams = (tokens[i : i + n] for i in range(len(tokens) - n + 1))
    return [gram[-1] for gram in grams if gram[:-1] == end]


def best_path(emissions, transitions, start, end):
    """Viterbi's algorithm: the most probable tags, integers `(steps,)`.

    Args:
        emissions: `(steps, tags)`.
        transitions: `(tags, tags)`, from row to column.
        start, end: `(tags,)`.
    """
    best, origins = start + emissions[0], []
    for emission in emissions[1:]:
        scores = best[:, None] + transitions
        origins.append(scores.argmax(axis=0))
        best = scores.max(axis=0) + emission
        best = best - best.max()
    tags = [int((best + end).argmax())]
    for origin in reversed(origins):
        tags.append(int(origin[tags[-1]]))
    return np.array(tags[::-1], "int32")


def marginals(emissions, transitions, start, end):
    """Forward-backward: how probable each tag is at each step, float32 `(steps, tags)`."""
    alphas, betas = [log_softmax(start + emissions[0])], [end]
    for emission in emissions[1:]:
        reached = _log_sum((alphas[-1][:, None] + transitions).T)[:, 0] + emission
        alphas.append(log_softmax(reached))
    for emission in emissions[:0:-1]:
        behind = _log_sum(transitions + emission + betas[-1])[:, 0]
        betas.append(behind - _log_sum(behind[None])[0, 0])
    return np.exp(log_softmax(np.array(alphas) + np.array(betas[::-1])))
