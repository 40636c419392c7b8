"""How fast training data is read from files larger than memory, and whether memory stays flat.

    KERAS_BACKEND=torch python -m benchmarks.streaming [LINES]

Writes a parallel file of LINES lines (10,000,000) of generated words to a temporary folder, builds
both vocabularies from it, and then runs through all that `fit` does before a training step: check
the files, read, tokenise by words, shuffle, bucket, pad. Prints the lines a second and the memory
of the process at each tenth, and ends with an error where memory grew by more than 5 % after the
first.
"""

import pathlib
import sys
import tempfile
import time

import numpy as np

from keras_seq.datasets import Lines, stream_parallel, write_lines
from keras_seq.models import Seq2Seq
from keras_seq.text.pipeline import StreamedDataset

CHUNK = 10_000
WORDS = 50_000
BATCH_SIZE = 64


def generated_lines(count, side):
    """Lines of 3 to 60 words, most about 15, as frequent as Zipf's law has it.

    Line i of side 1 is about as long as line i of side 0, as with translations.
    """
    rng, common = np.random.default_rng(side + 1), np.random.default_rng(0)
    words = np.array([np.base_repr(n + 36**2, 36).lower() for n in range(WORDS)])
    odds = np.cumsum(1 / np.arange(10, WORDS + 10))
    for start in range(0, count, CHUNK):
        rows = min(CHUNK, count - start)
        lengths = common.lognormal(2.7, 0.5, rows) * rng.normal(1, 0.1, rows)
        lengths = lengths.astype(int).clip(3, 60)
        drawn = words[np.searchsorted(odds, rng.uniform(0, odds[-1], lengths.sum()))].tolist()
        end = 0
        for length in lengths.tolist():
            yield " ".join(drawn[end : end + length]) + "."
            end += length


def memory():
    """Resident memory of this process in MiB."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Clock:
    """Prints what was done since it was last asked."""

    def __init__(self):
        self.began = time.perf_counter()

    def tell(self, what, lines):
        seconds = time.perf_counter() - self.began
        print(
            f"{what:<28} {seconds:8.1f} s {lines / seconds:10,.0f} lines/s {memory():8.0f} MiB",
            flush=True,
        )
        self.began = time.perf_counter()


def main(count=10_000_000):
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, name) for name in ("source", "target")]
        clock = Clock()
        for side, path in enumerate(paths):
            write_lines(path, generated_lines(count, side))
        size = sum(path.stat().st_size for path in paths) / 2**20
        clock.tell(f"write {size:,.0f} MiB", count)
        model = Seq2Seq.from_texts(
            *map(Lines, paths), tokens="word", max_vocabulary=20_000, units=8
        )
        clock.tell("two vocabularies", count)
        pairs = stream_parallel(*paths)
        clock.tell("check the files", count)
        grown = iterate(pairs, model, count, clock)
    print(f"memory after the first tenth grew by {grown:.1%}")
    if grown > 0.05:
        sys.exit("memory is not flat")


def iterate(pairs, model, count, clock):
    """Run through one epoch; return by what part memory grew after the first tenth."""
    stream = StreamedDataset(pairs, model.encode_tensors, BATCH_SIZE, shuffle=True)
    shapes, seen, sizes, tokens, cells = set(), 0, [], 0, 0
    for inputs, labels, weights in stream.dataset:
        seen += BATCH_SIZE
        shapes.add((inputs["source_ids"].shape[1], labels.shape[1]))
        tokens += int(np.count_nonzero(weights.numpy()))
        cells += labels.shape[0] * labels.shape[1]
        if seen >= count * (len(sizes) + 1) // 10:
            sizes.append(memory())
            clock.tell(f"stream, {len(sizes)} tenth(s)", count // 10)
    print(
        f"{len(shapes)} shapes, {1 - tokens / cells:.1%} of the labels is padding: {sorted(shapes)}"
    )
    return max(sizes) / sizes[0] - 1


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
