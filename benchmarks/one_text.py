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

    KERAS_BACKEND=torch python -m benchmarks.one_text --tasks

is the speed of the other tasks, of the same sizes: `classify`, `tag` (with a CRF, and characters),
`score` of a language model, in tokens read a second, and its `stream`, in tokens written.
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
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger
from keras_seq.text import CharacterTokenizer, WordTokenizer
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


def by_task(repeats):
    """Tokens a second of each task, by the median of the rounds after 4, in which it is traced."""
    words = [f"w{i}" for i in range(SIZES["vocabulary"] - len(SPECIAL_TOKENS))]
    tokenizer = WordTokenizer([*SPECIAL_TOKENS, *words])
    texts = sentences(SIZES["count"], SIZES["length"], len(words), 2)
    config = {"cell": "gru", "units": SIZES["hidden"], "embedding_dim": SIZES["embedding"]}
    characters = CharacterTokenizer.from_texts(texts)
    classifier = TextClassifier(tokenizer, ["a", "b"], **config)
    tagger = TextTagger(tokenizer, characters, ["A", "B", "C"], **config)
    language_model = LanguageModel(tokenizer, **config)
    tasks = {
        "classify": lambda text: [classifier.classify(text)] * SIZES["length"],
        "tag": lambda text: tagger.tag(text.split()),
        "score": lambda text: [language_model.score(text)] * SIZES["length"],
        "stream": lambda text: list(language_model.stream(text, "greedy", TOKENS)),
    }
    rows = []
    for name, answer in tasks.items():
        speeds = []
        for _ in range(4 + repeats):
            began = time.perf_counter()
            tokens = sum(len(answer(text)) for text in texts)
            speeds.append(tokens / (time.perf_counter() - began))
        rows.append([name, statistics.median(speeds[4:])])
    print(timing.table(["task", "tokens a second"], rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--marian")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=int)
    parser.add_argument("--tasks", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    keras.utils.set_random_seed(0)
    if args.lengths:
        by_length(args.lengths)
        return
    if args.tasks:
        by_task(args.repeats)
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
