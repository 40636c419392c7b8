import os
import warnings
from pathlib import Path

import pytest

from keras_seq.datasets import tatoeba

REAL = os.environ.get("KERAS_SEQ_DATA", "")


def put(folder, text, name="deu-2018.txt"):
    (folder / "tatoeba").mkdir(exist_ok=True)
    (folder / "tatoeba" / name).write_bytes(text.encode())


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path))
    return tmp_path


def test_reads_with_a_warning_for_another_export(data):
    put(data, "Hi.\tHallo!\nRun!\tLauf!\tCC-BY 2.0 (France) Attribution: ...\n")
    with pytest.warns(UserWarning, match="not the file that keras_seq knows"):
        assert tatoeba("de") == (["Hi.", "Run!"], ["Hallo!", "Lauf!"])
    with pytest.warns(UserWarning):
        assert tatoeba("de", reverse=True) == (["Hallo!", "Lauf!"], ["Hi.", "Run!"])
    put(data, "Hi.\tSalut\u202f!\n", "fra-2019.txt")
    with pytest.warns(UserWarning):
        assert tatoeba("fr") == (["Hi."], ["Salut\u202f!"])


@pytest.mark.filterwarnings("ignore")
def test_line_without_tab(data):
    put(data, "Hi.\tHallo!\nRun!\n")
    with pytest.raises(ValueError, match=r"deu-2018.txt, line 2: .* received 'Run!'"):
        tatoeba("de")


@pytest.mark.parametrize("folder", [None, "", "set"])
def test_missing_says_where_to_get_it(tmp_path, monkeypatch, folder):
    if folder is None:
        monkeypatch.delenv("KERAS_SEQ_DATA", raising=False)
    else:
        monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path) if folder else "")
    with pytest.raises(FileNotFoundError) as raised:
        tatoeba("fr")
    message = str(raised.value)
    for part in ("manythings.org/anki", "CC BY 2.0", "attribution", "KERAS_SEQ_DATA", "fra-2019"):
        assert part in message
    assert ("is not set" in message) == (not folder)


def test_unknown_language():
    with pytest.raises(ValueError, match=r"one of \['de', 'fr'\]; received 'es'"):
        tatoeba("es")


@pytest.mark.parametrize(
    "language, name, n", [("de", "deu-2018", 169_813), ("fr", "fra-2019", 167_130)]
)
def test_real_file(language, name, n):
    if not REAL or not Path(REAL, "tatoeba", f"{name}.txt").is_file():
        pytest.skip("needs KERAS_SEQ_DATA")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        english, other = tatoeba(language)
    assert len(english) == len(other) == n
    assert all(english) and all(other)
