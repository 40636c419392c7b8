"""The lines of a text file, one after the other."""

import gzip
import zlib
from pathlib import Path

_BOM = b"\xef\xbb\xbf"


class Lines:
    r"""The lines of a UTF-8 text file, read each time one iterates: only one is in memory.

    The lines are those of `read_lines`, and so are the errors, which come while iterating. What
    goes over a corpus once, such as `Seq2Seq.from_texts`, takes this instead of a list; `fit` takes
    `stream_parallel`.

    Args:
        path: str or path-like; a file whose name ends in ".gz" is unzipped on the way.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is a folder, not UTF-8 (says the line and the byte), or not gzip though its
            name ends in ".gz".

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import Lines, write_lines
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> write_lines(path, ["eins", "zwei"])
        >>> lines = Lines(path)
        >>> list(lines), sum(len(line) for line in lines)
        (['eins', 'zwei'], 8)
    """

    def __init__(self, path):
        self.path = Path(path)

    def __iter__(self):
        with self._opened() as file:
            try:
                yield from decode(file, self.path)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise ValueError(f"{self.path} is not a whole gzip file: {error}.") from error

    def __repr__(self):
        return f"Lines({str(self.path)!r})"

    def _opened(self):
        try:
            return gzip.open(self.path) if self.path.suffix == ".gz" else open(self.path, "rb")
        except FileNotFoundError as error:
            raise FileNotFoundError(f"There is no file {self.path}.") from error
        except IsADirectoryError as error:
            raise ValueError(f"{self.path} is a folder: expected a text file.") from error


def decode(file, path):
    """The lines of an open binary file as str; `path` is only named in the error."""
    offset = 0
    for number, raw in enumerate(file, start=1):  # each up to its b"\n"
        if number == 1 and raw.startswith(_BOM):
            raw, offset = raw[len(_BOM) :], len(_BOM)
            if not raw:
                return
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number}: byte 0x{raw[error.start]:02x} at offset "
                f"{offset + error.start} is not valid UTF-8 ({error.reason}): expected a file "
                "saved as UTF-8."
            ) from error
        offset += len(raw)
        if line.endswith("\n"):
            line = line[: -2 if line.endswith("\r\n") else -1]
        yield line
