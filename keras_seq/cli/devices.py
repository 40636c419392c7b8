"""A training command on several devices: of this machine, or of several that find each other."""

import contextlib
import functools
import hashlib
import os
import pathlib
import socket
import subprocess
import sys

import typer

from keras_seq.cli.options import Option
from keras_seq.cli.show import check_writable

DEVICES = "Devices"
OPTIONS = [
    Option("devices", "How many devices of this machine share each batch.", int, panel=DEVICES),
    Option(
        "coordinator",
        "HOST:PORT of worker 0, at which the workers meet; those of all, with commas between "
        "them, where TensorFlow trains on several machines.",
        panel=DEVICES,
    ),
    Option("workers", "How many processes share each batch.", int, panel=DEVICES),
    Option("worker", "The number of this process, from 0.", int, panel=DEVICES),
    Option("timeout", "Seconds to wait for the other workers.", float, 60.0, DEVICES),
]
NAMES = tuple(option.name for option in OPTIONS)


def on_devices(command):
    """Decorate a function that trains as its options say: it runs on the devices that they name."""

    @functools.wraps(command)
    def run(args):
        if args.devices is None and args.coordinator is None:
            for name in ("workers", "worker"):
                if getattr(args, name) is not None:
                    raise ValueError(f"--{name} goes with --coordinator; received none.")
            command(args)
            return
        check_writable(args.out)
        if args.devices is not None:
            _on_this_machine(command, args)
        else:
            _among_workers(command, args)

    return run


def _on_this_machine(command, args):
    from keras_seq.backend import one_process_a_device, use_devices

    if args.coordinator is not None:
        raise ValueError("--devices and --coordinator exclude each other; received both.")
    _check_divisible(args.batch_size, args.devices)
    with use_devices(args.devices):
        if args.devices == 1 or not one_process_a_device:
            command(args)
            return
    with _others(args.devices) as address:
        args.coordinator, args.workers, args.worker = address, args.devices, 0
        _among_workers(command, args)


def _among_workers(command, args):
    from keras_seq._checks import check_number
    from keras_seq.backend import broken_connection, join_workers
    from keras_seq.distributed.workers import check_workers
    from keras_seq.models.base.sharing import check_agreement

    if args.workers is None or args.worker is None:
        raise ValueError("--coordinator needs --workers and --worker besides.")
    if args.workers < 1:
        raise ValueError(f"--workers must be at least 1; received {args.workers}.")
    _check_divisible(args.batch_size, args.workers)
    timeout = check_number("timeout", args.timeout, 0, above=True)
    addresses = check_workers(args.coordinator, args.workers, args.worker)
    try:
        with join_workers(addresses, args.workers, args.worker, timeout), _silent(args.worker):
            check_agreement(_files(args))
            command(args)
    except typer.Exit:  # a `RuntimeError`, as that of a broken connection may be
        raise
    except broken_connection as error:
        first = str(error).strip().splitlines()[0]
        _leave(
            "Another worker has ended, or cannot be reached any more; when all are started again "
            f"with --resume they go on from {args.out}.state. ({first})"
        )


def _check_divisible(batch_size, count):
    if count > 0 and batch_size % count:
        raise ValueError(
            f"--batch-size must be a multiple of {count}, as so many share a batch; received "
            f"{batch_size}."
        )


def _files(args):
    """What must be the same for all workers: the content of files, and the other options."""
    from keras_seq.datasets.lines import Lines

    values = {}
    for name, value in vars(args).items():
        if name in ("out", *NAMES):
            continue
        if isinstance(value, pathlib.Path):
            paths = [file.path for file in Lines(value).files() if file.path.is_file()]
            value = [_digest(path) for path in paths] or value
        values[f"--{name.replace('_', '-')}"] = value
    return values


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _silent(worker):
    """What the other workers would print too is printed by worker 0."""
    if worker == 0:
        yield
        return
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


@contextlib.contextmanager
def _others(count):
    """Run this command in processes of its own as the workers 1, 2, ...; gives the address of 0."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listening.getsockname()[1]}"
    words, skip = [], False
    for word in sys.argv[1:]:
        if not skip and word != "--devices" and not word.startswith("--devices="):
            words.append(word)
        skip = word == "--devices"
    command = [sys.executable, "-m", "keras_seq.cli", *words, "--coordinator", address]
    command += ["--workers", str(count), "--worker"]
    workers = [subprocess.Popen([*command, str(index)]) for index in range(1, count)]
    try:
        yield address
        for worker in workers:
            worker.wait()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _leave(text):
    """End this process at once: what libraries do at the end would wait for the lost worker."""
    print(f"keras-seq: {text}", file=sys.stderr, flush=True)
    os._exit(2)
