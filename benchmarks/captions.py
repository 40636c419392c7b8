"""The sentences of the benchmarks of translation."""

import os

import numpy as np

from keras_seq.datasets import multi30k

PAIRS = {"train": 29_000, "val": 1_014}
# Of the logarithms of the numbers of tokens of Multi30k's training sentences, German and English,
# lower-cased, as `WordTokenizer` splits them: mean and standard deviation; and the shortest and the
# longest one.
LENGTHS = ((2.48, 0.33), (2.53, 0.30))
RANGE = (3, 45)


def captions(split):
    """`(sources, targets, origin)`: Multi30k, German to English, or sentences as long as those.

    Without the files, for which `KERAS_SEQ_DATA` is asked, they are random words, as frequent as
    Zipf's law has it. The origin says which of both they are.
    """
    if "KERAS_SEQ_DATA" in os.environ:
        return *multi30k(split), f"Multi30k {split}, German to English"
    count = PAIRS[split]
    rng = np.random.default_rng(sorted(PAIRS).index(split))
    shared = rng.normal(size=count)  # a long source has a long target
    odds = np.cumsum(1 / np.arange(10, 20_010))
    texts = []
    for mean, deviation in LENGTHS:
        drawn = 0.8 * shared + 0.6 * rng.normal(size=count)
        lengths = np.exp(mean + deviation * drawn).round().astype(int).clip(*RANGE)
        words = np.searchsorted(odds, rng.uniform(0, odds[-1], lengths.sum()))
        rows = np.split(words, np.cumsum(lengths)[:-1])
        texts.append([" ".join(f"w{word}" for word in row) for row in rows])
    origin = f"KERAS_SEQ_DATA is not set: random sentences with the lengths of Multi30k {split}"
    return *texts, origin
