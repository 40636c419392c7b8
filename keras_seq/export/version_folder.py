"""Folders of versions, as TF Serving watches them: nothing in them is ever half-written."""

import contextlib
import errno
import os
import pathlib
import shutil
import socket
import uuid

from keras_seq._checks import as_integer


def versions(path):
    """Return the versions in a folder, integers, oldest first; none where there is no folder."""
    path = pathlib.Path(path)
    if not path.is_dir():
        return []
    names = [entry.name for entry in path.iterdir() if entry.is_dir()]
    # TF Serving reads no other digits, and takes "01" for another folder than "1".
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def check_version(path, version):
    """Raise a `ValueError` unless `version` is `"next"` or an integer that is still free."""
    if version == "next":
        return
    number = as_integer(version)
    if number is None or number < 1:
        raise ValueError(
            f'`version` must be an integer of at least 1 or "next"; received {version!r}.'
        )
    if os.path.lexists(pathlib.Path(path) / str(version)):
        raise ValueError(f"{pathlib.Path(path) / str(version)} exists already; it is not replaced.")


@contextlib.contextmanager
def new_version(path, version):
    """Make a version of a model, whole or not at all.

        with new_version("saved_models/dates", "next") as made:
            write(made.folder)
        print(made.path)

    Inside, `folder` is an empty folder beside the versions, whose name is no number, so that no
    server takes it for one. When all went well it is renamed, else removed. What a process that was
    killed has left of its own is removed by the next one.

    Args:
        path: the folder of the versions; made if need be.
        version: an integer, or `"next"`: one more than the largest.

    Raises:
        ValueError: for a version that there is, and for a path that cannot be written to.
    """
    path = pathlib.Path(path)
    check_version(path, version)
    made = _Made(_temporary(path))
    try:
        yield made
        made.path = _renamed(made.folder, path, version)
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            path.rmdir()  # it was made for this, and nothing came of it


class _Made:
    """What is being made, and where it is at last."""

    def __init__(self, folder):
        self.folder = folder
        self.path = None


def _temporary(path):
    """A new empty folder in `path`, of this process."""
    host = socket.gethostname()
    folder = path / f".{host}.{os.getpid()}.{uuid.uuid4().hex}.part"
    try:
        path.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path, host)
        folder.mkdir()
    except OSError as error:
        raise ValueError(f"{path} cannot be written to: {error.strerror or error}.") from error
    return folder


def _remove_leftovers(path, host):
    """Remove the folders of processes of this machine that are no more."""
    for folder in path.glob(f".{host}.*.part"):
        number = folder.name.removeprefix(f".{host}.").split(".")[0]
        if number.isdigit() and not _lives(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _renamed(folder, path, version):
    """Rename to the version; where somebody else was faster, `"next"` is the one behind."""
    while True:
        number = max(versions(path), default=0) + 1 if version == "next" else version
        try:
            os.rename(folder, path / str(number))
            return path / str(number)
        except OSError as error:
            taken = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
            if taken and version == "next":
                continue
            if taken:
                raise ValueError(f"{path / str(number)} exists already.") from error
            raise
