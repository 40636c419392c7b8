"""What is written is whole, in a folder that is made, or nothing is there."""

import errno
import os
import re

import keras
import numpy as np
import pytest

import keras_seq as ks
from keras_seq._files import check_place, replacing
from keras_seq.analysis.drawing import check_figure_file
from keras_seq.callbacks.state_file import read_state, write_state

pytestmark = pytest.mark.once
TEXTS, LABELS = ["a fine film", "so dull"] * 4, ["good", "bad"] * 4


@pytest.fixture(scope="module")
def classifier():
    model = ks.models.TextClassifier.from_texts(TEXTS, LABELS, cell="vanilla", units=3)
    model.compile("adam")
    return model


def write_figure(path):
    history = {"loss": [2.0, 1.0]}
    ks.analysis.plot_history(history, save=path)


WRITERS = {  # how, the name of the file
    "lines": (lambda path: ks.datasets.write_lines(path, ["a"]), "a.txt.gz"),
    "columns": (lambda path: ks.datasets.write_conll(path, [(["a"], ["N"])]), "a.conll"),
    "CoNLL-U": (
        lambda path: ks.datasets.write_conllu(
            path, [ks.datasets.ConlluSentence([["1", *"_" * 9]])]
        ),
        "a.conllu",
    ),
    "state": (lambda path: write_state(path, {}, [np.zeros(2)]), "a.state"),
    "figure": (write_figure, "a.PNG"),
}


@pytest.mark.parametrize(("write", "name"), WRITERS.values(), ids=[*WRITERS])
def test_a_missing_folder_is_made(tmp_path, write, name):
    path = tmp_path / "new é" / "two" / name
    write(path)
    write(str(path))
    assert os.listdir(path.parent) == [name] and path.stat().st_size > 0


@pytest.mark.parametrize(("write", "name"), WRITERS.values(), ids=[*WRITERS])
def test_a_place_where_nothing_can_be_is_told(tmp_path, write, name):
    (tmp_path / "file").write_text("x")
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=re.escape(f"{tmp_path / 'file'} is no folder")):
        write(tmp_path / "file" / name)
    with pytest.raises(IsADirectoryError, match=re.escape(name)):
        write(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == sorted(["file", name])
    assert os.listdir(tmp_path / name) == [] and (tmp_path / "file").read_text() == "x"


def test_models_and_callbacks_make_their_folder(classifier, tmp_path):
    classifier.save(tmp_path / "a" / "b" / "m.keras")
    loaded = ks.models.load_model(tmp_path / "a" / "b" / "m.keras")
    assert loaded.classify(TEXTS) == classifier.classify(TEXTS)
    assert os.listdir(tmp_path / "a" / "b") == ["m.keras"]
    loaded.save_weights(tmp_path / "w" / "m.weights.h5")
    loaded.load_weights(tmp_path / "w" / "m.weights.h5")
    best = ks.callbacks.BestModel(tmp_path / "c" / "m.keras", "loss")
    state = ks.callbacks.Checkpoint(tmp_path / "d" / "m.state")
    start = state.restore(loaded, [best])
    loaded.fit(TEXTS, LABELS, epochs=1, initial_epoch=start, callbacks=[best, state], verbose=0)
    assert os.listdir(tmp_path / "c") == ["m.keras"] and os.listdir(tmp_path / "d") == ["m.state"]
    with pytest.raises(IsADirectoryError):
        classifier.save(folder(tmp_path / "e.keras"))
    with pytest.raises(ValueError, match=r"e\.keras is a folder: expected a \.keras file"):
        ks.models.load_model(tmp_path / "e.keras")


def folder(path):
    path.mkdir()
    return path


def test_what_a_broken_off_save_leaves(classifier, tmp_path, monkeypatch):
    path = tmp_path / "new" / "m.keras"

    def fail(self, filepath, **options):
        filepath.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device", str(filepath))

    monkeypatch.setattr(keras.Model, "save", fail)
    with pytest.raises(OSError, match=re.escape(f"No space left on device: '{path}'")):
        classifier.save(path)
    assert os.listdir(tmp_path) == []  # the folder that was made for it is gone too


def test_errors_speak_of_the_file_and_not_of_the_one_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    told = re.escape(f"Permission denied: '{path}'")
    with pytest.raises(PermissionError, match=told), replacing(path) as beside:
        raise OSError(errno.EACCES, "Permission denied", str(beside))
    with pytest.raises(OSError, match="another"), replacing(path) as beside:
        raise OSError(errno.EACCES, "Permission denied", "another")
    assert os.listdir(tmp_path) == []


def test_long_names_links_and_devices(tmp_path):
    path = tmp_path / ("ä" * 120 + ".txt")  # 244 bytes: a name may have 255
    ks.datasets.write_lines(path, ["a"])
    assert ks.datasets.read_lines(path) == ["a"]
    (tmp_path / "link").symlink_to(path)
    ks.datasets.write_lines(tmp_path / "link", ["b"])
    assert (tmp_path / "link").is_symlink() and ks.datasets.read_lines(path) == ["b"]
    with pytest.raises(OSError, match="it is no file that could be replaced"):
        ks.datasets.write_lines("/dev/null", ["a"])


def test_a_place_is_checked_without_a_trace(tmp_path):
    check_place(tmp_path / "new" / "two" / "a.txt")
    assert os.listdir(tmp_path) == []


def test_the_suffix_of_a_figure(tmp_path):
    for name in ("a", "a.docx", ".png"):
        with pytest.raises(ValueError, match=r"must end in \.png, \.pdf, \.svg or another of .*"):
            check_figure_file(tmp_path / name)
        with pytest.raises(ValueError, match="The file of a figure must end in"):
            write_figure(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_state_comes_back(tmp_path):
    write_state(tmp_path / "new" / "a", {"epoch": 3}, [np.arange(3)])
    header, (array,) = read_state(tmp_path / "new" / "a")
    assert header["epoch"] == 3 and array.tolist() == [0, 1, 2]
