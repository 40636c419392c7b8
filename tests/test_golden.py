"""Hold the library to files, numbers and encodings of before.

`tests/golden/make.py` says how they were written. A test that fails here means that models which
people have saved answer differently, or that a seed no longer gives the same training.

JAX and TensorFlow compile for every question, so that there one file of each task answers, and one
goes on with its training; with `KERAS_SEQ_GOLDEN=all` in the environment all of them do.
"""

import functools
import json
import os
import subprocess
import sys

import pytest
from golden import reading, zoo

from keras_seq.models import load_model

pytestmark = pytest.mark.every_backend

RECORDS = {name: reading.read_record(name) for name in zoo.MODELS}
EXACT = 1e-6
ALL = reading.BACKEND == "torch" or os.environ.get("KERAS_SEQ_GOLDEN") == "all"
CHEAP = (
    "translator_other_cell",
    "language_model_words",
    "classifier_topics",
    "tagger_softmax",
    "layers_pooling",
)
every_file = pytest.mark.parametrize("name", zoo.MODELS)
some_files = pytest.mark.parametrize("name", zoo.MODELS if ALL else CHEAP)


def assert_same(actual, expected, tolerance, place=""):
    """Assert that a nest is the expected one, or more: dicts may have further entries."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), place
        for key, value in expected.items():
            assert key in actual, f"{place}: {key} is missing"
            assert_same(actual[key], value, tolerance, f"{place}/{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), place
        assert len(actual) == len(expected), f"{place}: {actual} is not {expected}"
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            assert_same(one, other, tolerance, f"{place}/{i}")
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=tolerance, abs=tolerance, nan_ok=True), place
    else:
        assert actual == expected, f"{place}: {actual!r} is not {expected!r}"


def path_of(name):
    return reading.FOLDER / f"{name}.keras"


def read(path, record):
    """Read a model in the two ways that there are."""
    return reading.read(path) if record["bare"] else reading.plainly(load_model(path))


@functools.cache
def model_of(name):
    """The model of a file, for tests that leave it as it is."""
    return read(path_of(name), RECORDS[name])


def test_the_files_are_small():
    assert {path.stem for path in reading.FOLDER.glob("*.keras")} == set(zoo.MODELS)
    assert all(path_of(name).stat().st_size < 60_000 for name in zoo.MODELS)


@every_file
def test_the_config_is_the_same(name):
    assert_same(reading.config_of(model_of(name)), RECORDS[name]["config"], EXACT)


@every_file
def test_weights_and_optimizer_are_the_same_in_their_order(name):
    model, record = model_of(name), RECORDS[name]
    assert_same(reading.variables_of(model.weights), record["weights"], 1e-5)
    assert_same(reading.optimizer_of(model), record["optimizer"], 1e-5)


@some_files
def test_the_answers_are_the_same(name):
    model, record = model_of(name), RECORDS[name]
    for question, answer in record["answers"]:
        assert_same(reading.ask(model, question), answer, record["tolerance"], str(question)[:60])


@some_files
def test_the_evaluation_is_the_same(name):
    record = RECORDS[name]
    found = reading.evaluate(model_of(name), record)
    assert_same(found, record["evaluate"], record["tolerance"])
    assert set(found) == set(record["evaluate"])


@every_file
def test_a_file_that_is_written_again_holds_the_same(name, tmp_path):
    record, path = RECORDS[name], tmp_path / "again.keras"
    model_of(name).save(path)
    assert reading.stored_names(path) == reading.stored_names(path_of(name))
    again = read(path, record)
    assert_same(reading.config_of(again), record["config"], EXACT)
    assert_same(reading.variables_of(again.weights), record["weights"], 1e-5)
    assert_same(reading.optimizer_of(again), record["optimizer"], 1e-5)
    if reading.BACKEND == "torch":  # where a model is not compiled anew
        question, answer = record["answers"][0]
        assert_same(reading.ask(again, question), answer, record["tolerance"])


@pytest.mark.parametrize("name", zoo.MODELS if ALL else ["tagger_softmax"])
def test_training_goes_on_with_the_optimizer_that_was_saved(name):
    record = RECORDS[name]
    if not reading.trains(record):
        pytest.skip("quantised, or the file holds an optimiser of PyTorch")
    found = reading.go_on(name, record)
    assert_same(found, record["goes_on"][reading.BACKEND], 10 * record["tolerance"])


@pytest.mark.parametrize("task", zoo.RICH)
def test_a_seed_gives_the_same_first_weights_and_epochs(task):
    found = reading.first_epochs(zoo.RICH[task], epochs=2 if ALL else 0)
    expected = reading.read_record("first_weights")[task][reading.BACKEND]
    assert_same(found["weights"], expected["weights"], 1e-5)
    if ALL:
        assert_same(found["history"], expected["history"], 1e-3)


@pytest.mark.once
@pytest.mark.parametrize("name", zoo.TOKENIZERS)
def test_tokenizers_give_the_same_ids(name):
    found = reading.encodings({name: zoo.TOKENIZERS[name]}, zoo.TEXTS)[name]
    assert_same(found, reading.read_record("encodings")[name], EXACT)


@pytest.mark.once
@pytest.mark.parametrize("task", zoo.RICH)
def test_a_seed_gives_the_same_batches(task):
    found = reading.all_batches({task: zoo.RICH[task]})[task]
    assert_same(found, reading.read_record("batches")[task], EXACT)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("imports", ["keras, keras_seq", "keras_seq, keras"])
def test_keras_reads_the_files_where_the_package_is_imported(imports):
    script = f"import {imports}, json, sys\n" + (
        "models = [keras.saving.load_model(path) for path in sys.argv[1:]]\n"
        "print(json.dumps([len(model.weights) for model in models]))"
    )
    names = [*(f"{task}_rich" for task in zoo.RICH), "layers_tagging", "layers_pooling"]
    paths = [str(path_of(name)) for name in names]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *paths],
        capture_output=True,
        text=True,
        env={**os.environ},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    counts = [len(RECORDS[name]["weights"]) for name in names]
    assert json.loads(run.stdout.splitlines()[-1]) == counts
