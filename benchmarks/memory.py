"""Peak memory of training a recurrent layer over many steps, and what `recompute` saves and costs.

    KERAS_BACKEND=torch python -m benchmarks.memory [--batch 32] [--steps 4096] [--units 64]
                                                    [--recompute 64] [--json FILE]

Each measurement is a `fit` in a process of its own: features -> layer -> mean over the steps ->
mean squared error, with Adam. "peak" is the most that the process ever held (resident) above what
it held before the first step; what a backend compiles is in it, so the same is measured with a
short row (SHORT steps), and "by length" is the difference: what grows with the steps. Times are
medians of the steps but the first. `torch.nn` is PyTorch's own LSTM, in a loop of its own.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from benchmarks import timing

SHORT = 128
KINDS = ("keras_seq", "keras_seq, recompute", "Keras", "torch.nn")


def resident():
    """MiB that this process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def ours_or_keras(kind, args):
    """A function that trains once on `fit`, of one layer of ours or of Keras."""
    import keras
    import numpy as np

    from keras_seq import layers

    if kind == "Keras":
        layer = keras.layers.LSTM(args.units, return_sequences=True)
    else:
        every = args.recompute if "recompute" in kind else None
        layer = layers.LSTM(args.units, return_sequences=True, recompute=every)
    inputs = keras.Input((args.steps, args.units))
    outputs = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(layer(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    x = np.random.default_rng(0).normal(size=(args.batch, args.steps, args.units)).astype("float32")
    return lambda: model.train_on_batch(x, x[:, 0, :1])


def of_torch(args):
    """The same of `torch.nn.LSTM`."""
    import torch

    layer, head = (
        torch.nn.LSTM(args.units, args.units, batch_first=True),
        torch.nn.Linear(args.units, 1),
    )
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], 1e-3)
    x = torch.randn(args.batch, args.steps, args.units)

    def train():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(head(layer(x)[0].mean(1)), x[:, 0, :1])
        loss.backward()
        optimizer.step()
        return loss.item()

    return train


def measure_here(args):
    train = of_torch(args) if args.kind == "torch.nn" else ours_or_keras(args.kind, args)
    before, seconds = resident(), []
    for _ in range(args.repeats + 1):
        began = time.perf_counter()
        float(train())
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {"peak": peak - before, "seconds": statistics.median(seconds[1:])}


def measure(kind, steps, args):
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--kind", kind, "--steps", str(steps)]
    for name in ("batch", "units", "recompute", "repeats"):
        command += [f"--{name}", str(getattr(args, name))]
    process = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=4096)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--recompute", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.kind:
        print(json.dumps(measure_here(args)), flush=True)
        return
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    rows, results = [], {}
    for kind in KINDS if backend == "torch" else KINDS[:-1]:
        short, long = measure(kind, SHORT, args), measure(kind, args.steps, args)
        grown = long["peak"] - short["peak"]
        results[kind] = {**long, "by_length": grown}
        first = results[KINDS[0]]
        times = grown / first["by_length"], long["seconds"] / first["seconds"]
        rows.append([kind, long["peak"], grown, times[0], 1000 * long["seconds"], times[1]])
    headers = ["layer", "peak MiB", "by length MiB", "times ours", "ms a step", "times ours"]
    print(timing.table(headers, rows))
    if args.json:
        report = {"machine": timing.machine(False), "backend": backend, "results": results}
        timing.write_json(args.json, report)


if __name__ == "__main__":
    main()
