"""How a name, an address or a path leads to the file of a preset; nothing is loaded or computed."""

import json
import pathlib
import subprocess
import sys
import types
import zipfile

import pytest

import keras_seq as ks
from keras_seq import _presets
from keras_seq._presets import preset_file

pytestmark = pytest.mark.once


def put(folder, name, kind="Seq2Seq", card=None):
    """Put a preset that holds no more than what a list of presets reads."""
    (folder / name).mkdir(parents=True)
    with zipfile.ZipFile(folder / name / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": kind}))
    if card is not None:
        (folder / name / "README.md").write_text(card, "utf-8")
    return str(folder / name / "model.keras")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The three folders that are looked into, empty, in the order in which they are."""
    package = tmp_path / "checkout" / "keras_seq"
    package.mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(_presets, "_PACKAGE", package)
    monkeypatch.setenv("KERAS_SEQ_PRESETS", str(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path)
    return types.SimpleNamespace(
        mine=tmp_path / "mine",
        wheel=package / "saved_models",
        checkout=package.parent / "saved_models",
    )


def test_the_order_of_places(places, monkeypatch):
    last = put(places.checkout, "dates")
    assert preset_file("dates") == last
    second = put(places.wheel, "dates")
    assert preset_file("dates") == second
    first = put(places.mine, "dates")
    assert preset_file("dates") == first
    assert ks.presets()["dates"]["path"] == first
    monkeypatch.delenv("KERAS_SEQ_PRESETS")
    assert preset_file("dates") == second
    other = put(places.checkout, "other")
    assert [*ks.presets()] == ["dates", "other"] and preset_file("other") == other
    (places.checkout.parent / "pyproject.toml").unlink()  # the neighbour of an installed package
    assert [*ks.presets()] == ["dates"]


def test_what_there_is_in_the_file_system_comes_first(places, tmp_path):
    named = put(places.mine, "dates")
    assert preset_file("dates") == named
    put(tmp_path, "dates")
    assert preset_file("dates") == "dates/model.keras"
    assert preset_file(pathlib.Path("dates")) == "dates/model.keras"
    assert preset_file(tmp_path / "dates" / "model.keras") == str(tmp_path / "dates/model.keras")
    for path in ("dates.keras", "a/b", "./b"):  # are no names, and not there
        assert preset_file(path) == path
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match=r"bare is a folder: expected a \.keras file, or a folder"):
        preset_file("bare")


def test_an_unknown_name_lists_the_others_the_nearest_first(places):
    for name in ("dates", "g2p_en", "tatoeba_de_en", "tatoeba_en_de"):
        put(places.mine, name)
    with pytest.raises(ValueError) as error:
        preset_file("tatoeba_en_d")
    assert str(error.value) == (
        "There is no file tatoeba_en_d, and no preset of that name. The presets, the nearest "
        "first: tatoeba_en_de, tatoeba_de_en, dates, g2p_en. `KERAS_SEQ_PRESETS` may name a folder "
        "with others."
    )
    with pytest.raises(ValueError, match="the nearest first: dates, "):
        ks.models.Task.from_preset("Datse")
    with pytest.raises(ValueError, match="the nearest first: dates, "):
        ks.models.load_model("date")


def test_a_folder_that_is_not_there(places, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_PRESETS", "nowhere")
    with pytest.raises(ValueError, match="`KERAS_SEQ_PRESETS` must name a folder; received 'nowh"):
        ks.presets()


CARDS = [
    (
        "---\nlicense: mit\n\nx: y\n---\n\n# a\n\nDates in,\nISO out.\n\nMore.",
        "Dates in, ISO out.",
    ),
    ("# dates\n\n| a |\n|---|\n\n```python\nx\n```\n\n## Use\n\nTyped.", "Typed."),
    ("No heading.", "No heading."),
    ("# dates\n", ""),
    ("", ""),
    (None, ""),
]


@pytest.mark.parametrize(("card", "expected"), CARDS)
def test_what_is_known_of_a_preset(places, card, expected):
    path = put(places.wheel, "dates", "TextTagger", card)
    size = pathlib.Path(path).stat().st_size
    about = {"kind": "TextTagger", "description": expected, "size": size, "path": path}
    assert ks.presets() == {"dates": about}


@pytest.mark.parametrize("data", [b"", b"no zip archive"])
def test_a_damaged_file_is_listed_as_such(places, data):
    path = pathlib.Path(put(places.wheel, "dates"))
    path.write_bytes(data)
    (path.parent / "README.md").write_bytes(b"\xff")
    assert ks.presets()["dates"]["kind"] is None
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[]")
    assert ks.presets()["dates"]["kind"] is None


def hub(monkeypatch, name, function, answer):
    """Put a library of that name in place, which answers; return what it was asked."""
    asked = []

    def download(*words, **options):
        asked.append((words, options))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**{function: download}))
    return asked


HUBS = [
    ("hf://anna/dates", "huggingface_hub", "hf_hub_download"),
    ("kaggle://anna/dates/keras/small", "kagglehub", "model_download"),
]


def test_addresses_go_through_the_libraries_of_the_hubs(monkeypatch):
    asked = hub(monkeypatch, "huggingface_hub", "hf_hub_download", "/cache/model.keras")
    assert preset_file("hf://anna/dates") == "/cache/model.keras"
    assert preset_file(pathlib.Path("hf://anna/dates")) == "/cache/model.keras"  # has one slash
    assert asked == [((), {"repo_id": "anna/dates", "filename": "model.keras"})] * 2
    asked = hub(monkeypatch, "kagglehub", "model_download", "/cache/model.keras")
    assert preset_file("kaggle://anna/dates/keras/small") == "/cache/model.keras"
    assert preset_file("kaggle://anna/dates/keras/small/2") == "/cache/model.keras"
    handles = ["anna/dates/keras/small", "anna/dates/keras/small/2"]
    assert asked == [((handle,), {"path": "model.keras"}) for handle in handles]


@pytest.mark.parametrize(("address", "library", "function"), HUBS)
def test_no_network_and_no_library(monkeypatch, address, library, function):
    hub(monkeypatch, library, function, OSError("Please check\nyour connection."))
    message = f"{address} cannot be downloaded: Please check your connection."
    with pytest.raises(ValueError, match=message):
        ks.models.Seq2Seq.from_preset(address)
    hub(monkeypatch, library, function, RuntimeError())
    with pytest.raises(ValueError, match=r"cannot be downloaded: RuntimeError\(\)"):
        preset_file(address)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"{address} needs {library}: pip install {library}"):
        ks.models.load_model(address)


@pytest.mark.parametrize("address", ["hf://dates", "hf://a/b/c", "kaggle://a/b", "kaggle:///a/b/c"])
def test_addresses_of_another_form(monkeypatch, address):
    for _, library, function in HUBS:
        hub(monkeypatch, library, function, "never")
    with pytest.raises(ValueError, match=f"must be of the form .*; received {address}"):
        preset_file(address)


def test_the_list_imports_neither_keras_nor_a_backend():
    script = (
        "import sys, keras_seq; assert 'dates' in keras_seq.presets();"
        "print(sorted({'keras', 'numpy', 'tensorflow', 'torch', 'jax'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout == "[]\n", found.stderr
