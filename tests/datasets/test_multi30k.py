import gzip
import hashlib
import os
import sys
import warnings
from pathlib import Path

import pytest

from keras_seq.datasets import multi30k

# The package exports the function under the name of its module.
module = sys.modules["keras_seq.datasets.multi30k"]
REAL = os.environ.get("KERAS_SEQ_DATA", "")
DE, EN = "Ein Hund.\nZwei\u2028Katzen.\n".encode(), b"A dog.\nTwo cats.\n"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder that stands for the official address; nothing is in the data folder or cache."""
    folder = tmp_path / "server"
    folder.mkdir()
    for name, data in (("val.de", DE), ("val.en", EN)):
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        monkeypatch.setitem(module._SHA256, name, hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(module, "_ADDRESS", folder.as_uri() + "/")
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path / "data"))
    cache = tmp_path / "cache"
    cache.mkdir()

    import keras.utils

    get_file = keras.utils.get_file
    monkeypatch.setattr(
        keras.utils, "get_file", lambda *a, **k: get_file(*a, cache_dir=str(cache), **k)
    )
    return folder


def test_reads_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path))
    (tmp_path / "multi30k").mkdir()
    (tmp_path / "multi30k" / "train.fr").write_text("Un chien.\n", encoding="utf-8")
    (tmp_path / "multi30k" / "train.en").write_text("A dog.\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="is not the file that keras_seq knows") as warned:
        assert multi30k(source="fr") == (["Un chien."], ["A dog."])
    assert [str(w.message).split()[0][-8:] for w in warned] == ["train.fr", "train.en"]


def test_downloads_once(server):
    expected = (["Ein Hund.", "Zwei\u2028Katzen."], ["A dog.", "Two cats."])
    assert multi30k("val") == expected
    for file in server.iterdir():
        file.unlink()
    assert multi30k("val", source="en", target="de") == expected[::-1]


@pytest.mark.parametrize("data", [gzip.compress(b"other\n"), b"no gzip"])
def test_a_wrong_download_is_refused_and_removed(server, data):
    right = (server / "val.de.gz").read_bytes()
    (server / "val.de.gz").write_bytes(data)
    with pytest.raises(ValueError, match=r"must be the text with the sha256|not a whole gzip"):
        multi30k("val")
    (server / "val.de.gz").write_bytes(right)
    assert multi30k("val")[0][0] == "Ein Hund."


def test_unequal_lines(server, monkeypatch):
    data = EN + b"More.\n"
    (server / "val.en.gz").write_bytes(gzip.compress(data))
    monkeypatch.setitem(module._SHA256, "val.en", hashlib.sha256(data).hexdigest())
    with pytest.raises(ValueError, match="received 2 of 'de' and 3 of 'en'"):
        multi30k("val")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"split": "test"}, "`split` must be one of .*test_2016_flickr.*received 'test'"),
        ({"source": "cs"}, "`source` must be one of"),
        ({"target": "xx"}, "`target` must be one of"),
        ({"target": "de"}, "two languages; received 'de'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        multi30k(**arguments)


@pytest.mark.parametrize(
    "split, n", [("train", 29_000), ("val", 1_014), ("test_2016_flickr", 1_000)]
)
@pytest.mark.parametrize("source", ["de", "fr"])
def test_real_files(split, n, source):
    if not REAL or not Path(REAL, "multi30k", f"{split}.{source}").is_file():
        pytest.skip("needs KERAS_SEQ_DATA")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sources, targets = multi30k(split, source)
    assert len(sources) == len(targets) == n
