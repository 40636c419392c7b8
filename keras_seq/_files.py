"""Files that are written as a whole or not at all."""

import contextlib
import errno
import os
import pathlib
import shutil
import uuid


@contextlib.contextmanager
def replacing(path):
    """Give the place of a new file beside `path`, which then takes its place in one step.

    Whoever reads `path` sees the old file or the new one, never half of it; where anything fails
    the old one stays. A folder that is not there is made. What a link points to is replaced, not
    the link.

    Args:
        path: str or path-like.

    Raises:
        OSError: it cannot be written there; says `path`, not the place beside it.

    Example:
        >>> import tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with replacing(folder / "new" / "a.txt") as beside:
        ...     _ = beside.write_text("a")
        >>> (folder / "new" / "a.txt").read_text(), len(os.listdir(folder / "new"))
        ('a', 1)
    """
    path = pathlib.Path(path)
    check_place(path)
    real = pathlib.Path(os.path.realpath(path))
    made = _make_folder(real.parent)
    # A name of its own, with the suffix, by which some writers go; not longer than names may be.
    beside = real.with_name(f".{real.stem[:40]}.{uuid.uuid4().hex[:12]}.part{real.suffix}")
    try:
        try:
            yield beside
            os.replace(beside, real)
        finally:
            if beside.is_dir():  # some writers make a folder
                shutil.rmtree(beside)
            beside.unlink(missing_ok=True)
    except BaseException as error:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError) and str(beside) in (str(error.filename), error.filename2):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextlib.contextmanager
def replacing_folder(path, file):
    """Give an empty folder beside `path`, which then takes its place, whole or not at all.

    A folder that is there already is replaced where it is empty or holds `file`, as one that was
    written so before; where anything fails it stays.

    Args:
        path: str or path-like.
        file: the name of a file by which such folders are known.

    Raises:
        ValueError: for a path that is something else, and for one that cannot be written to.
    """
    path = pathlib.Path(path)
    real = pathlib.Path(os.path.realpath(path))
    known = real.is_dir() and ((real / file).is_file() or not any(real.iterdir()))
    if os.path.lexists(path) and not known:
        raise ValueError(
            f"{path} must be a new folder, an empty one, or one with a {file} in it, which is "
            "replaced; it is something else."
        )
    name = f".{real.name[:40]}.{uuid.uuid4().hex[:12]}"
    beside, aside = real.with_name(f"{name}.part"), real.with_name(f"{name}.old")
    made = []
    try:
        made = _make_folder(real.parent)
        beside.mkdir()
    except OSError as error:
        raise ValueError(f"{path} cannot be written to: {error.strerror or error}.") from error
    try:
        yield beside
        if real.exists():
            os.rename(real, aside)
        os.rename(beside, real)
    except BaseException:
        if aside.exists() and not real.exists():
            os.rename(aside, real)
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
        if not real.exists():
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def check_place(path):
    """OSError for a place where no file can be written: nothing is made to find out."""
    path = pathlib.Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder; a file name was expected", str(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file that could be replaced", str(path))
    folder = pathlib.Path(os.path.realpath(path)).parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is no folder", str(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"{folder} cannot be written to", str(path))


def _make_folder(folder):
    """Make a folder and those above it; return what was made, the innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
    return missing
