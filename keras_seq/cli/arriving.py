"""Lines of a pipe as they come."""

import os
import select
import stat
import sys

CHUNK = 2**16  # bytes


def is_pipe(file):
    """Whether lines may come one by one from this file, and whether they have is to be seen."""
    try:
        kind = os.fstat(file.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # it is in memory
        return False
    # Windows cannot wait for a pipe and something else.
    return sys.platform != "win32" and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind))


class Arriving:
    """The lines of a binary file that is read from its descriptor, with their ends.

    Args:
        file: an open binary file of which nothing was read.
    """

    def __init__(self, file):
        self.descriptor = file.fileno()
        self.lines, self.rest, self.ended = [], b"", False

    def __iter__(self):
        return self

    def __next__(self):
        while not self.lines:
            if self.ended:
                raise StopIteration
            self._read()
        return self.lines.pop(0)

    def has_more(self):
        """Whether the next line, or the end, is there already."""
        while not (self.lines or self.ended):
            if not select.select([self.descriptor], [], [], 0)[0]:
                return False
            self._read()
        return True

    def _read(self):
        data = os.read(self.descriptor, CHUNK)
        self.ended = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line + b"\n" for line in lines]
        if self.ended and self.rest:
            self.lines.append(self.rest)
