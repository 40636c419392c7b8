"""What all benchmarks of speed share: fair clocks, the machine in words, tables, JSON files."""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import time

VERSIONS = ("keras", "tensorflow", "jax", "torch", "numpy")
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "XLA_FLAGS")


def interleaved(functions, repeats, warmup=1):
    """Time functions in turns, so that what slows the machine for a while slows all of them.

    Each round runs every function once, and begins with another one than the round before, so that
    none has the same one before it every time.

    Args:
        functions: from name to a callable without arguments that blocks until its work is done. It
            may return the seconds that count, where they are not those of the whole call.
        repeats: how many rounds are kept.
        warmup: how many rounds are run before and thrown away.

    Returns:
        A dict from name to a list of `repeats` seconds.
    """
    names, seconds = list(functions), {name: [] for name in functions}
    for k in range(warmup + repeats):
        first = k % max(1, len(names))
        for name in names[first:] + names[:first]:
            began = time.perf_counter()
            own = functions[name]()
            took = time.perf_counter() - began
            if k >= warmup:
                seconds[name].append(took if own is None else own)
    return seconds


def spread(seconds):
    """The median and the range of a list of seconds, for a report."""
    return {
        "median": statistics.median(seconds),
        "least": min(seconds),
        "largest": max(seconds),
    }


def gemm_peaks(size=None, repeats=7):
    """GFLOP/s of a float32 product of two square matrices, best of `repeats`.

    Args:
        size: rows of the matrices; by default 2048, and 8192 on a GPU.
        repeats: how many rounds are timed.

    Returns:
        A dict from `"torch"` and the name of the running backend to GFLOP/s.
    """
    import keras
    import numpy as np
    import torch

    size = size or (8192 if gpu_name() else 2048)
    square = np.random.default_rng(0).normal(size=(size, size)).astype("float32")
    tensor = keras.ops.convert_to_tensor(square)
    matrix = torch.from_numpy(square).to(torch_device())

    # One number of the product is read: so it is done, and not all of it is copied.
    def product():
        keras.ops.convert_to_numpy(keras.ops.matmul(tensor, tensor)[0, 0])

    def torch_product():
        (matrix @ matrix)[0, 0].item()

    functions = {keras.config.backend(): product, "torch": torch_product}
    seconds = interleaved(functions, repeats, warmup=2)
    return {name: 2e-9 * size**3 / min(times) for name, times in seconds.items()}


def torch_device():
    """Where the PyTorch peers compute."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def gpu_name():
    """The GPU that the running backend computes on, or `None`."""
    import keras

    backend = keras.config.backend()
    if backend == "torch":
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    if backend == "jax":
        import jax

        found = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    else:
        import tensorflow as tf

        found = [
            tf.config.experimental.get_device_details(device).get("device_name", device.name)
            for device in tf.config.list_physical_devices("GPU")
        ]
    return found[0] if found else None


def machine(backend=True):
    """The machine and the versions, as a dict.

    Args:
        backend: whether this process runs a backend, which is then named with its GPU.
    """
    found = {"cpu": _cpu_model(), "cores": _cores(), "python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    found |= {name: os.environ[name] for name in THREADS if name in os.environ}
    if backend:
        import keras

        found |= {"backend": keras.config.backend(), "gpu": gpu_name()}
    return found


def _cpu_model():
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _cores():
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def table(headers, rows):
    """Rows of strings and numbers as text: words to the left, numbers to the right.

    >>> print(table(["layer", "ms"], [["LSTM", 12.345], ["GRU", 7.0], ["RNN", None]]))
    layer     ms
    -----  -----
    LSTM   12.35
    GRU     7.00
    RNN
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    words = [any(isinstance(row[k], str) for row in rows) for k in range(len(headers))]

    def line(values):
        parts = zip(values, widths, words, strict=True)
        padded = (text.ljust(n) if left else text.rjust(n) for text, n, left in parts)
        return "  ".join(padded).rstrip()

    return "\n".join([line(headers), line(["-" * n for n in widths]), *map(line, cells)])


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def write_json(path, report):
    """Write a report beside its place and rename it, so that a broken-off run leaves no half."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def parser(doc, repeats):
    """The command line that all benchmarks share.

    Args:
        doc: the docstring of the benchmark; its first line is the help.
        repeats: how many rounds by default.
    """
    arguments = argparse.ArgumentParser(description=doc.splitlines()[0])
    arguments.add_argument("--json", metavar="FILE", help="write the figures there too")
    arguments.add_argument("--quick", action="store_true", help="tiny sizes: does it run?")
    arguments.add_argument("--repeats", type=int, default=repeats, help="rounds; %(default)s")
    return arguments


class Report:
    """What a benchmark prints and writes.

    Args:
        name: the name of the benchmark.
        options: what `parser` read.
        backend: whether this process runs a backend.
        gemm: whether to measure the matrix product too.
    """

    def __init__(self, name, options, backend=True, gemm=True):
        self.content = {
            "benchmark": name,
            "options": vars(options),
            "machine": machine(backend),
            "results": [],
        }
        self.path = options.json
        print(", ".join(f"{key} {value}" for key, value in self.content["machine"].items()))
        if gemm:
            peaks = gemm_peaks(256 if options.quick else None)
            self.content["gemm_gflops"] = peaks
            print("float32 matrix product, GFLOP/s: ", end="")
            print(", ".join(f"{key} {value:,.0f}" for key, value in peaks.items()))
        print(flush=True)

    def add(self, title, headers, rows, results):
        """Print a table, and keep what goes into the file, which is written anew each time."""
        print(f"{title}\n{table(headers, rows)}\n", flush=True)
        self.content["results"] += results
        if self.path:
            write_json(self.path, self.content)
