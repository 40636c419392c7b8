"""What ends a process that waits too long for others."""

import subprocess
import sys
import time

import pytest

from keras_seq.backend import devices

PROGRAM = f"""
import runpy, time

ends_after = runpy.run_path({devices.__file__!r})["ends_after"]
with ends_after(60, 2, "127.0.0.1:1"):
    pass
print("on", flush=True)
with ends_after(0.5, 2, "127.0.0.1:1", "127.0.0.1:2"):
    time.sleep(60)
print("too late")
"""


@pytest.mark.once
def test_a_process_that_waits_too_long_is_ended():
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert time.monotonic() - began < 50  # whoever is in time waits for nothing
    assert done.returncode not in (0, None) and done.stdout == "on\n"
    assert done.stderr == (
        "keras-seq: The 2 workers must meet at the coordinator 127.0.0.1:1; they did not within "
        "0.5 s: nothing answers at 127.0.0.1:2.\n"
    )
