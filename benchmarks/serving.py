"""Latency of an exported translator beside `generate`, on TensorFlow.

    KERAS_BACKEND=tensorflow python -m benchmarks.serving --model demo/dates.keras [--json FILE]

The translator of dates writes greedily: one text at a time, as a server gets them, and 32. Every
text is asked for both ways in turns, in one process; texts of all lengths come in random order, so
that whatever is compiled anew for a length shows. The export is made by the command of the package
and read by TensorFlow alone.
"""

import pathlib
import statistics
import tempfile
import time

import keras

from benchmarks import timing
from keras_seq import datasets
from keras_seq._tensorflow import tensorflow, tensorflow_text
from keras_seq.models import load_model

TEXTS = 64


def served(path):
    """The default signature of an export, and what must live as long."""
    tensorflow_text()
    loaded = tensorflow().saved_model.load(str(path))
    return loaded.signatures["serving_default"], loaded


def latencies(model, signature, texts, count, repeats):
    """Seconds of each call, in turns: `count` texts at a time."""
    tf = tensorflow()
    parts = [texts[i : i + count] for i in range(0, len(texts), count)]
    seconds = {"generate": [], "SavedModel": []}
    for part in parts:

        def generate(part=part):
            model.generate(part, sampler="greedy")

        def ask(part=part):
            signature(text=tf.constant(part))["outputs"].numpy()

        functions = {"generate": generate, "SavedModel": ask}
        for name, found in timing.interleaved(functions, repeats, warmup=2).items():
            seconds[name] += found
    return seconds


def first_calls(signature, texts):
    """Seconds of the first call for a text of each length, of lengths that were never asked."""
    tf, found = tensorflow(), {}
    for text in texts:
        if len(text) not in found:
            began = time.perf_counter()
            signature(text=tf.constant([text]))
            found[len(text)] = time.perf_counter() - began
    return list(found.values())


def main():
    """Run both and print the tables."""
    parser = timing.parser(__doc__, 5)
    parser.add_argument("--model", default="demo/dates.keras", help="a translator of dates")
    options = parser.parse_args()
    if keras.config.backend() != "tensorflow":
        raise SystemExit("An export runs on TensorFlow: set KERAS_BACKEND=tensorflow.")
    report = timing.Report("serving", options, gemm=False)
    model = load_model(options.model)
    texts, _ = datasets.dates(8 if options.quick else TEXTS, seed=5)
    with tempfile.TemporaryDirectory() as folder:
        path = model.export(pathlib.Path(folder) / "dates", sampler="greedy", verbose=False)
        signature, _alive = served(path)
        signature(text=tensorflow().constant(["x"]))
        first = first_calls(signature, texts)
        rows, results = [], []
        for count in (1, 32):
            seconds = latencies(model, signature, texts, count, options.repeats)
            medians = {name: statistics.median(found) for name, found in seconds.items()}
            ratio = medians["SavedModel"] / medians["generate"]
            rows.append([count, *(1e3 * medians[name] for name in seconds), ratio])
            spreads = {name: timing.spread(found) for name, found in seconds.items()}
            results.append({"texts": count, "ratio": ratio, "seconds": spreads})
    columns = ["texts at once", "generate, ms", "SavedModel, ms", "ratio"]
    report.add("Latency", columns, rows, results)
    spread = timing.spread(first)
    row = [len(first), *(1e3 * spread[name] for name in ("median", "largest"))]
    columns = ["lengths", "median, ms", "largest, ms"]
    report.add("First call of the SavedModel for each length", columns, [row], [spread])


if __name__ == "__main__":
    main()
