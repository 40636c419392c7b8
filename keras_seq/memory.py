"""How much memory this process has, in MiB."""

import contextlib
import pathlib
import re
import sys

STATUS = pathlib.Path("/proc/self/status")
FORGET = pathlib.Path("/proc/self/clear_refs")


def largest_memory():
    """The most that this process had in memory so far, in MiB; `None` where nobody says.

    Linux counts from the start of the program, or from `forget_largest`. What `getrusage` says
    there begins with the size of the process that started this one.
    """
    found = _status("VmHWM")
    if found is not None:
        return found
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def forget_largest():
    """Count the most from now on, where the system can, and return it, which is what there is."""
    with contextlib.suppress(OSError):
        FORGET.write_text("5")
    return largest_memory()


def _status(name):
    """A number of the status file of Linux, in MiB."""
    try:
        found = re.search(rf"^{name}:\s*(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return found and int(found[1]) / 2**10
