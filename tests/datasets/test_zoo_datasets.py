"""The loaders of real files: their formats, splits, errors, and the real files where they are."""

import gzip
import hashlib
import os
import sys
import warnings
from pathlib import Path

import pytest

from keras_seq.datasets import cmudict, conll2003, english_ewt, imdb, sst2, tiny_shakespeare

REAL = os.environ.get("KERAS_SEQ_DATA", "")
LOADERS = [tiny_shakespeare, sst2, imdb, cmudict, english_ewt, conll2003]
other_files = pytest.mark.filterwarnings("ignore:.*is not the file that keras_seq knows")


def module_of(loader):
    # The package exports the function under the name of its module.
    return sys.modules[f"keras_seq.datasets.{loader.__name__}"]


@pytest.fixture
def put(tmp_path, monkeypatch):
    """A function that writes a file of the data folder."""
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path))

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Downloads go to a folder of the test."""
    import keras.utils

    get_file, folder = keras.utils.get_file, tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(
        keras.utils, "get_file", lambda *a, **k: get_file(*a, cache_dir=str(folder), **k)
    )
    return folder


LINES = "".join(f"line {number}\n" for number in range(100))


def test_shakespeare_is_cut_at_line_ends(put):
    put("tinyshakespeare/input.txt", LINES)
    with pytest.warns(UserWarning, match="is not the file that keras_seq knows"):
        parts = [tiny_shakespeare(split)[0] for split in ("train", "dev", "test")]
    assert "".join(parts) == LINES
    assert all(part.endswith("\n") and part.startswith("line ") for part in parts)
    for share, part in zip((0.8, 0.1, 0.1), parts, strict=True):
        assert abs(len(part) - share * len(LINES)) < len("line 99\n")


@other_files
def test_shakespeare_keeps_what_ends_no_line(put):
    put("tinyshakespeare/input.txt", "a\r\nb\u2028c\n\n")
    assert "".join(tiny_shakespeare(split)[0] for split in ("train", "dev", "test")) == (
        "a\r\nb\u2028c\n\n"
    )


def test_shakespeare_is_downloaded_once(tmp_path, monkeypatch, cache):
    monkeypatch.delenv("KERAS_SEQ_DATA", raising=False)
    source, module = tmp_path / "input.txt", module_of(tiny_shakespeare)
    source.write_text("other\n")
    monkeypatch.setattr(module, "_ADDRESS", source.as_uri())
    monkeypatch.setattr(module, "_SHA256", hashlib.sha256(LINES.encode()).hexdigest())
    with pytest.raises(ValueError, match="corrupted"):
        tiny_shakespeare()
    source.write_bytes(LINES.encode())
    (first,) = tiny_shakespeare()
    source.unlink()
    assert tiny_shakespeare() == [first] and LINES.startswith(first)


@other_files
def test_sst2(put):
    put("sst2/dev.tsv", 'so "fine"\t1\ndull\t0')
    assert sst2("dev") == (['so "fine"', "dull"], ["positive", "negative"])
    put("sst2/train.tsv", "a\t1\nb\t2\n")
    with pytest.raises(ValueError, match=r"train.tsv, line 2: there is no label '2'"):
        sst2("train")


REVIEWS = [(number < 20, f"review {number}<br />") for number in range(40)]


def put_table(put):
    rows = [f"{good:d}\t{n}\t7\t{text}" for n, (good, text) in enumerate(sorted(REVIEWS))]
    put("imdb/train.tsv.gz", "\n".join(rows))
    put("imdb/test.tsv.gz", "\n".join(rows))


@other_files
def test_imdb_has_dev_out_of_train(put):
    put_table(put)
    train, dev, test = (list(zip(*imdb(split), strict=True)) for split in ("train", "dev", "test"))
    named = [(text, "positive" if good else "negative") for good, text in sorted(REVIEWS)]
    assert test == named and sorted(train + dev) == sorted(named)
    assert (len(train), len(dev)) == (36, 4)
    assert imdb("dev") == imdb("dev")
    assert [label for _, label in train] != sorted(label for _, label in train)


@other_files
def test_imdb_reads_the_published_folders_alike(put):
    put_table(put)
    expected = [imdb(split) for split in ("train", "dev", "test")]
    for part in ("train", "test"):
        for n, (good, text) in enumerate(sorted(REVIEWS)):
            text = text.replace(" ", "\n")
            put(f"imdb/aclImdb/{part}/{'pos' if good else 'neg'}/{n}_7.txt", text)
        put(f"imdb/aclImdb/{part}/labeledBow.feat", "")
    assert [imdb(split) for split in ("train", "dev", "test")] == expected
    path = put("imdb/aclImdb/test/pos/99_7.txt", "")
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"99_7\.txt, line 1: byte 0xff at offset 0"):
        imdb("test")


@other_files
def test_cmudict_keeps_the_pronunciations_of_a_word_together(put):
    rows = [f"W{n // 2}\tP {n}" for n in range(160)]  # two for each of 80 words
    put("g2p_cmudict_split/g014b2b.train", "\n".join(rows))
    put("g2p_cmudict_split/g014b2b.test", "A\tAH\nA\tEY\n")
    train, dev = cmudict("train"), cmudict("dev")
    assert len(set(dev[0])) == 2 and len(dev[0]) == 4 and not {*train[0]} & {*dev[0]}
    together = [
        f"{word}\t{said}" for part in (train, dev) for word, said in zip(*part, strict=True)
    ]
    assert sorted(together) == sorted(rows)
    assert cmudict("test") == (["A", "A"], ["AH", "EY"])


TREE = (
    "# text = don't\n1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tdo\tdo\tAUX\tVBP\t_\t0\troot\t_\t_\n2\tn't\tnot\tPART\tRB\t_\t1\tadvmod\t_\t_\n\n"
)


@other_files
def test_english_ewt(put):
    put("ud_english_ewt/en_ewt-ud-dev.conllu", TREE)
    assert english_ewt("dev") == ([["do", "n't"]], [["AUX", "PART"]])
    assert english_ewt("dev", tag="xpos")[1] == [["VBP", "RB"]]
    with pytest.raises(ValueError, match=r"`tag` must be one of .*received 'pos'"):
        english_ewt("dev", tag="pos")


def test_english_ewt_is_downloaded(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path))
    server, module = tmp_path / "server", module_of(english_ewt)
    server.mkdir()
    (server / "en_ewt-ud-test.conllu").write_bytes(TREE.encode())
    monkeypatch.setattr(module, "_ADDRESS", server.as_uri() + "/")
    monkeypatch.setitem(module._SHA256, "test", hashlib.sha256(TREE.encode()).hexdigest())
    assert english_ewt("test")[0] == [["do", "n't"]]


@other_files
def test_conll2003(put):
    rows = ["-DOCSTART- -X- O O", "", "Ann N I-NP I-PER", "Bo N I-NP B-PER", "in P I-PP O", ""]
    put("conll2003/eng.testa", "\n".join([*rows, "Rio N I-NP B-LOC", ""]))  # B- behind nothing
    words = [["Ann", "Bo", "in"], ["Rio"]]
    assert conll2003("dev") == (words, [["B-PER", "B-PER", "O"], ["B-LOC"]])
    assert conll2003("dev", "IOB1") == (words, [["I-PER", "B-PER", "O"], ["I-LOC"]])
    assert conll2003("dev", "IOBES")[1] == [["S-PER", "S-PER", "O"], ["S-LOC"]]
    with pytest.raises(ValueError, match="`scheme` must be one of"):
        conll2003("dev", "IOB")


@pytest.mark.parametrize("loader", LOADERS)
def test_unknown_split(loader):
    with pytest.raises(ValueError, match=r"`split` must be one of .*'dev'.*received 'val'"):
        loader("val")


@pytest.mark.parametrize("folder", [None, "set"])
@pytest.mark.parametrize(
    ("loader", "parts"),
    [
        (sst2, ["sst2", "train.tsv", "clairett/pytorch-sentiment-classification"]),
        (imdb, ["imdb", "train.tsv.gz", "ai.stanford.edu", "imdb/aclImdb"]),
        (cmudict, ["g2p_cmudict_split", "g014b2b.train", "steveash/jg2p"]),
        (conll2003, ["conll2003", "eng.train", "clips.uantwerpen.be/conll2003/ner"]),
    ],
)
def test_missing_files_say_where_to_get_them(tmp_path, monkeypatch, loader, parts, folder):
    if folder is None:
        monkeypatch.delenv("KERAS_SEQ_DATA", raising=False)
    else:
        monkeypatch.setenv("KERAS_SEQ_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError) as raised:
        loader()
    message = str(raised.value)
    for part in [*parts, "KERAS_SEQ_DATA"]:
        assert part in message
    assert ("is not set" in message) == (folder is None)


@pytest.mark.parametrize("loader", [sst2, conll2003, tiny_shakespeare])
@other_files
def test_files_that_are_no_text(put, loader):
    names = ["sst2/train.tsv", "conll2003/eng.train", "tinyshakespeare/input.txt"]
    for name in names:
        put(name, "").write_bytes(b"\xff\t1\n")
    with pytest.raises(ValueError, match="UTF-8"):
        loader()


@pytest.mark.parametrize(
    ("loader", "folder", "sizes", "distinct"),
    [
        (sst2, "sst2", [6_920, 872, 1_821], 2),
        (imdb, "imdb", [22_500, 2_500, 25_000], 2),
        (english_ewt, "ud_english_ewt", [12_544, 2_001, 2_077], 17),
        (conll2003, "conll2003", [14_041, 3_250, 3_453], 9),
    ],
)
def test_real_files(loader, folder, sizes, distinct):
    if not REAL or not Path(REAL, folder).is_dir():
        pytest.skip("needs KERAS_SEQ_DATA")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = [loader(split) for split in ("train", "dev", "test")]
    assert [len(texts) for texts, _ in parts] == [len(labels) for _, labels in parts] == sizes
    flat = [
        labels if isinstance(labels[0], str) else [tag for row in labels for tag in row]
        for _, labels in parts[1:]
    ]
    assert all(len(set(labels)) == distinct for labels in flat)
    if distinct > 2:
        assert all(
            len(words) == len(tags) for part in parts for words, tags in zip(*part, strict=True)
        )


def test_real_words():
    if not REAL or not Path(REAL, "g2p_cmudict_split").is_dir():
        pytest.skip("needs KERAS_SEQ_DATA")
    parts = [cmudict(split) for split in ("train", "dev", "test")]
    assert [len(set(words)) for words, _ in parts] == [104_167, 2_670, 12_000]
    assert sum(len(words) for words, _ in parts[:2]) == 113_438
    assert len({word for words, _ in parts for word in words}) == 118_837
    assert len({phone for _, said in parts for one in said for phone in one.split()}) == 39


def test_real_plays():
    if not REAL or not Path(REAL, "tinyshakespeare").is_dir():
        pytest.skip("needs KERAS_SEQ_DATA")
    parts = [tiny_shakespeare(split)[0] for split in ("train", "dev", "test")]
    assert sum(map(len, parts)) == 1_115_394 and len(set("".join(parts))) == 65
    assert [round(len(part) / 1_115_394, 3) for part in parts] == [0.8, 0.1, 0.1]
