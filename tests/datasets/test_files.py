import gzip
import os
import re

import pytest

from keras_seq.datasets import read_lines, read_parallel, write_lines


def test_only_line_feeds_split(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh\r\ni\n\nj".encode())
    assert read_lines(path) == ["a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh", "i", "", "j"]


@pytest.mark.parametrize(
    "data, lines",
    [
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\r\n", ["a"]),
        (b"a\n\n", ["a", ""]),
        (b"\xef\xbb\xbfa\r\nb", ["a", "b"]),
        ("a\n\ufeffb".encode(), ["a", "\ufeffb"]),
    ],
)
def test_ends_and_marks(tmp_path, data, lines):
    (tmp_path / "a.txt").write_bytes(data)
    assert read_lines(tmp_path / "a.txt") == lines
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(data))
    assert read_lines(str(tmp_path / "a.txt.gz")) == lines


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_not_utf8(tmp_path, mark):
    path = tmp_path / "latin.txt"
    path.write_bytes(mark + "eins\nzwei\nübermut\n".encode("latin-1"))
    message = f"{path}, line 3: byte 0xfc at offset {10 + len(mark)} is not valid UTF-8"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_lines(path)


def test_missing_folder_and_broken_gzip(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(f"no file {tmp_path / 'none.txt'}")):
        read_lines(tmp_path / "none.txt")
    with pytest.raises(ValueError, match="is a folder"):
        read_lines(tmp_path)
    path = tmp_path / "a.gz"
    for data in (b"plain text", gzip.compress(b"text" * 100)[:-9], b"\x1f\x8b\x08"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=re.escape(f"{path} is not a whole gzip file")):
            read_lines(path)


def test_read_parallel(tmp_path):
    write_lines(tmp_path / "a.de", ["eins", "", "drei"])
    write_lines(tmp_path / "a.en.gz", ["one", "two", "three"])
    pairs = read_parallel(tmp_path / "a.de", tmp_path / "a.en.gz")
    assert pairs == (["eins", "", "drei"], ["one", "two", "three"])


def test_read_parallel_unequal(tmp_path):
    short, long = tmp_path / "a.de", tmp_path / "a.en"
    write_lines(short, ["eins"])
    write_lines(long, ["one", "word " * 100, "three"])
    for sources, targets in ((short, long), (long, short)):
        with pytest.raises(ValueError) as raised:
            read_parallel(sources, targets)
        message = str(raised.value)
        counts = "1 and 3" if sources == short else "3 and 1"
        assert f"{sources} and {targets} must have as many lines; received {counts}" in message
        assert f"line 2 of {long}: 'word word" in message and "..." in message
        assert "word " * 13 not in message


def test_read_parallel_empty(tmp_path):
    write_lines(tmp_path / "a", [])
    write_lines(tmp_path / "b", [])
    with pytest.raises(ValueError, match="have no lines"):
        read_parallel(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_write_and_read(tmp_path, name):
    lines = ["", "ä\u2028ö", "a\rb", " spaces ", "\ttab", "日本", ""]
    write_lines(tmp_path / name, iter(lines))
    assert read_lines(tmp_path / name) == lines
    assert os.listdir(tmp_path) == [name]


def test_write_is_plain_bytes(tmp_path):
    write_lines(tmp_path / "a", ["ä", "b"])
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa4\nb\n"


@pytest.mark.parametrize(
    "lines, message",
    [
        (["a", "b\nc"], "Line 2 holds an end of line"),
        (["a\r"], "Line 1 holds an end of line"),
        (["\ufeffa"], "byte order mark"),
        (["a", "\ud800"], "Line 2 cannot be encoded"),
        (["a", 3], "Line 2 must be a str; received 3"),
        ("abc", "one a line"),
    ],
)
def test_refused_lines_leave_the_old_file(tmp_path, lines, message):
    write_lines(tmp_path / "a", ["old"])
    with pytest.raises(ValueError, match=message):
        write_lines(tmp_path / "a", lines)
    assert read_lines(tmp_path / "a") == ["old"]
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_replace_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(*paths):
        raise OSError("no")

    write_lines(tmp_path / "a", ["old"])
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_lines(tmp_path / "a", ["new"])
    assert read_lines(tmp_path / "a") == ["old"]
    assert os.listdir(tmp_path) == ["a"]
