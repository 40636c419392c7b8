import gzip
import re

import pytest

from keras_seq.datasets import Lines, read_parallel, stream_parallel, write_lines


def strings(dataset):
    return [tuple(text.decode() for text in pair) for pair in dataset.as_numpy_iterator()]


@pytest.mark.parametrize("name", ["a.en", "a.en.gz"])
def test_the_pairs_are_those_of_read_parallel(tmp_path, name):
    sources, targets = tmp_path / "a.de", tmp_path / name
    sources.write_bytes("\ufeffeins\r\n\r\n\ufeffd\u2028r\x85e\x0ci\0".encode())
    write_lines(targets, ["one", "", "日本"])
    pairs = stream_parallel(sources, str(targets))
    expected = list(zip(*read_parallel(sources, targets), strict=True))
    assert expected[2] == ("\ufeffd\u2028r\x85e\x0ci\0", "日本")
    assert int(pairs.cardinality()) == 3
    for _ in range(2):
        assert strings(pairs) == expected
    assert list(zip(Lines(sources), Lines(targets), strict=True)) == expected


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("name", ["de", "de.gz"])
def test_patterns_are_many_files(tmp_path, name, odd):
    for k, lines in enumerate((["a", ""], ["\ufeffb"], ["c\rd" if odd else "c", "e"])):
        data = "".join(f"{line}\n" for line in lines).encode()
        (tmp_path / f"{k}.{name}").write_bytes(gzip.compress(data) if "gz" in name else data)
        write_lines(tmp_path / "en" / f"{k}.en", [f"{k}.{i}" for i in range(len(lines))])
    sources, targets = tmp_path / f"*.{name}", tmp_path / "en" / "*.en"
    pairs = stream_parallel(sources, str(targets))
    expected = ["a", "", "b", "c\rd" if odd else "c", "e"]
    assert [source for source, _ in strings(pairs)] == expected == [*Lines(sources)]
    assert [target for _, target in strings(pairs)] == ["0.0", "0.1", "1.0", "2.0", "2.1"]
    assert int(pairs.cardinality()) == 5
    write_lines(tmp_path / "en" / "3.en", ["x"])
    with pytest.raises(ValueError, match="must be as many files; received 3 and 4"):
        stream_parallel(sources, targets)
    write_lines(tmp_path / f"3.{name}", ["x", "y"])
    with pytest.raises(ValueError, match=r"3\.en must have as many lines; received 2 and 1"):
        stream_parallel(sources, targets)
    with pytest.raises(FileNotFoundError, match=re.escape("none-*")):
        stream_parallel(tmp_path / "none-*", targets.parent / "0.en")
    bracketed = tmp_path / "a[1].txt"  # a name, not a pattern
    write_lines(bracketed, ["z"])
    assert strings(stream_parallel(bracketed, bracketed)) == [("z", "z")]


def test_joined_gzip_files_are_one(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"a\nb\n") + gzip.compress(b"c\n"))
    assert strings(stream_parallel(path, path)) == [("a", "a"), ("b", "b"), ("c", "c")]


def test_unequal_files(tmp_path):
    short, long = tmp_path / "a.de", tmp_path / "a.en"
    write_lines(short, ["eins"])
    write_lines(long, ["one", "word " * 100, "three", "four"])
    for paths in ((short, long), (long, short)):
        with pytest.raises(ValueError) as raised:
            stream_parallel(*paths)
        counts = "1 and 4" if paths[0] == short else "4 and 1"
        assert f"must have as many lines; received {counts}" in str(raised.value)
        assert f"line 2 of {long}: 'word word" in str(raised.value)


def test_what_cannot_be_read(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    write_lines(good, ["a", "b"])
    write_lines(bad, [])
    with pytest.raises(ValueError, match=re.escape(f"{bad} and {bad} have no lines")):
        stream_parallel(bad, bad)
    with pytest.raises(FileNotFoundError, match=re.escape(f"no file {tmp_path / 'none'}")):
        stream_parallel(good, tmp_path / "none")
    with pytest.raises(ValueError, match="is a folder"):
        stream_parallel(tmp_path, good)
    bad.write_bytes("a\nü\n".encode("latin-1"))
    with pytest.raises(ValueError, match=re.escape(f"{bad}, line 2: byte 0xfc at offset 2")):
        stream_parallel(good, bad)
    (tmp_path / "bad.gz").write_bytes(gzip.compress(b"text" * 100)[:-9])
    with pytest.raises(ValueError, match="is not a whole gzip file"):
        stream_parallel(tmp_path / "bad.gz", good)


def test_a_file_cut_off_while_it_is_read_is_an_error(tmp_path):
    import tensorflow as tf

    path = tmp_path / "a"
    write_lines(path, ["a", "b"])
    pairs = stream_parallel(path, path)
    write_lines(path, ["a"])
    with pytest.raises(tf.errors.FailedPreconditionError, match="contained only 1 element"):
        strings(pairs)


def test_lines_are_read_anew_each_time(tmp_path):
    path = tmp_path / "a"
    write_lines(path, ["a", "b"])
    lines = Lines(path)
    assert [*lines] == ["a", "b"]
    write_lines(path, ["c"])
    assert [*lines] == ["c"]
    path.unlink()
    with pytest.raises(FileNotFoundError, match="There is no file"):
        next(iter(lines))
    assert repr(lines) == f"Lines('{path}')"
