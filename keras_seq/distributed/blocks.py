"""Files of texts whose answers are written in blocks, each whole or not at all.

The lines of each file are cut into blocks of one size, which are numbered through all files. Block
k belongs to shard k mod n, whose place is known from its number alone: who comes again, or with
another n, skips the blocks that are there.
"""

import hashlib
import itertools
import json
import os
import pathlib
import re

from keras_seq._files import check_place, replacing

MANIFEST = "manifest.json"  # what the answers in a folder were made from, and how
VERSION = 1


def find_files(pattern, folder):
    """Return the files of a pattern, a dict from what they are called in `folder` to their paths.

    They are called as in the folder that they have in common, and are in the order of their names.

    Args:
        pattern: the path of a file, or a pattern as of `glob`; `**` is any number of folders.
        folder: where answers go: what is in it is none of the files.

    Raises:
        ValueError: where there is none, and for what can be read only once, as a pipe can.
    """
    from keras_seq.datasets.lines import Lines  # Here: the help of commands needs no NumPy.

    answers = pathlib.Path(os.path.realpath(folder))
    paths = [
        file.path
        for file in Lines(pattern).files()
        if file.path.exists()
        and not file.path.is_dir()
        and answers not in pathlib.Path(os.path.realpath(file.path)).parents
    ]
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{path} can be read only once: expected a file.")
    if not paths:
        where = f" outside of {folder}" if os.path.exists(pattern) else ""
        raise ValueError(f"There is no file {pattern}{where}.")
    common = os.path.commonpath([path.parent for path in paths])
    return {path.relative_to(common).as_posix(): path for path in paths}


def describe_files(files):
    """Return size and time of change of each of a dict of files, ready for JSON."""
    stats = {name: path.stat() for name, path in files.items()}
    return {name: {"size": s.st_size, "changed": s.st_mtime_ns} for name, s in stats.items()}


def digest(path):
    """Return the SHA-256 of a file, or of all files in a folder; `None` where there is neither."""
    path, found = pathlib.Path(path), hashlib.sha256()
    paths = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in filter(pathlib.Path.is_file, paths):
        with open(file, "rb") as content:
            found.update(file.name.encode() + hashlib.file_digest(content, "sha256").digest())
    return found.hexdigest() if paths else None


def check_folder(folder, plan):
    """Raise a `ValueError` unless answers can go into a folder; nothing is made to find out.

    Args:
        folder: a `pathlib.Path`. It must be new, empty, or begun with the same plan.
        plan: what the answers are made from, and how: a dict ready for JSON, whose `input` is that
            of `describe_files`.
    """
    try:
        check_place(folder / MANIFEST)
    except OSError as error:
        raise ValueError(f"{folder} cannot be written to: {error.strerror}.") from error
    try:
        begun = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        before = begun["input"]
    except FileNotFoundError:
        # Another shard may be about to write its manifest.
        if folder.exists() and any(not name.startswith(".") for name in os.listdir(folder)):
            raise ValueError(
                f"{folder} must be a new folder, an empty one, or one with a {MANIFEST} in it, "
                "which is gone on with; it is something else."
            ) from None
        return
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder / MANIFEST} is damaged: {error}.") from error
    now = json.loads(json.dumps(plan))  # without tuples
    for name in {**before, **now["input"]}:
        if before.get(name) != now["input"].get(name):
            what = "is new" if name not in before else "was changed since"
            what = what if name in now["input"] else "is missing"
            raise ValueError(
                f"{folder} has answers to other texts: the file {name} {what}. Take another folder."
            )
    for name in {**begun, **now}:
        if name != "input" and begun.get(name) != now.get(name):
            raise ValueError(
                f"{folder} was begun with {name} {begun.get(name)!r}; received {now.get(name)!r}. "
                "Take another folder, or go on as it was begun."
            )


def begin(folder, plan):
    """Make a folder for answers, with its manifest, where it is not there; see `check_folder`."""
    check_folder(folder, plan)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / MANIFEST).exists():
            with replacing(folder / MANIFEST) as beside:
                beside.write_text(json.dumps(plan, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ValueError(f"{folder} cannot be written to: {error.strerror or error}.") from error
    check_folder(folder, plan)  # of two shards that begin at once one wrote it last


def read_shard(text):
    """Return `(i - 1, n)` for a shard "i/n"; a `ValueError` unless i is from 1 to n."""
    parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    index, count = map(int, parts.groups()) if parts else (0, 0)
    if not 1 <= index <= count:
        raise ValueError(f"`shard` must be I/N, with I from 1 to N; received {text!r}.")
    return index - 1, count


def missing_blocks(files, folder, size, shard=(0, 1), encoding=None):
    """Give the blocks of a shard that are not there: `(path, first, lines)`.

    `path` is where the answers belong, `first` the number of lines of the file before the block,
    and `lines` a list of str. One block is in memory.

    Args:
        files: a dict from names to paths, as `find_files` returns it.
        folder: the folder of the answers.
        size: lines of a block.
        shard: `(index, count)`, the index from 0.
        encoding: as in `datasets.read_lines`.

    Raises:
        ValueError: as `datasets.Lines`, when the line is read.
    """
    from keras_seq.datasets.lines import Lines  # as in `find_files`

    index, count = shard
    block = 0
    for name, file in files.items():
        lines = iter(Lines(file, encoding))
        for number in itertools.count():
            path = folder / name / f"{number:09}.txt"
            wanted = block % count == index and not path.exists()
            some = list(itertools.islice(lines, size if wanted else 1))
            if not some:
                break
            if wanted:
                yield path, number * size, some
            else:
                next(itertools.islice(lines, size - 1, size - 1), None)  # skips so many
            block += 1


def write_block(path, lines):
    """Write the answers to a block, in one step, and delete what a killed process left of it."""
    for left in path.parent.glob(f".{path.stem}.*.part{path.suffix}"):
        left.unlink(missing_ok=True)
    with replacing(path) as beside, open(beside, "x", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
