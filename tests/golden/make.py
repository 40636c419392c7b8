"""Write golden files, and what the models in them answer, for what is not there yet.

    KERAS_BACKEND=torch python tests/golden/make.py

It was run on each backend with keras_seq 0.1.0, and then once more on each, since every backend
adds its own numbers of a training to the answers of all models. `tests/test_golden.py` holds the
library to these files. A file that is there is never written again, and must never be deleted to
make a test pass: whoever changes what an old file answers breaks the models that people have saved.
To pin more, add a model to `zoo.MODELS` and run this on the three backends: only what is missing is
written.
"""

import os
import pathlib
import sys

if os.environ.get("KERAS_BACKEND") == "torch":
    import torch  # noqa: F401  (after TensorFlow it can crash the process)

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import keras
import reading
import zoo
from reading import BACKEND, FOLDER

from keras_seq import __version__


def make(name, function):
    """Train a model of the zoo, and save it with its answers."""
    reading.begin(1)
    golden = function()
    model, path = reading.plainly(golden.model), FOLDER / f"{name}.keras"
    x, y = golden.x, golden.y
    record = {
        "written": {"keras_seq": __version__, "keras": keras.__version__, "backend": BACKEND},
        "bare": golden.bare,
        "trains": golden.trains,
        "tolerance": golden.tolerance,
        "data": [x, y],
    }
    x, y = reading.data_of(record)
    model.fit(x, y, batch_size=4, epochs=10, verbose=0, **golden.fit)
    if golden.quantize:
        model.quantize(golden.quantize)
    record["answers"] = [[question, reading.ask(model, question)] for question in golden.questions]
    record["evaluate"] = reading.evaluate(model, record)
    record["goes_on"] = {}
    model.save(path)
    reading.deflate(path)
    again = reading.read(path)  # Keras gives some weights other paths than before
    record["config"] = reading.config_of(again)
    record["weights"] = reading.variables_of(again.weights)
    record["optimizer"] = reading.optimizer_of(again)
    reading.write_record(name, record)
    print(name, path.stat().st_size)


def main():
    for name, (backend, function) in zoo.MODELS.items():
        if backend == BACKEND and not (FOLDER / f"{name}.keras").exists():
            make(name, function)
    for name in zoo.MODELS:
        if not (FOLDER / f"{name}.json").exists():
            continue
        record = reading.read_record(name)
        if reading.trains(record) and BACKEND not in record["goes_on"]:
            record["goes_on"][BACKEND] = reading.go_on(name, record)
            reading.write_record(name, record)
    first = reading.read_record("first_weights")
    for name, function in zoo.RICH.items():
        own = first.setdefault(name, {})
        if BACKEND not in own:
            own[BACKEND] = reading.first_epochs(function)
    reading.write_record("first_weights", first)
    if BACKEND == "torch":  # once is enough
        add("encodings", reading.encodings, zoo.TOKENIZERS, zoo.TEXTS)
        add("batches", reading.all_batches, zoo.RICH)


def add(name, function, table, *more):
    """Write down what a function says of those lines of a table that a record lacks."""
    record = reading.read_record(name)
    missing = {key: value for key, value in table.items() if key not in record}
    reading.write_record(name, {**record, **function(missing, *more)})


if __name__ == "__main__":
    main()
