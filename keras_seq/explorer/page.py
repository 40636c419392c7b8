"""The built page: a folder of files that any host can serve."""

import pathlib
import shutil

from keras_seq._files import replacing

STATIC = pathlib.Path(__file__).parent / "static"


def page_folder():
    """Return the folder of the built page.

    Raises:
        FileNotFoundError: it is not built; says how.
    """
    if not (STATIC / "index.html").is_file():
        raise FileNotFoundError("The explorer is not built: `make explorer` does it, with Node 20.")
    return STATIC


def build(folder):
    """Write the page to a new folder, as a whole or not at all.

    Args:
        folder: str or path-like; it may be there already where it is empty.

    Raises:
        ValueError: something is there.
        FileNotFoundError: the page is not built.
    """
    folder, source = pathlib.Path(folder), page_folder()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if folder.exists():
        raise ValueError(f"The folder must be new or empty; {folder} is there.")
    with replacing(folder) as beside:
        shutil.copytree(source, beside)
