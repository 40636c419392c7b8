"""A training step in a process that keeps its memory (`keep_memory`), by one in one that does not.

    KERAS_BACKEND=jax python -m benchmarks.kept_memory [--json FILE] [--quick] [--repeats N]

Each measurement is a real `fit` on one batch in a process of its own, with and without in turns.
"page faults" are the pages that a step is given anew by the system; "peak" is the most that the
process ever held.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys

import keras_seq as ks

LONG = (8, 4096, 64)
LARGE, SMALL = (64, 20, 20, 6000, 256, 512, 2), (128, 15, 15, 4000, 128, 256, 1)
CASES = {
    "LSTM (64, 40, 256)": ("layer", "LSTM", (64, 40, 256)),
    "LSTM (8, 4096, 64)": ("parallel", "LSTM", LONG),
    "MinGRU (8, 4096, 64)": ("parallel", "MinGRU", LONG),
    f"translator {LARGE}": ("luong", None, LARGE),
    f"translator {SMALL}": ("luong", None, SMALL),
}
QUICK = {
    "LSTM (3, 6, 8)": ("layer", "LSTM", (3, 6, 8)),
    "MinGRU (2, 16, 4)": ("parallel", "MinGRU", (2, 16, 4)),
    "translator (3, 5, 4, 11, 4, 6, 2)": ("luong", None, (3, 5, 4, 11, 4, 6, 2)),
}


def training(case, steps):
    """A function that trains for so many steps and returns the seconds of one."""
    from benchmarks import recurrence, seq2seq

    what, name, size = case
    if what == "luong":
        size = seq2seq.Size(*size)
        batch = seq2seq.make_batch(size, ragged=False)
        return seq2seq.ours(size, batch, steps, order="luong")[0]
    if what == "parallel":
        layer = getattr(ks.layers, name)(size[-1], return_sequences=True)
    else:
        (kind,) = (kind for kind in recurrence.KINDS if kind.name == name)
        layer = kind.make(True, size[-1])
    return recurrence.keras_functions(layer, size, what == "layer", steps)[0]


def measure_here(args):
    """Seconds of a step, its page faults and the peak in MiB, after a round to warm up."""
    if args.keep and not ks.keep_memory():
        raise SystemExit("Memory cannot be kept here.")
    train = training({**CASES, **QUICK}[args.case], args.steps)
    train()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    seconds = train()
    after = resource.getrusage(resource.RUSAGE_SELF)
    # `fit` takes one step more than it times.
    faults = (after.ru_minflt - before) / (args.steps + 1)
    return {"seconds": seconds, "faults": faults, "peak": after.ru_maxrss / 2**10}


def measure(case, keep, steps):
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.kept_memory", "--case", case]
    command += ["--steps", str(steps), *(["--keep"] if keep else [])]
    process = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run?")
    parser.add_argument("--repeats", type=int, default=3, help="processes of each; %(default)s")
    parser.add_argument("--steps", type=int, default=10, help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(measure_here(args)), flush=True)
        return
    from benchmarks import timing

    rows, results = [], {}
    for case in QUICK if args.quick else CASES:
        found = {False: [], True: []}
        for k in range(args.repeats):
            for keep in (False, True) if k % 2 == 0 else (True, False):
                found[keep].append(measure(case, keep, 2 if args.quick else args.steps))
        plain, kept = (
            {name: statistics.median(one[name] for one in ones) for name in ones[0]}
            for ones in found.values()
        )
        results[case] = {"plain": found[False], "kept": found[True]}
        times = 1000 * plain["seconds"], 1000 * kept["seconds"]
        pages = f"{plain['faults']:,.0f}, {kept['faults']:,.0f}"
        peaks = f"{plain['peak']:,.0f}, {kept['peak']:,.0f}"
        rows.append([case, *times, times[1] / times[0], pages, peaks])
        print(case, rows[-1][1:], file=sys.stderr, flush=True)
    headers = ["step", "ms", "kept, ms", "ratio", "page faults, kept", "peak MiB, kept"]
    print(timing.table(headers, rows))
    if args.json:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        report = {"machine": timing.machine(False), "backend": backend, "results": results}
        timing.write_json(args.json, report)


if __name__ == "__main__":
    main()
