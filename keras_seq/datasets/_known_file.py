"""Files whose content is known by its hash: in the user's folder, or at an official address."""

from pathlib import Path

from keras_seq.datasets._data_folder import data_file, warn_if_other, where_it_looked
from keras_seq.datasets.files import unzip
from keras_seq.datasets.lines import decode_with_ends


def known_file(folder, name, sha256, where_to_get_it, address=None):
    """The path of a file of a data set.

    Args:
        folder, name: the file is `$KERAS_SEQ_DATA/folder/name`.
        sha256: of its content, unzipped where the name ends in ".gz"; another one gives a warning.
        where_to_get_it: sentences for the error, where the file is not there and has no address.
        address: from where it is downloaded once, to the cache of Keras, which checks the hash.
    """
    path = data_file(folder, name)
    if path is not None:
        data = path.read_bytes()
        warn_if_other(unzip(data, path) if path.suffix == ".gz" else data, sha256, path)
        return path
    if address is None:
        raise FileNotFoundError(f"{where_it_looked(folder, name)}. {where_to_get_it}")
    from keras.utils import get_file  # Here, since reading local files needs no backend.

    return Path(
        get_file(name, address, file_hash=sha256, cache_subdir=f"datasets/keras_seq/{folder}")
    )


def read_text(path):
    """The text of a file, read as `read_lines` does, with its line ends as they are."""
    with open(path, "rb") as file:
        return "".join(decode_with_ends(file, path))


def check_split(split, splits):
    """ValueError unless `split` is one of `splits`."""
    if split not in splits:
        raise ValueError(f"`split` must be one of {list(splits)}; received {split!r}.")
