"""Step time and tokens a second of a language model on one process and on two that share batches.

    KERAS_BACKEND=torch python -m benchmarks.distributed [--sizes 64 256 1024] [--json FILE]

Each measurement is a training of its own, in processes of its own, each bound to one core where
the system can do that, as libraries start threads for all cores they see: first one process, then
two that meet by `keras_seq.backend.join_workers`, as `keras-seq train --coordinator` does. Both
train on the same batches of BATCH streams of WINDOW tokens; a step is timed from the end of one
to that of the next, in `fit`, and the median is reported. On a machine with fewer cores than
processes the two share a core, and the table says nothing about two machines.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys

from benchmarks import timing

BATCH, WINDOW, VOCABULARY = 32, 64, 200
STEPS = 30
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--json")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def train(units, args):
    """Seconds of a step in this process, one of `args.workers`; the first step is left out."""
    import contextlib

    if hasattr(os, "sched_setaffinity"):  # before a library counts the cores and starts its threads
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[args.worker % len(cores)]})
    import keras
    import numpy as np

    import keras_seq as ks
    from benchmarks.steps import StepClock
    from keras_seq.backend import join_workers

    scope = contextlib.nullcontext()
    if args.workers > 1:
        addresses = [f"127.0.0.1:{args.port + i}" for i in range(args.workers)]
        scope = join_workers(addresses, args.workers, args.worker, 120)
    keras.utils.set_random_seed(0)
    words = np.array([f"w{i}" for i in range(VOCABULARY)])
    text = " ".join(np.random.default_rng(0).choice(words, BATCH * WINDOW * (args.steps + 1)))
    with scope:
        model = ks.models.LanguageModel.from_texts(
            text, tokens="word", units=units, embedding_dim=units, dropout=0.0, window=WINDOW
        )
        model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
        clock = StepClock()
        model.fit(text, batch_size=BATCH, epochs=1, verbose=0, callbacks=[clock])
    return statistics.median(clock.seconds())


def measure(units, workers, steps):
    """Seconds of a step where so many processes share the batches."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.distributed", "--sizes", str(units)]
    command += ["--steps", str(steps), "--workers", str(workers), "--port", str(port), "--worker"]
    processes = [
        subprocess.Popen(
            [*command, str(worker)], stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD}
        )
        for worker in range(workers)
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("a training has ended with an error, see above")
    return json.loads(outputs[0].splitlines()[-1])


def main():
    args = arguments()
    if args.worker is not None:
        print(json.dumps(train(args.sizes[0], args)), flush=True)
        return
    rows = []
    for units in args.sizes:
        for workers in (1, 2):
            seconds = measure(units, workers, args.steps)
            rows.append([units, workers, 1000 * seconds, BATCH * WINDOW / seconds])
            print(timing.table(["units", "processes", "ms a step", "tokens/s"], rows[-1:]))
    print(timing.table(["units", "processes", "ms a step", "tokens/s"], rows))
    if args.json:
        names = ("units", "processes", "milliseconds", "tokens_per_second")
        results = [dict(zip(names, row, strict=True)) for row in rows]
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        report = {"machine": timing.machine(False), "backend": backend, "results": results}
        timing.write_json(args.json, report)


if __name__ == "__main__":
    main()
