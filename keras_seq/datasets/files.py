"""Text files, one sentence a line: read strictly, written whole."""

import contextlib
import gzip
import io
import itertools
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from keras_seq._files import replacing
from keras_seq._typing import PathLike
from keras_seq.datasets.lines import Lines, decode, looks_wide

_SHOWN = 60  # Characters of a line that an error shows.


def read_lines(path: PathLike, encoding: str | None = None) -> list[str]:
    r"""The lines of a text file, without their ends.

    Only `\n` and `\r\n` end a line. The other characters at which `str.splitlines` would break
    (U+2028, U+0085, a form feed, a lone `\r`) stay in their line, so two parallel files cannot slip
    against each other. A byte order mark at the beginning is dropped; an end of line at the end of
    the file opens no further line. A file whose name ends in ".gz" is unzipped.

    Args:
        path: str or path-like.
        encoding: the name of the file's encoding, such as "cp1252" or "utf-16". `None` for what
            its byte order mark says, and UTF-8 where it has none: nothing is guessed.

    Returns:
        list of str; empty for an empty file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not in its encoding (says the line and the byte), has the byte order
            mark of another one, looks like UTF-16 without a mark, or is not gzip though its name
            ends in ".gz". Also for an unknown encoding.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_lines
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_bytes("eins\r\nzwei\u2028halb\n\n".encode())
        >>> read_lines(path)
        ['eins', 'zwei\u2028halb', '']
    """
    return list(Lines(path, encoding))


def decode_lines(data, path):
    """`read_lines` of bytes already read (and unzipped); `path` is only named in the error."""
    return list(decode(io.BytesIO(data), path))


def read_parallel(
    source_path: PathLike, target_path: PathLike, encoding: str | None = None
) -> tuple[list[str], list[str]]:
    """Two files whose lines belong together, read by `read_lines`.

    Args:
        source_path, target_path: str or path-like; line i of one goes with line i of the other.
        encoding: of both, as in `read_lines`.

    Returns:
        `(sources, targets)`: lists of str, of one length >= 1. Empty lines are kept.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: the files have different numbers of lines (says both numbers and the first line
            that has no partner), have none, or are not in their encoding.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_parallel, write_lines
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> write_lines(folder / "dev.de", ["Hallo!", "Danke."])
        >>> write_lines(folder / "dev.en", ["Hello!", "Thanks."])
        >>> read_parallel(folder / "dev.de", folder / "dev.en")
        (['Hallo!', 'Danke.'], ['Hello!', 'Thanks.'])
    """
    sources, targets = (read_lines(path, encoding) for path in (source_path, target_path))
    count_pairs(source_path, target_path, sources, targets)
    return sources, targets


def count_pairs(source_path, target_path, sources, targets):
    """The number of lines of two files, given as iterables; ValueError unless equal and not 0."""
    columns, count = (iter(sources), iter(targets)), 0
    for pair in itertools.zip_longest(*columns):
        if None in pair:
            break
        count += 1
    else:
        if not count:
            raise ValueError(
                f"{source_path} and {target_path} have no lines: expected at least one."
            )
        return count
    longer = 1 - pair.index(None)
    counts = [count, count]
    counts[longer] += 1 + sum(1 for _ in columns[longer])
    raise ValueError(
        f"{source_path} and {target_path} must have as many lines; received {counts[0]} and "
        f"{counts[1]}. The first line without a partner is line "
        f"{count + 1} of {(source_path, target_path)[longer]}: {_shortened(pair[longer])!r}."
    )


def write_lines(path: PathLike, lines: Iterable[str]) -> None:
    r"""Writes strings as a UTF-8 text file, each ended by `\n`; `read_lines` gives them back.

    They are written as they come: `lines` may be a generator of more than memory holds.
    The text goes to a new file beside `path`, which then takes its place in one step
    (`os.replace`): whoever reads `path` sees the old file or the new one, never half of it, and
    where anything fails the old one stays. A name that ends in ".gz" gives a gzip file.

    Args:
        path: str or path-like; its folder is made where it is not there.
        lines: iterable of str.

    Raises:
        ValueError: a line would not come back as it is: it holds a line feed, ends in a carriage
            return, cannot be encoded, or the first one begins with a byte order mark or looks like
            UTF-16; or `lines` is one str.
        OSError: no file can be written there.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_lines, write_lines
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt.gz"
        >>> write_lines(path, ["eins", "", "drei"])
        >>> read_lines(path)
        ['eins', '', 'drei']
    """
    if isinstance(lines, (str, bytes)):
        raise ValueError(f"`lines` must be strings, one a line; received one {type(lines)}.")
    path = Path(path)
    with replacing(path) as beside, open(beside, "xb") as file:
        with _zipping(file, path) as content:
            content.writelines(_encoded(line, n) for n, line in enumerate(lines, start=1))
        file.flush()
        os.fsync(file.fileno())


def _zipping(file, path):
    """Where to write what `file` shall hold; to be closed before `file`."""
    if path.suffix == ".gz":
        return gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
    return contextlib.nullcontext(file)


def unzip(data, path):
    """The content of gzip bytes; ValueError where they are none or cut off."""
    try:
        return gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not a whole gzip file: {error}.") from error


def _encoded(line, number):
    if not isinstance(line, str):
        raise ValueError(f"Line {number} must be a str; received {line!r}.")
    if "\n" in line or line.endswith("\r"):
        raise ValueError(
            f"Line {number} holds an end of line: {_shortened(line)!r}. Expected one line each."
        )
    if number == 1 and line.startswith("\ufeff"):
        raise ValueError(f"Line 1 begins with a byte order mark: {_shortened(line)!r}.")
    try:
        encoded = line.encode("utf-8") + b"\n"
    except UnicodeEncodeError as error:
        raise ValueError(f"Line {number} cannot be encoded as UTF-8: {error}.") from error
    if number == 1 and looks_wide(encoded):
        raise ValueError(f"Line 1 would look like UTF-16: {_shortened(line)!r}.")
    return encoded


def _shortened(line):
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
