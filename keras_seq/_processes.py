"""Work in a process of its own, and the memory of a process."""

import contextlib
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from keras_seq._silence import silence

# Linux's count of the memory of this process, and what sets its peak to what is there now.
STATUS = pathlib.Path("/proc/self/status")
FORGET = pathlib.Path("/proc/self/clear_refs")

# For an export: the GPU may be full of a training, and a graph made for one would not run
# elsewhere.
TENSORFLOW_ALONE = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}


def in_a_process(function, given, what, environment=None):
    """Call a function in a new process, and wait for it.

    The process has the backend and the import path of this one. What its own code writes to
    standard error is handed on, and what libraries do where it crashes.

    Args:
        function: one that a module has by its name, or that name, `"module:name"`, so that this
            process need not import the module; with the call `(read) -> result`: `read()` hands
            over what was `given`. So it can prepare before.
        given: the argument, ready for JSON.
        what: what the process does, for messages, such as `"The runs of lstm"`.
        environment: a dict of environment variables that are otherwise there.

    Returns:
        The result, after a way through JSON.

    Raises:
        ValueError: with the message of the function's own `ValueError`; and where the process ends
            with anything else than a result.
    """
    import keras  # not above: the new process is silent before Keras speaks

    if not isinstance(function, str):
        function = f"{function.__module__}:{function.__qualname__}"
    script = f"from keras_seq._processes import answer; answer({function!r})"
    with tempfile.TemporaryFile("w+") as asked, tempfile.TemporaryFile("w+") as answered:
        json.dump(given, asked)
        asked.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=asked,
            stdout=answered,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "KERAS_BACKEND": keras.config.backend(),
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                **(environment or {}),
            },
        )
        with process:
            try:
                for line in process.stderr:
                    print(line, end="", file=sys.stderr, flush=True)
            except BaseException:  # whoever breaks off leaves no work behind
                process.kill()
                raise
        if process.returncode:
            raise ValueError(f"{what} ended with an error, see above.")
        answered.seek(0)
        # What the backends write to standard output stands before it.
        found = json.loads(answered.read().splitlines()[-1])
    if "error" in found:
        raise ValueError(found["error"])
    return found["result"]


def resolve(name):
    """Return the function of a name, `"module:name"`."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def answer(name):
    """The part of the new process: call the function, and write its result as a line of JSON."""
    with silence():
        function = resolve(name)
        try:
            found = {"result": function(lambda: json.load(sys.stdin))}
        except ValueError as error:  # a mistake of the user: the message is all there is to say
            found = {"error": str(error)}
    print("\n" + json.dumps(found))


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
