"""How long `import keras_seq` takes on top of `import keras`.

    python -m benchmarks.imports [--json FILE] [--quick] [--repeats N]

Each in a fresh process, after one that is not counted; keras itself is imported before the clock
starts. The backends take turns.
"""

import functools
import os
import subprocess
import sys

from benchmarks import timing

PROGRAM = """
import time
import keras
began = time.perf_counter()
import keras_seq
print(time.perf_counter() - began)
"""


def seconds_of_import(backend):
    """The seconds that a fresh process on this backend takes."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(found.stdout)


def main():
    """Run all backends and print a table."""
    options = timing.parser(__doc__, repeats=5).parse_args()
    report = timing.Report("imports", options, backend=False, gemm=False)
    backends = ("torch",) if options.quick else ("tensorflow", "jax", "torch")
    functions = {backend: functools.partial(seconds_of_import, backend) for backend in backends}
    found = timing.interleaved(functions, 1 if options.quick else options.repeats)
    results = [{"backend": name, "seconds": timing.spread(times)} for name, times in found.items()]
    rows = [
        [one["backend"], 1e3 * one["seconds"]["median"], 1e3 * one["seconds"]["largest"]]
        for one in results
    ]
    report.add("import keras_seq", ["backend", "median ms", "largest ms"], rows, results)


if __name__ == "__main__":
    main()
