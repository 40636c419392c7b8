"""The lines of a text file, one after the other."""

import codecs
import glob
import gzip
import itertools
import zlib
from pathlib import Path

from keras_seq._typing import PathLike

_MARKS = (  # those of UTF-32 first: one of them begins as one of UTF-16 does
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = {  # how files begin that cannot be text
    b"\x1f\x8b": "is gzip: expected text, or a file whose name ends in .gz",
    b"PK\x03\x04": "is a zip archive, as workbooks (.xlsx) are: expected text, such as CSV",
}
_HOW = "expected a file saved as UTF-8, or the name of its encoding (`encoding`, `--encoding`)"


class Lines:
    r"""The lines of a text file, or of many, read each time one iterates: only one is in memory.

    The lines are those of `read_lines`, and so are the errors, which come while iterating. What
    goes over a corpus once, such as `Seq2Seq.from_texts`, takes this instead of a list; `fit` takes
    `stream_parallel`. (UTF-16 and other encodings whose characters have no fixed place for a line
    feed are read as a whole.)

    Args:
        path: str or path-like; a file whose name ends in ".gz" is unzipped on the way. Where
            nothing is called so, a pattern as of `glob`, such as "train/*.de.gz": the files that
            it fits, in the order of their names.
        encoding: as in `read_lines`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is a folder, not UTF-8 (says the line and the byte), or not gzip though its
            name ends in ".gz"; and as `read_lines` for `encoding`.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import Lines, write_lines
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> write_lines(path, ["eins", "zwei"])
        >>> lines = Lines(path)
        >>> list(lines), sum(len(line) for line in lines)
        (['eins', 'zwei'], 8)
    """

    def __init__(self, path: PathLike, encoding: str | None = None):
        self.path = Path(path)
        self.encoding = encoding if encoding is None else encoding_name(encoding)

    def __iter__(self):
        for file in self.files():
            yield from file._decoded()

    def files(self):
        """Return the `Lines` of each file that a pattern fits; of itself where it is none."""
        name = str(self.path)
        if not glob.has_magic(name) or self.path.exists():
            return [self]
        paths = sorted(map(Path, glob.glob(name, recursive=True)))
        files = [Lines(path, self.encoding) for path in paths if not path.is_dir()]
        return files or [self]

    def _decoded(self):
        with self._opened() as file:
            try:
                yield from decode(file, self.path, self.encoding)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise ValueError(f"{self.path} is not a whole gzip file: {error}.") from error

    def __repr__(self):
        encoding = "" if self.encoding is None else f", encoding={self.encoding!r}"
        return f"Lines({str(self.path)!r}{encoding})"

    def _opened(self):
        try:
            return gzip.open(self.path) if self.path.suffix == ".gz" else open(self.path, "rb")
        except FileNotFoundError as error:
            raise FileNotFoundError(f"There is no file {self.path}.") from error
        except IsADirectoryError as error:
            raise ValueError(f"{self.path} is a folder: expected a text file.") from error


def decode(file, path, encoding=None):
    """The lines of an open binary file as str; `path` is only named in the error."""
    for line in decode_with_ends(file, path, encoding):
        if line.endswith("\n"):
            line = line[: -2 if line.endswith("\r\n") else -1]
        yield line


def decode_with_ends(file, path, encoding=None):
    """The same with their line ends, so that they are the whole text.

    Args:
        file: an iterable of bytes, each up to its line feed.
        path: what the file is called in errors.
        encoding: the name of a codec, as `encoding_name` gives it; `None` for what the byte order
            mark says, and UTF-8 where there is none.
    """
    raw_lines = iter(file)
    first = next(raw_lines, b"")
    mark, codec = _start(first, path, encoding)
    rest = itertools.chain([first[len(mark) :]] if first != mark else [], raw_lines)
    if codec == "utf-8" or _is_single_byte(codec):
        yield from _decoded_one_by_one(rest, path, codec, len(mark))
    else:
        yield from _decoded_as_a_whole(rest, path, codec, mark)


def is_plain(path, encoding=None):
    """Whether the bytes of the lines of a file are those of UTF-8, as TensorFlow reads them."""
    with Lines(path)._opened() as file:
        _, codec = _start(next(iter(file), b""), path, encoding)
    return codec == "utf-8"


def encoding_name(encoding):
    """The codec of that name; ValueError if there is none, or one that is not of text."""
    try:
        "a".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            "`encoding` must be the name of an encoding of text, such as 'utf-8', 'utf-16' or "
            f"'cp1252'; received {encoding!r}."
        ) from error
    return "utf-8" if name == "utf-8-sig" else name


def looks_wide(first):
    """Whether the first line of a file, bytes, is UTF-16: every other byte is 0, and no other."""
    even, odd = first[0::2], first[1::2]
    return len(first) >= 8 and 0 in (any(even), any(odd)) and all(even) != all(odd)


def _start(first, path, encoding):
    """`(byte order mark, codec)` of a file, from its first line."""
    for begin, problem in _NO_TEXT.items():
        if first.startswith(begin):
            raise ValueError(f"{path} {problem}.")
    for mark, codec in _MARKS:
        if first.startswith(mark):
            if encoding not in (None, codec, codec[:6]):  # "utf-16" leaves the order to the mark
                raise ValueError(
                    f"{path} begins with the byte order mark of {codec}, but its encoding was said "
                    f"to be {encoding}."
                )
            return mark, codec
    if encoding is None and looks_wide(first):
        raise ValueError(
            f"{path}, line 1: every second byte is 0, as in UTF-16, and there is no byte order "
            f"mark: {_HOW}, such as 'utf-16-le'."
        )
    return b"", encoding or "utf-8"


def _decoded_one_by_one(raw_lines, path, codec, offset):
    for number, raw in enumerate(raw_lines, start=1):
        try:
            yield raw.decode(codec)
        except UnicodeDecodeError as error:
            raise _undecodable(path, number, offset, error, codec) from error
        offset += len(raw)


def _decoded_as_a_whole(raw_lines, path, codec, mark):
    data = b"".join(raw_lines)
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        number = data[: error.start].decode(codec, "replace").count("\n") + 1
        raise _undecodable(path, number, len(mark), error, codec) from error
    lines = text.split("\n")
    last = lines.pop()
    yield from (line + "\n" for line in lines)
    if last:
        yield last


def _undecodable(path, number, offset, error, codec):
    """The error of bytes that cannot be read; `offset` is where those that were tried begin."""
    how = f"{_HOW}, such as 'cp1252'" if codec == "utf-8" else "expected its encoding"
    return ValueError(
        f"{path}, line {number}: byte 0x{error.object[error.start]:02x} at offset "
        f"{offset + error.start} is not valid {codec.upper()} ({error.reason}): {how}."
    )


def _is_single_byte(codec):
    """Whether every byte is a character, and a line feed is that of ASCII."""
    every = bytes(range(256)).decode(codec, "replace")
    return len(every) == 256 and every[10] == "\n" and "\n" not in every[11:]
