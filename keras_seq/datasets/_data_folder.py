"""Find real data in the folder that the environment variable KERAS_SEQ_DATA names."""

import hashlib
import os
import warnings
from pathlib import Path

VARIABLE = "KERAS_SEQ_DATA"


def data_file(*parts):
    """The path of `$KERAS_SEQ_DATA/part/part/...` if that file exists, else None."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    path = Path(folder, *parts)
    return path if path.is_file() else None


def where_it_looked(*parts):
    """Words for an error: where `data_file` looked for a file that is not there."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return (
            f"the environment variable {VARIABLE} is not set: let it name a folder, and put the "
            f"file there as {Path(*parts)}"
        )
    return f"there is no file {Path(folder, *parts)}"


def warn_if_other(data, sha256, path):
    """Warns when the bytes read from the user's folder are not those with the known hash."""
    if hashlib.sha256(data).hexdigest() != sha256:
        warnings.warn(
            f"{path} is not the file that keras_seq knows (its sha256 differs from {sha256}). "
            "It is read all the same; figures on it do not compare with published ones.",
            stacklevel=3,
        )
