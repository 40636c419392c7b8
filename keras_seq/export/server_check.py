"""A look at an export as a server will see it."""

import time
from typing import Any

import numpy as np

from keras_seq._checks import check_positive
from keras_seq._processes import TENSORFLOW_ALONE, in_a_process
from keras_seq._tensorflow import tensorflow, tensorflow_text
from keras_seq._typing import PathLike
from keras_seq.export.answers import difference
from keras_seq.export.description import FILE, columns, predictions, read_json
from keras_seq.export.served import find_version, load
from keras_seq.export.warm_up import BATCHES, read_warm_up, repeated

UNTIMED = 3  # the first calls of a batch size are slower


def serve_check(path: PathLike, repeats: int = 50) -> dict[str, Any]:
    """Load an export in a fresh process, check its answers, and measure how long they take.

    The requests of the warm-up are sent (or, where there are none, the examples of
    `signature.json`), then each example: it must be answered as `signature.json` says, and a row of
    a batch of 32 as it is alone (but for the padding behind it). Then a batch of 1, the rows of the
    example in turn, and one of 32 are timed, from tensors to arrays, on the processor.

    Args:
        path: the folder of all versions, of which the newest is taken, or that of one version.
        repeats: how often each is timed.

    Returns:
        A dict, ready for JSON: `path` of the version; `load_seconds`; `replayed`, how many requests
        of the warm-up, and `warm_up`, whether they are those that the server will send; and
        `latencies`, a list of dicts with `signature`, `batch`, `median` and `p95`, the latter two
        in milliseconds.

    Raises:
        ValueError: for an export without `signature.json`, a request that is refused, and an answer
            that is another one.
    """
    check_positive("repeats", repeats)
    folder = find_version(path).absolute()
    described(folder)
    request = {"path": str(folder), "repeats": repeats}
    return in_a_process(measure, request, "The check", TENSORFLOW_ALONE)


def measure(read):
    """The part of the other process; see `serve_check`."""
    request = read()
    path, repeats = request["path"], request["repeats"]
    described(path)
    tensorflow()
    tensorflow_text()
    start = time.perf_counter()
    served = load(path)
    seconds = time.perf_counter() - start
    examples = {
        name: columns(signature["example"]["request"]["instances"])
        for name, signature in served.signatures.items()
    }
    requests = read_warm_up(served.path)
    for name, inputs in requests or examples.items():
        served.run(name, inputs if requests else served.tensors(name, inputs))
    for name, example in examples.items():
        check_answers(served, name, example)
    return {
        "path": path,
        "load_seconds": seconds,
        "replayed": len(requests or examples),
        "warm_up": bool(requests),
        "latencies": [
            {"signature": name, "batch": size, **latency(served, name, example, size, repeats)}
            for name, example in examples.items()
            for size in BATCHES
        ],
    }


def described(folder):
    """Return what `signature.json` says, or raise a `ValueError` where there is none."""
    description = read_json(folder)
    if description is None:
        raise ValueError(f"There is no {FILE} in {folder} to compare its answers with.")
    return description


def check_answers(served, name, example):
    """Raise a `ValueError` unless an example is answered as it was recorded, each row alone too."""
    expected = served.signatures[name]["example"]["response"]["predictions"]
    answers = predictions(served.ask(name, example))["predictions"]
    if changed := difference(expected, answers, where="predictions"):
        raise ValueError(
            f"The signature {name} does not answer its example as {FILE} says: {changed}."
        )
    count = len(answers)
    batch = {key: repeated(rows, BATCHES[-1]) for key, rows in example.items()}
    together = predictions(served.ask(name, batch))["predictions"]
    alone = [
        predictions(served.ask(name, _row(example, i)))["predictions"][0] for i in range(count)
    ]
    for i, answer in enumerate(together):
        if changed := difference(alone[i % count], answer, padded=True, where=f"row {i}"):
            raise ValueError(
                f"The signature {name} does not answer a row of a batch as it does alone: "
                f"{changed}."
            )


def latency(served, name, example, size, repeats):
    """Return the `median` and the 95th percentile, `p95`, of a batch, in milliseconds."""
    rows = len(next(iter(example.values())))
    if size == 1:
        requests = [_row(example, i) for i in range(rows)]
    else:
        requests = [{key: repeated(values, size) for key, values in example.items()}]
    requests = [served.tensors(name, inputs) for inputs in requests]
    for request in repeated(requests, max(UNTIMED, len(requests))):
        served.run(name, request)
    milliseconds = []
    for request in repeated(requests, repeats):
        start = time.perf_counter()
        served.run(name, request)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return {
        "median": float(np.median(milliseconds)),
        "p95": float(np.percentile(milliseconds, 95)),
    }


def _row(example, i):
    return {name: rows[i : i + 1] for name, rows in example.items()}
