"""What a user is told who asks for devices that are not there, or for workers that do not come.

Run as a program it watches over the process that started it: see `ends_after`.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading


def check_devices(count, there):
    """Raise a `ValueError` unless so many devices are there."""
    if not 1 <= count <= there:
        raise ValueError(
            f"`devices` must be from 1 to {there}, the devices of this machine; received {count}."
        )


def not_together(count, timeout, coordinator, *others):
    """What to say where the processes of a training do not find each other.

    Args:
        count: how many there are.
        timeout: how many seconds they waited.
        coordinator: the address of the first.
        *others: where others than this one listen.
    """
    silent = [address for address in others if not _answers(address)]
    why = f"nothing answers at {', '.join(silent)}" if silent else "not all of them came"
    return (
        f"The {count} workers must meet at the coordinator {coordinator}; they did not within "
        f"{float(timeout):g} s: {why}."
    )


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def check_port(address):
    """Raise a `ValueError` unless this process can listen at the port of `address`."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("", int(address.rpartition(":")[2])))
        except OSError as error:
            raise ValueError(
                f"`coordinator` must name a free port, at which this worker listens; {address}: "
                f"{error.strerror}."
            ) from error


@contextlib.contextmanager
def ends_after(timeout, count, coordinator, *others):
    """Within, the process is killed after `timeout` seconds, with the line of `not_together`.

    Another process does that, as an engine that waits may let no thread of this one run. It ends
    with the context, and with this process.
    """
    words = [sys.executable, "-I", __file__, str(count), str(timeout), coordinator, *others]
    # In a session of its own: Ctrl-C is for this process.
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True):
        yield


def _watch(count, timeout, *where):
    ending = threading.Thread(target=os.read, args=(0, 1), daemon=True)  # when nobody writes to it
    ending.start()
    ending.join(float(timeout))
    if ending.is_alive():
        print(f"keras-seq: {not_together(count, timeout, *where)}", file=sys.stderr, flush=True)
        os.kill(os.getppid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    os._exit(0)  # with no word about the thread


if __name__ == "__main__":
    _watch(*sys.argv[1:])
