"""How fast files of lines are answered, by one process and by two, and whether memory stays flat.

    python -m benchmarks.bulk [--lines 10000000] [--answers 10000] [--model dates] [--workers 1 2]
                              [--served saved_models/dates/1]

First the files alone: LINES lines of generated words go through blocks of 10,000, and a function
that turns each around answers; once more they are skipped. It ends with an error where memory
grew by more than 5 % after the first tenth. Then `keras-seq generate MODEL` answers ANSWERS dates
as one share, as two, ...: lines a second, and seconds of processor for 1,000 lines, both from the
start of the processes to their end, and without what they take to answer nothing. `--served`
answers them in this process by a SavedModel, as a worker of Ray or Beam does; the first texts,
which start the graph, are not counted.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from benchmarks.streaming import Clock, generated_lines, memory
from benchmarks.timing import table
from keras_seq.datasets import dates, write_lines
from keras_seq.distributed import answering
from keras_seq.distributed.blocks import find_files, missing_blocks, write_block

BLOCK = 10_000


def files_alone(folder, count):
    """Print how fast lines go through; return by what part memory grew after the first tenth."""
    clock, sizes, tenth = Clock(), [], max(1, count // BLOCK // 10)
    write_lines(folder / "long.txt", generated_lines(count, 0))
    clock.tell("write the texts", count)
    files = find_files(str(folder / "long.txt"), folder / "out")
    for number, (path, _, lines) in enumerate(missing_blocks(files, folder / "out", BLOCK), 1):
        write_block(path, [line[::-1] for line in lines])
        if number % tenth == 0:
            sizes.append(memory())
            clock.tell(f"blocks, {len(sizes)} tenth(s)", tenth * BLOCK)
    clock.tell("the last of them", max(1, count - len(sizes) * tenth * BLOCK))
    assert not any(missing_blocks(files, folder / "out", BLOCK))
    clock.tell("skip them all", count)
    return max(sizes, default=1) / (sizes or [1])[0] - 1


def shares(folder, lines, model, workers):
    """Answer lines by so many processes at once; return the seconds, and those of processors."""
    name = f"{len(lines)}-{workers}"
    write_lines(folder / f"{name}.txt", lines)
    command = [sys.executable, "-m", "keras_seq.cli", "generate", model, "--sampler", "greedy"]
    command += ["--input", folder / f"{name}.txt", "--output", folder / name]
    command += ["--block-size", str(max(1, len(lines) // 20))]
    began, spent = time.perf_counter(), processor_seconds()
    processes = [
        subprocess.Popen([*command, "--shard", f"{i + 1}/{workers}"], stdout=subprocess.DEVNULL)
        for i in range(workers)
    ]
    if any([process.wait() for process in processes]):
        sys.exit("a process failed")
    written = [path.read_text("utf-8") for path in (folder / name).glob("*/*.txt")]
    assert sum(text.count("\n") for text in written) == len(lines)
    return time.perf_counter() - began, processor_seconds() - spent


def processor_seconds():
    """What the processes that have ended took."""
    times = os.times()
    return times.children_user + times.children_system


def served(texts, model, batch_size=64):
    """As a worker of an engine answers by a SavedModel: seconds, and those of processors."""
    answer = answering.load(*answering.locate(model), {"batch_size": batch_size})
    part = answering.PART * batch_size
    answer(texts[:part])
    began, spent = time.perf_counter(), time.process_time()
    answers = [line for i in range(0, len(texts), part) for line in answer(texts[i : i + part])]
    assert len(answers) == len(texts)
    return time.perf_counter() - began, time.process_time() - spent


def row(count, what, lines, seconds, spent):
    return [count, what, f"{lines / seconds:.1f}", f"{1000 * spent / lines:.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--model", default="dates")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--served")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        grown = files_alone(folder, args.lines) if args.lines else 0
        rows, texts = [], dates(args.answers, seed=1)[0]
        for count in args.workers:
            started, whole = (shares(folder, part, args.model, count) for part in ([], texts))
            for what, (seconds, spent) in (
                ("with the start", whole),
                ("without", tuple(map(float.__sub__, whole, started))),
            ):
                rows.append(row(count, what, len(texts), seconds, spent))
    if args.served:
        rows.append(row("served", args.served, len(texts), *served(texts, args.served)))
    print(table(["processes", "", "lines/s", "processor s / 1,000"], rows))
    print(f"memory after the first tenth grew by {grown:.1%}")
    if grown > 0.05:
        sys.exit("memory is not flat")


if __name__ == "__main__":
    main()
