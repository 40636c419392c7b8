"""One text at a time: tokens a second of a translator, greedily and by beam 5, beside Marian.

    KERAS_BACKEND=torch python -m benchmarks.one_text [--marian PYTHON] [--repeats 3] [--json FILE]

Ours has a bidirectional GRU, additive attention, one layer of 512, embeddings of 256 and 8,000
words on both sides, untrained; it never ends and writes 40 tokens for 12. PYTHON is that of an
environment with `pymarian` (see `benchmarks/peers/marian_translator.py`). All run on one core, in
turns. The first column is by the clock, the second by the processor's time, which other work
disturbs less. What is met for the first time (graphs, traces) is counted apart: "first" is the
seconds of the first round, of 30 texts, by the median of the others.

    KERAS_BACKEND=torch python -m benchmarks.one_text --lengths 50

measures that where each text is longer than the others: texts of 1 to 50 words in any order, each
once, by a model that has answered nothing yet, and all of them again.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import time

import keras

from benchmarks import timing
from benchmarks.peers.marian_translator import SIZES, sentences
from keras_seq import samplers
from keras_seq.models import Seq2Seq
from keras_seq.text import WordTokenizer
from keras_seq.text.tokenizer import SPECIAL_TOKENS

TOKENS = 40


def make_model():
    """A translator that never ends."""
    words = [f"w{i}" for i in range(SIZES["vocabulary"] - len(SPECIAL_TOKENS))]
    tokenizer = WordTokenizer([*SPECIAL_TOKENS, *words])
    model = Seq2Seq(
        tokenizer, tokenizer, cell="gru", units=SIZES["hidden"], embedding_dim=SIZES["embedding"]
    )
    model.generate("w1", max_length=1)
    bias = model.decoder.projection.bias
    values = keras.ops.convert_to_numpy(bias).copy()
    values[tokenizer.end_token_id] = -1e9
    bias.assign(values)
    return model, len(words)


def translate(model, texts, sampler):
    """Tokens a second, by the clock and by the processor's time."""
    began, spent = time.perf_counter(), time.process_time()
    for text in texts:
        model.generate(text, sampler, max_length=TOKENS)
    seconds = time.perf_counter() - began, time.process_time() - spent
    return [TOKENS * len(texts) / x for x in seconds]


def marian(python):
    """The same of Marian, by beam."""
    command = [python, "-m", "benchmarks.peers.marian_translator"]
    process = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in process.stdout.splitlines() if line.startswith(b"{")]
    return {line["beam"]: [line["tokens"] / x for x in line["seconds"]] for line in lines}


def by_length(count):
    """Seconds a text of texts of 1 to `count` words: at first, and again."""
    rows = []
    for name, sampler in (("greedy", samplers.Greedy()), ("beam 5", samplers.Beam(5))):
        model, words = make_model()  # another one, which has compiled nothing
        texts = [sentences(1, length, words, length)[0] for length in range(1, count + 1)]
        random.Random(0).shuffle(texts)
        first, again = (TOKENS / translate(model, texts, sampler)[0] for _ in range(2))
        rows.append([name, first, again, first / again])
    print(timing.table(["sampler", "first, s a text", "again", "times"], rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--marian")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=int)
    parser.add_argument("--json")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    keras.utils.set_random_seed(0)
    if args.lengths:
        by_length(args.lengths)
        return
    model, words = make_model()
    texts = sentences(SIZES["count"], SIZES["length"], words, 2)
    ours, theirs, first = {1: [], 5: []}, {1: [], 5: []}, {}
    for turn in range(args.repeats + 1):
        for beam, sampler in ((1, samplers.Greedy()), (5, samplers.Beam(5))):
            speed = translate(model, texts, sampler)
            if turn:
                ours[beam].append(speed)
            else:
                first[beam] = speed[0]
        if args.marian and turn:
            for beam, speed in marian(args.marian).items():
                theirs[beam].append(speed)
    rows, results = [], []
    for beam, speeds in ours.items():
        clock, spent = (statistics.median(x) for x in zip(*speeds, strict=True))
        row = {"beam": beam, "clock": clock, "processor": spent, "first": clock / first[beam]}
        if theirs[beam]:
            peer = [statistics.median(x) for x in zip(*theirs[beam], strict=True)]
            row |= {"marian": peer[0], "marian processor": peer[1]}
            row |= {"times": clock / peer[0], "times processor": spent / peer[1]}
        rows.append([*row.values()])
        results.append(row)
    print(timing.table([*results[0]], rows))
    if args.json:
        report = {"machine": timing.machine(False), "backend": keras.config.backend()}
        timing.write_json(args.json, report | {"results": results})


if __name__ == "__main__":
    main()
