"""Keep what libraries say off standard error, for a process that is ours alone.

TensorFlow, XLA, absl, oneDNN and CUDA write to the file descriptor 2 past Python, some whatever
their settings; others use Python's warnings and logging.
"""

import contextlib
import logging
import os
import re
import subprocess
import sys
import tempfile
import warnings

# Lines that inform or warn, in the form of absl.
CHATTER = "^([IW][0-9]{4} |WARNING: All log messages before absl)"
# The shell outlives the process, and reads no word on its first line where that has crashed.
WATCH = 'trap "" HUP INT QUIT TERM; read -r word <&1 || grep -vE "$0" >&2'


@contextlib.contextmanager
def silence():
    """Catch what libraries say, and show what is no chatter where the work ends in a crash.

    That is an exception but for `SystemExit`, or the sudden end of the process. What Python code
    writes to `sys.stderr` is still shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    disabled = logging.root.manager.disable
    with contextlib.ExitStack() as stack:
        stack.callback(logging.disable, disabled)
        logging.disable(logging.CRITICAL)
        if not sys.warnoptions:  # else somebody wants to see them
            stack.enter_context(warnings.catch_warnings(record=True))
        stack.enter_context(_caught())
        yield


@contextlib.contextmanager
def _caught():
    """Catch what is written to the descriptor 2; `sys.stderr` goes where that went before."""
    try:
        shown = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    stderr = sys.stderr
    with tempfile.NamedTemporaryFile() as caught, open(caught.name, "rb") as text:
        watch, alive = _watch(text, shown)
        if _descriptor(stderr) == 2:
            sys.stderr = os.fdopen(
                os.dup(shown), "w", 1, stderr.encoding, errors="backslashreplace"
            )
        os.dup2(caught.fileno(), 2)
        try:
            yield
        except Exception:
            lines = text.read().splitlines(keepends=True)
            said = [line for line in lines if not re.match(CHATTER.encode(), line)]
            os.write(shown, b"".join(said))
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)
            sys.stderr = stderr
            os.write(alive, b"ended\n")
            os.close(alive)
            watch.wait()


def _watch(text, shown):
    """Start the process that shows the text if this one crashes.

    Returns:
        The process, and the descriptor to write a line to before the end.
    """
    ended, alive = os.pipe()
    command = ["/bin/sh", "-c", WATCH, CHATTER]
    watch = subprocess.Popen(command, stdin=text, stdout=ended, stderr=shown)
    os.close(ended)
    return watch, alive


def _descriptor(stream):
    try:
        return stream.fileno()
    except (AttributeError, OSError):  # it is none, or one in memory
        return None
