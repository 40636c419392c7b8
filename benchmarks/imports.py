"""How long `import keras_seq` takes on top of `import keras`.

    python -m benchmarks.imports [REPEATS]

Each in a fresh process, after one that is not counted; keras itself is imported before the clock
starts.
"""

import os
import statistics
import subprocess
import sys

PROGRAM = """
import time
import keras
began = time.perf_counter()
import keras_seq
print(time.perf_counter() - began)
"""


def main(repeats=5):
    for backend in ("tensorflow", "jax", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        seconds = [
            float(
                subprocess.run(
                    [sys.executable, "-c", PROGRAM],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for _ in range(repeats + 1)
        ][1:]
        print(
            f"{backend:<12} median {statistics.median(seconds):.3f} s, largest {max(seconds):.3f} s"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
