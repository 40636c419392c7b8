"""`keep_memory`: what a process has once had it has at once; and who does so, and who does not."""

import functools
import os
import platform
import subprocess
import sys

import pytest

import keras_seq as ks

GNU = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
# 80 MB, more than any block that another thread's own store could have.
COUNT = """
import resource, sys, threading
def take():
    bytearray(b"x") * 80_000_000
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
done = {begin}
assert "keras" not in sys.modules, "threads would have been started"
faults()
print(done, faults())
"""


def count(begin, **more):
    """What `begin` gives, and how many pages a thread then asks for that takes 80 MB once more."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more}
    command = [sys.executable, "-c", COUNT.format(begin=begin)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result, pages = done.stdout.split()
    return result, int(pages)


@functools.cache
def plain():
    """The pages without anything; few where the system has pages of 2 MB."""
    return count("None")[1]


KEPT = '__import__("keras_seq").keep_memory()'
STARTED = '__import__("keras_seq.cli.quick_start").cli.quick_start.start_quickly()'


@pytest.mark.skipif(not GNU, reason="the C library is not GNU's")
def test_what_was_freed_is_there_again():
    result, pages = count(KEPT)
    assert result == "True"
    assert pages < plain() / 5


@pytest.mark.skipif(not GNU, reason="the C library is not GNU's")
@pytest.mark.parametrize(
    "more",
    [{"MALLOC_TOP_PAD_": "131072"}, {"GLIBC_TUNABLES": "glibc.malloc.perturb=0"}],
    ids=str,
)
def test_settings_of_the_environment_are_left_alone(more):
    result, pages = count(KEPT, **more)
    assert result == "False"
    assert pages > plain() / 2


@pytest.mark.skipif(not GNU, reason="the C library is not GNU's")
@pytest.mark.parametrize("backend, kept", [("jax", True), ("torch", True), ("tensorflow", False)])
def test_commands_keep_memory_where_it_pays(backend, kept):
    _, pages = count(STARTED, KERAS_BACKEND=backend)
    assert (pages < plain() / 5) == kept


def test_on_other_systems_nothing_is_done(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ks.keep_memory() is False
