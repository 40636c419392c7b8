"""Exports that are refused, broken off, or made by hand."""

import json
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from c_program import ask

import keras_seq as ks
from keras_seq.export import task_export, version_folder
from keras_seq.export.version_folder import new_version, versions
from keras_seq.export.warm_up import read_warm_up
from keras_seq.models.base.exporting import write_export


@pytest.fixture(scope="module")
def model():
    return ks.models.TextClassifier.from_texts(["a b", "b c"], ["x", "y"], units=2)


@pytest.fixture
def no_process(monkeypatch):
    """Whatever is wrong is said before a process is started."""

    def fail(*given, **more):
        raise AssertionError("a process was started")

    monkeypatch.setattr(task_export, "in_a_process", fail)


def untouched(path):
    return not path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "litert"}, "litert"),
        ({"version": 0}, "at least 1"),
        ({"version": "3"}, "at least 1"),
        ({"version": True}, "at least 1"),
        ({"sampler": "beam"}, "takes examples; received sampler"),
        ({"examples": []}, "must hold a text"),
        ({"examples": "one text"}, "list of texts"),
        ({"input_signature": [1, 2]}, "dict of specs"),
        ({"input_signature": {"token_ids": keras.InputSpec(shape=(2, None))}}, "the batch"),
        ({"custom_modules": [3]}, "names of modules"),
        ({"custom_modules": "__main__"}, "names of modules"),
        ({"batching": {"max_batch_size": 0}}, "max_batch_size"),
    ],
)
def test_what_makes_no_sense_is_refused(model, tmp_path, no_process, options, message):
    with pytest.raises(ValueError, match=message):
        model.export(tmp_path / "m", **options)
    assert untouched(tmp_path / "m")


def test_search_options_are_checked(tmp_path, no_process):
    writer = ks.models.LanguageModel.from_texts("abc", units=2)
    for options, message in (
        ({"sampler": "exhaustive"}, "searches in Python"),
        ({"sampler": "greedy", "n_best": 2}, "finds several answers"),
        ({"sampler": "best"}, "best"),
        ({"max_length": 0}, "max_length"),
    ):
        with pytest.raises(ValueError, match=message):
            writer.export(tmp_path / "m", **options)
    assert untouched(tmp_path / "m")


@pytest.mark.parametrize(
    "options",
    [
        {"batching": True},
        {"input_signature": {"token_ids": keras.InputSpec(shape=(None, None), dtype="int32")}},
    ],
)
def test_what_is_for_a_server_is_not_for_onnx(model, tmp_path, no_process, options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` is for a SavedModel"):
        model.export(tmp_path / "m.onnx", format="onnx", **options)


def test_a_version_is_never_replaced(model, tmp_path, no_process):
    (tmp_path / "2").mkdir()
    with pytest.raises(ValueError, match="2 exists already"):
        model.export(tmp_path, version=2)
    assert versions(tmp_path) == [2]


def test_a_path_that_cannot_be_written_to(model, tmp_path, no_process):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "m", pathlib.Path("/proc/keras_seq")):
        with pytest.raises(ValueError, match="cannot be written to"):
            model.export(path)
    with pytest.raises(ValueError, match=r"must end in \.onnx"):
        model.export(tmp_path / "m", format="onnx")
    with pytest.raises(ValueError, match=r"cannot be written to: .*file is no folder"):
        model.export(tmp_path / "file" / "m.onnx", format="onnx")
    with pytest.raises(
        ValueError, match=r"m\.onnx ends in \.onnx, which goes with format=\"onnx\""
    ):
        model.export(tmp_path / "m.onnx")


class Unbuilt(ks.models.Task):
    def make_signatures(self):
        return []


def test_weights_must_be_there(tmp_path, no_process):
    with pytest.raises(ValueError, match="Unbuilt has no weights yet"):
        Unbuilt().export(tmp_path / "m")
    assert untouched(tmp_path / "m")


def test_a_task_that_serves_nothing_says_so(tmp_path, no_process):
    with pytest.raises(NotImplementedError, match="must define make_signatures"):
        ks.models.Task().export(tmp_path / "m")


def test_what_the_script_itself_defines_is_refused(tmp_path, no_process, monkeypatch):
    class Mine(ks.layers.VanillaRNNCell):
        pass

    monkeypatch.setattr(Mine, "__module__", "__main__")
    with keras.saving.custom_object_scope({"mine>Mine": Mine}):
        keras.saving.register_keras_serializable(package="mine")(Mine)
        own = ks.models.TextClassifier.from_texts(["a", "b"], ["x", "y"], cell=Mine(2), units=2)
        with pytest.raises(ValueError, match="Mine is defined in the script that runs"):
            own.export(tmp_path / "m")
    assert untouched(tmp_path / "m")


def test_a_broken_export_leaves_nothing(model, tmp_path, monkeypatch):
    def breaks(write, given, what, environment):
        (pathlib.Path(given["folder"]) / "saved_model.pb").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(task_export, "in_a_process", breaks)
    with pytest.raises(KeyboardInterrupt):
        model.export(tmp_path / "m")
    assert untouched(tmp_path / "m")


KILLED = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("version_folder", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with module.new_version(sys.argv[2], "next") as made:
    (made.folder / "saved_model.pb").write_text("half")
    print("half", flush=True)
    time.sleep(60)
"""


def test_a_killed_export_leaves_no_version_and_the_next_one_cleans_up(tmp_path):
    words = [sys.executable, "-c", KILLED, version_folder.__file__, tmp_path / "m"]
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"half\n"
    with new_version(tmp_path / "m", "next") as made:  # beside the one that is at work
        (made.folder / "saved_model.pb").write_text("whole")
    assert made.path == tmp_path / "m" / "1"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert versions(tmp_path / "m") == [1]
    assert len(list((tmp_path / "m").iterdir())) == 2
    with new_version(tmp_path / "m", 7):
        pass
    assert sorted(one.name for one in (tmp_path / "m").iterdir()) == ["1", "7"]


def test_somebody_else_may_take_the_next_version(tmp_path):
    with new_version(tmp_path, "next") as made:
        (made.folder / "saved_model.pb").write_text("mine")
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "saved_model.pb").write_text("theirs")
    assert made.path == tmp_path / "2"
    with pytest.raises(ValueError, match="3 exists already"), new_version(tmp_path, 3) as made:
        (tmp_path / "3").mkdir()
        (tmp_path / "3" / "saved_model.pb").write_text("theirs")
    assert versions(tmp_path) == [1, 2, 3]
    assert (tmp_path / "3" / "saved_model.pb").read_text() == "theirs"


def test_a_module_that_is_not_there():
    given = {"modules": ["no_such_module"], "format": "tf_saved_model"}
    with pytest.raises(ValueError, match=r"The module no_such_module.*cannot be imported"):
        write_export(lambda: given)


def test_ids_may_go_in_too(exported):
    """The `input_signature` of Keras: what `call` takes and returns."""
    model, path = exported["tagger"]
    ids, _, _ = model.as_batch(["東京 zebra ein", "Mann"])
    (found,) = ask(path, "call", ids)
    logits = keras.ops.convert_to_numpy(model(ids))
    np.testing.assert_allclose(found["outputs"], logits, atol=1e-4)


def test_an_export_has_all_that_a_server_takes(exported):
    _, path = exported["tagger"]
    assert path.name == "1" and versions(path.parent) == [1]
    assert sorted(one.name for one in path.parent.iterdir()) == ["1", "batching_params.pbtxt"]
    described = json.loads((path / "signature.json").read_text(encoding="utf-8"))
    assert set(described["signatures"]) == {"serving_default", "call"}
    assert described["about"]["trained_on"] == keras.config.backend()
    requests = read_warm_up(path)
    assert [name for name, _ in requests] == ["serving_default"] * 2 + ["call"] * 2
    assert [len(next(iter(inputs.values()))) for _, inputs in requests] == [1, 32, 1, 32]
