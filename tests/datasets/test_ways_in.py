"""All ways in read the same lines out of the same bytes."""

import gzip
import io
import os
import re
import sys
import threading
import types

import pytest

from keras_seq.cli.show import one_line, stdin_batches
from keras_seq.cli.use_language_model import read_texts
from keras_seq.datasets import (
    Lines,
    read_conll,
    read_conllu,
    read_labelled,
    read_lines,
    read_parallel,
    stream_parallel,
    write_lines,
)
from keras_seq.datasets._known_file import read_text
from keras_seq.datasets.files import decode_lines

ODD = "b\u2028c\u2029d\x85e\x0bf\x0cg\x1ch\ri\0j"  # where `str.splitlines` and C would stop
TEXTS = {  # the bytes of a file, and its lines
    "nothing": (b"", []),
    "a mark alone": (b"\xef\xbb\xbf", []),
    "one line": (b"a", ["a"]),
    "a mark": (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
    "a mark and Windows": (b"\xef\xbb\xbfa\r\nb\r\n", ["a", "b"]),
    "two marks": ("\ufeff\ufeffa\n\ufeffb".encode(), ["\ufeffa", "\ufeffb"]),
    "no end": (b"a\nb", ["a", "b"]),
    "a blank line at the end": (b"a\n\n", ["a", ""]),
    "blank lines": (b"\n \n\r\n", ["", " ", ""]),
    "odd characters": (f"{ODD}\n{ODD}\r\n".encode(), [ODD, ODD]),
    "carriage returns at the end": (b"a\r\r\nb\r", ["a\r", "b\r"]),
    "UTF-16": ("eins\r\nzwei\u2028halb".encode("utf-16"), ["eins", "zwei\u2028halb"]),
    "UTF-16, big end": (b"\xfe\xff" + "a\n\u0a0d\n\n".encode("utf-16-be"), ["a", "\u0a0d", ""]),
    "UTF-32": ("ä\n😀\n".encode("utf-32"), ["ä", "😀"]),
}


def from_stdin(data, encoding=None, size=1):
    """The lines that the commands read, and whether they came in batches of 20 `size` lines."""
    stdin = types.SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        return [line for batch in stdin_batches(size, encoding) for line in batch]


def from_stream(path, encoding=None):
    """The lines of a stream of pairs with itself."""
    if not read_lines(path, encoding):
        return []  # it refuses an empty file
    pairs = stream_parallel(path, path, encoding).as_numpy_iterator()
    found = [tuple(text.decode() for text in pair) for pair in pairs]
    assert all(one == other for one, other in found)
    return [one for one, _ in found]


@pytest.mark.parametrize(("data", "lines"), TEXTS.values(), ids=[*TEXTS])
def test_the_same_lines_from_everywhere(tmp_path, data, lines):
    path, zipped = tmp_path / "a.txt", tmp_path / "a.txt.gz"
    path.write_bytes(data)
    zipped.write_bytes(gzip.compress(data))
    for one in (path, zipped):
        assert read_lines(one) == lines
        assert list(Lines(one)) == lines
        assert from_stream(one) == lines
    assert from_stdin(data) == from_stdin(data, size=10**6) == lines
    assert decode_lines(data, path) == lines
    *found, last = re.split("\r?\n", read_text(path))
    assert [*found, *([last] if last else [])] == lines
    if any(lines):
        assert read_texts(path, lines=True) == lines
        assert read_texts(zipped, lines=False) == ["\n".join(lines) + "\n"]
    if len(lines) > 1:
        assert read_parallel(path, zipped) == (lines, lines)


def test_batches_of_lines_are_whole():
    assert len(from_stdin(b"a\n" * 41)) == 41


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", None])
def test_tables_and_columns_have_no_mark_either(tmp_path, mark, end, last):
    def saved(name, *lines):
        path = tmp_path / name
        path.write_bytes((mark + end.join(lines) + (end if last is None else last)).encode())
        return path

    odd = ODD.replace("\x1c", "")  # TensorFlow and Python agree on what a blank is
    rows = ("text\tlabel", f"{odd}\tx")
    assert read_labelled(saved("a.tsv", *rows)) == ([odd], ["x"])
    rows = ("text,label", f'"{odd}, {odd}",x')
    assert read_labelled(saved("a.csv", *rows)) == ([f"{odd}, {odd}"], ["x"])
    assert read_labelled(saved("b.tsv", f"{odd}\tx"), 0, 1) == ([odd], ["x"])
    assert read_conll(saved("a.txt", f"{odd} O", "b O")) == [([odd, "b"], ["O", "O"])]
    (sentence,) = read_conllu(saved("a.conllu", "\t".join(["1", odd, *"_" * 8])))
    assert sentence.words == [odd]


def test_bytes_that_are_no_text_are_told_alike(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("text\tlabel\nü\tx\n".encode("latin-1"))
    told = re.escape("line 2: byte 0xfc at offset 11 is not valid UTF-8 (invalid start byte): ")
    told += re.escape("expected a file saved as UTF-8, or the name of its encoding (`encoding`, ")
    told += re.escape("`--encoding`), such as 'cp1252'.")
    for read in (read_lines, read_labelled, read_conll, read_conllu, read_text, from_stream):
        with pytest.raises(ValueError, match=f"{re.escape(str(path))}, {told}"):
            read(path)
    with pytest.raises(ValueError, match=f"standard input, {told}"):
        from_stdin(path.read_bytes())
    for read in (read_lines, from_stream):
        assert read(path, "Latin-1") == ["text\tlabel", "ü\tx"]
    assert read_labelled(path, encoding="cp1252") == (["ü"], ["x"])
    assert from_stdin(path.read_bytes(), "cp1252") == ["text\tlabel", "ü\tx"]
    assert read_texts(path, lines=False, encoding="latin-1") == ["text\tlabel\nü\tx\n"]
    assert read_parallel(path, path, "cp1252")[1] == ["text\tlabel", "ü\tx"]
    assert read_conll(path, encoding="cp1252")[0] == (["text", "ü"], ["label", "x"])


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"a\x81b\n", "cp1252", "line 1: byte 0x81 at offset 1 is not valid CP1252"),
        (b"a\n\x81", "cp1252", "line 2: byte 0x81 at offset 2"),
        (b"\xef\xbb\xbfa\n\xff", None, "line 2: byte 0xff at offset 5"),
        (b"\xff\xfea\0\n\0b", None, "line 2: byte 0x62 at offset 6 is not valid UTF-16-LE"),
        (b"\xff\xfea\0\n\0\0\xd8", None, "line 2: byte 0x00 at offset 6 is not valid UTF-16-LE"),
        ("text\n".encode("utf-16-le"), None, "every second byte is 0, as in UTF-16"),
        ("text\n".encode("utf-16-be"), None, "every second byte is 0, as in UTF-16"),
        (b"\xef\xbb\xbfa", "latin-1", "byte order mark of utf-8, but its encoding was said to be"),
        (b"\xff\xfea\0", "utf-8", "byte order mark of utf-16-le, but its encoding was said to be"),
        (b"\xff\xfea\0", "utf-16-be", "byte order mark of utf-16-le"),
        (gzip.compress(b"a"), None, "is gzip: expected text, or a file whose name ends in .gz"),
        (b"PK\x03\x04\x14\0", None, "is a zip archive, as workbooks (.xlsx) are"),
        (b"a", "klingon", "`encoding` must be the name of an encoding of text"),
        (b"a", "base64", "`encoding` must be the name of an encoding of text"),
        (b"a", 3, "`encoding` must be the name of an encoding of text"),
    ],
)
def test_what_cannot_be_decoded(tmp_path, data, encoding, message):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for read in (read_lines, from_stream):
        with pytest.raises(ValueError, match=re.escape(message)):
            read(path, encoding)
    with pytest.raises(ValueError, match=re.escape(message)):
        from_stdin(data, encoding)


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-32-be", "cp037", "iso2022_jp", "shift_jis", "gb18030"]
)
def test_encodings_in_which_a_line_feed_is_no_single_byte(tmp_path, encoding):
    lines = ["one", "", "two" if encoding == "cp037" else "日本"]
    path = tmp_path / "a.txt"
    path.write_bytes("\n".join(lines).encode(encoding))
    assert read_lines(path, encoding) == lines


def test_a_first_line_that_would_not_come_back_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="Line 1 would look like UTF-16"):
        write_lines(tmp_path / "a", ["a\0b\0c\0d\0"])
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_can_be_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match=r"pipe can be read only once"):
        stream_parallel(pipe, pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"\xef\xbb\xbfa\nb",))
    writer.start()
    assert read_lines(pipe) == ["a", "b"]
    writer.join()


def test_an_answer_is_one_line():
    assert one_line(ODD + "\nk\r\n\r\n") == ODD.replace("\r", " ") + " k"
    assert one_line("") == one_line("\n") == ""
