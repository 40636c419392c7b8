"""Train short, test long: which position encodings read sequences longer than those they saw.

    KERAS_BACKEND=torch python -m benchmarks.length_generalisation --json length.json

A small causal `SelfAttentionEncoder` learns a task on sequences of 16 steps and answers at every
step of longer ones. The score at a length is the share of right answers in its second half: beyond
16 those are steps at positions that the training did not have.

- `recent`: a token is a key with a value. What value did this key have when it came last? The
  newest of many counts, and it is seldom far: the locality of language, as in Press, Smith & Lewis
  (2022), arXiv:2108.12409.
- `oldest`: what value did this key have when it came first? The longer the sequence, the further
  away and the more outnumbered it is.
- `back`: which token came 3 steps before? The place alone counts.

No encoding is the best of all at all of them, as Kazemnejad et al. (2023), arXiv:2305.19466, found:
ALiBi is for `recent`, none at all reads on in `oldest`, rotary positions are sharp in `back`.
"""

import keras
import numpy as np

from benchmarks.timing import Report, parser
from keras_seq.layers import LearntPositions, SelfAttentionEncoder
from keras_seq.layers.token_embedding import token_embedding

KEYS, VALUES, BACK = 4, 4, 3
TOKENS = KEYS * VALUES
LENGTHS = (16, 32, 64)
ENCODINGS = ("none", "sinusoidal", "learnt", "rotary", "alibi")


def recent(rng, rows, length):
    """`(tokens, answers, counts)`: the value that the token's key had when it came last."""
    return _recalled(rng, rows, length, newest=True)


def oldest(rng, rows, length):
    """`(tokens, answers, counts)`: the value that the token's key had when it came first."""
    return _recalled(rng, rows, length, newest=False)


def _recalled(rng, rows, length, newest):
    tokens = rng.integers(TOKENS, size=(rows, length))
    keys, values = tokens // VALUES, tokens % VALUES
    answers, known = np.zeros_like(tokens), np.zeros((rows, length), bool)
    memory, seen = np.zeros((rows, KEYS), int), np.zeros((rows, KEYS), bool)
    for t in range(length):
        here = np.arange(rows), keys[:, t]
        answers[:, t], known[:, t] = memory[here], seen[here]
        memory[here] = np.where(newest | ~seen[here], values[:, t], memory[here])
        seen[here] = True
    return tokens, answers, known


def back(rng, rows, length):
    """`(tokens, answers, counts)`: the token 3 steps before."""
    tokens = rng.integers(TOKENS, size=(rows, length))
    return tokens, np.roll(tokens, BACK, axis=1), np.arange(length) >= np.full((rows, 1), BACK)


TASKS = {"recent": recent, "oldest": oldest, "back": back}


def scores(task, positions, seed=0, steps=500, lengths=LENGTHS, units=32, num_layers=2, batch=64):
    """Train on the shortest of `lengths`, and return the score at each: a dict of floats."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    if positions == "learnt":
        positions = LearntPositions(max(lengths))
    model = keras.Sequential(
        [
            token_embedding(TOKENS, units, "float32"),
            SelfAttentionEncoder(
                units, num_layers, positions=positions, causal=True, return_sequences=True
            ),
            keras.layers.Dense(TOKENS),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss)
    tokens, answers, counts = task(rng, steps * batch, min(lengths))
    model.fit(tokens, answers, batch, sample_weight=counts.astype("float32"), verbose=0)
    return {length: _score(model, *task(rng, 512, length)) for length in lengths}


def _score(model, tokens, answers, counts):
    found = model.predict(tokens, batch_size=128, verbose=0).argmax(axis=-1)
    half = tokens.shape[1] // 2
    return float((found == answers)[:, half:][counts[:, half:]].mean())


def main():
    arguments = parser(__doc__, repeats=3)
    arguments.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    arguments.add_argument("--encodings", nargs="+", choices=ENCODINGS, default=list(ENCODINGS))
    arguments.add_argument("--steps", type=int, default=500, help="batches of 64 rows")
    options = arguments.parse_args()
    report = Report("length_generalisation", options, gemm=False)
    steps = 3 if options.quick else options.steps
    for name in options.tasks:
        rows, results = [], []
        for encoding in options.encodings:
            found = [scores(TASKS[name], encoding, seed, steps) for seed in range(options.repeats)]
            cells = [" ".join(f"{run[length]:.2f}" for run in found) for length in LENGTHS]
            rows.append([encoding, *cells])
            results.append({"task": name, "encoding": encoding, "scores": found})
        report.add(
            f"{name}: trained at {min(LENGTHS)}", ["encoding", *map(str, LENGTHS)], rows, results
        )


if __name__ == "__main__":
    main()
