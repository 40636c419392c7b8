"""What a user is told who asks for devices that are not there."""

import contextlib
import os
import sys
import threading


def check_devices(count, there):
    """Raise a `ValueError` unless so many devices are there."""
    if not 1 <= count <= there:
        raise ValueError(
            f"`devices` must be from 1 to {there}, the devices of this machine; received {count}."
        )


def not_together(address, count, timeout):
    """What to say where the processes of a training do not find each other."""
    return (
        f"The {count} workers must meet at the coordinator {address}; they did not within "
        f"{timeout:g} s."
    )


@contextlib.contextmanager
def ends_after(address, count, timeout):
    """Within, the process is ended after `timeout` seconds: an engine waits, deaf to all else."""

    def give_up():
        print(f"keras-seq: {not_together(address, count, timeout)}", file=sys.stderr, flush=True)
        os._exit(2)

    waiting = threading.Timer(timeout, give_up)
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
