"""Blocks of answers: which there are, what is skipped, what is refused. A stub answers."""

import gzip
import itertools
import json
import os
import tracemalloc

import pytest

from keras_seq.datasets import read_lines, write_lines
from keras_seq.distributed.blocks import (
    begin,
    check_folder,
    describe_files,
    digest,
    find_files,
    missing_blocks,
    read_shard,
    write_block,
)

pytestmark = pytest.mark.once


def answered(files, folder, size, shard=(0, 1), most=None):
    """Write the answers of a shard, its lines in capitals; return `(path, first)` of each block."""
    blocks = itertools.islice(missing_blocks(files, folder, size, shard), most)
    places = []
    for path, first, lines in blocks:
        write_block(path, [line.upper() for line in lines])
        places.append((path.relative_to(folder).as_posix(), first))
    return places


def whole(folder, name):
    return [line for path in sorted((folder / name).glob("*.txt")) for line in read_lines(path)]


@pytest.fixture
def files(tmp_path):
    write_lines(tmp_path / "in" / "a.txt", [f"a{i}" for i in range(7)])
    write_lines(tmp_path / "in" / "b.txt.gz", ["", "b\u2028b", "", "b"])
    write_lines(tmp_path / "in" / "deep" / "c.txt", [])
    return find_files(str(tmp_path / "in" / "**" / "*.txt*"), tmp_path / "out")


def test_files_are_called_as_in_the_folder_they_share(files, tmp_path):
    assert [*files] == ["a.txt", "b.txt.gz", "deep/c.txt"]
    assert [*find_files(str(tmp_path / "in" / "a.txt"), tmp_path / "out")] == ["a.txt"]
    # What was answered is no text to answer.
    assert [*find_files(str(tmp_path / "**" / "*.txt"), tmp_path / "in" / "deep")] == ["a.txt"]
    (tmp_path / "[1].txt").write_text("x\n")
    assert [*find_files(str(tmp_path / "[1].txt"), tmp_path / "out")] == ["[1].txt"]


def test_blocks_together_are_the_whole(files, tmp_path):
    out = tmp_path / "out"
    places = answered(files, out, 3)
    assert places == [
        ("a.txt/000000000.txt", 0),
        ("a.txt/000000001.txt", 3),
        ("a.txt/000000002.txt", 6),
        ("b.txt.gz/000000000.txt", 0),
        ("b.txt.gz/000000001.txt", 3),
    ]
    assert whole(out, "a.txt") == [f"A{i}" for i in range(7)]
    assert whole(out, "b.txt.gz") == ["", "B\u2028B", "", "B"]
    assert answered(files, out, 3) == []
    (out / places[1][0]).unlink()
    assert answered(files, out, 3) == [places[1]]


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_shards_share_the_blocks(files, tmp_path, size):
    alone = answered(files, tmp_path / "one", size)
    shares = [answered(files, tmp_path / "three", size, (i, 3)) for i in range(3)]
    assert sorted(itertools.chain(*shares)) == sorted(alone)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for name in files:
        assert whole(tmp_path / "three", name) == whole(tmp_path / "one", name)


def test_another_number_of_shards_goes_on(files, tmp_path):
    answered(files, tmp_path / "out", 1, (0, 2), most=2)
    answered(files, tmp_path / "out", 1, (1, 2), most=1)
    rest = [answered(files, tmp_path / "out", 1, (i, 5)) for i in range(5)]
    assert sum(map(len, rest)) == 11 - 3
    assert whole(tmp_path / "out", "a.txt") == [f"A{i}" for i in range(7)]


def test_what_a_killed_process_left_is_deleted(files, tmp_path):
    out = tmp_path / "out"
    (out / "a.txt").mkdir(parents=True)
    for name in (".000000000.0123456789ab.part.txt", ".000000002.0123456789ab.part.txt"):
        (out / "a.txt" / name).write_text("half")
    answered(files, out, 3)
    assert sorted(os.listdir(out / "a.txt")) == [f"00000000{i}.txt" for i in range(3)]


def test_an_answer_that_fails_leaves_no_block(files, tmp_path):
    def failing():
        yield "A0"
        raise RuntimeError("the model")

    path, _, _ = next(missing_blocks(files, tmp_path / "out", 3))
    with pytest.raises(RuntimeError, match="the model"):
        write_block(path, failing())
    assert not path.parent.exists()


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Of 200,000 lines, 8 MB as strings, a block of 1,000 is in memory."""
    write_lines(tmp_path / "long.txt", (f"line {i}" for i in range(200_000)))
    files = find_files(str(tmp_path / "long.txt"), tmp_path / "out")
    tracemalloc.start()
    try:
        for i in range(2):
            answered(files, tmp_path / "out", 1000, (i, 2))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1e6
    assert sum(1 for _ in (tmp_path / "out" / "long.txt").iterdir()) == 200
    assert read_lines(tmp_path / "out" / "long.txt" / "000000199.txt")[-1] == "LINE 199999"


@pytest.mark.parametrize("text", ["3/2", "0/2", "1", "1/0", "a/b", "-1/2", "1/2/3", "1.0/2", ""])
def test_a_shard_that_is_none(text):
    with pytest.raises(ValueError, match=f"`shard` must be I/N.*received '{text}'"):
        read_shard(text)
    assert (read_shard("1/1"), read_shard("3/12")) == ((0, 1), (2, 12))


def test_files_that_are_none(tmp_path):
    with pytest.raises(ValueError, match=r"There is no file .*\*\.gz"):
        find_files(str(tmp_path / "*.gz"), tmp_path / "out")
    with pytest.raises(ValueError, match="There is no file"):
        find_files(str(tmp_path), tmp_path / "out")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="can be read only once"):
        find_files(str(tmp_path / "pipe"), tmp_path / "out")


def plan_of(files, **more):
    return {"version": 1, "--sampler": "beam", "input": describe_files(files), **more}


def test_the_same_start_goes_on(files, tmp_path):
    out = tmp_path / "new" / "out"
    check_folder(out, plan_of(files))
    assert not out.parent.exists()
    begin(out, plan_of(files))
    before = (out / "manifest.json").read_bytes()
    begin(out, plan_of(files))
    assert (out / "manifest.json").read_bytes() == before and len(os.listdir(out)) == 1


def test_another_start_is_refused(files, tmp_path):
    out = tmp_path / "out"
    begin(out, plan_of(files))
    with pytest.raises(ValueError, match="begun with --sampler 'beam'; received 'greedy'"):
        begin(out, {**plan_of(files), "--sampler": "greedy"})
    with pytest.raises(ValueError, match="begun with --width None; received 5"):
        begin(out, plan_of(files, **{"--width": 5}))
    fewer = {name: files[name] for name in ("a.txt", "b.txt.gz")}
    with pytest.raises(ValueError, match=r"the file deep/c\.txt is missing"):
        begin(out, plan_of(fewer))
    with pytest.raises(ValueError, match=r"the file d\.txt is new"):
        begin(out, plan_of({**files, "d.txt": files["a.txt"]}))
    # As many bytes at another time.
    os.utime(files["a.txt"], ns=(0, files["a.txt"].stat().st_mtime_ns + 1))
    with pytest.raises(ValueError, match=r"other texts: the file a\.txt was changed since"):
        begin(out, plan_of(files))


def test_a_folder_that_is_something_else(files, tmp_path):
    with pytest.raises(ValueError, match="must be a new folder"):
        begin(tmp_path / "in", plan_of(files))
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot be written to"):
        begin(tmp_path / "file" / "out", plan_of(files))
    out = tmp_path / "out"
    out.mkdir()
    (out / ".manifest.0123456789ab.part.json").write_text("{")  # another shard begins too
    begin(out, plan_of(files))
    for text in ("{", "[]", "{}"):
        (out / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
            begin(out, plan_of(files))


def test_a_folder_that_may_not_be_written_to(files, tmp_path, monkeypatch):
    begin(tmp_path / "out", plan_of(files))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as it is for who is not root
    with pytest.raises(ValueError, match=r"out cannot be written to: .* cannot be written to"):
        check_folder(tmp_path / "out", plan_of(files))


def test_a_digest_is_of_all_that_answers(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"1")
    one = digest(tmp_path / "m.keras")
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "manifest.json").write_text(json.dumps({}))
    two = digest(tmp_path / "steps")
    (tmp_path / "steps" / "step.onnx").write_bytes(b"2")
    assert len({one, two, digest(tmp_path / "steps")}) == 3
    assert digest(tmp_path / "m.keras") == one and digest(tmp_path / "none") is None


def test_a_damaged_file_is_said_where_it_is_read(tmp_path):
    with gzip.open(tmp_path / "a.txt.gz", "wb") as file:
        file.write(b"good\nb\xffd\n")
    files = find_files(str(tmp_path / "a.txt.gz"), tmp_path / "out")
    with pytest.raises(ValueError, match=r"a\.txt\.gz, line 2: byte 0xff"):
        answered(files, tmp_path / "out", 1)
    assert whole(tmp_path / "out", "a.txt.gz") == ["GOOD"]
