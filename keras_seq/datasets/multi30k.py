"""Multi30k: captions of photographs in German, English and French."""

import hashlib
from pathlib import Path

from keras_seq.datasets._data_folder import data_file, warn_if_other
from keras_seq.datasets.files import decode_lines, unzip

# The official repository, at one commit. The name of a file follows: "train.de.gz".
_ADDRESS = (
    "https://raw.githubusercontent.com/multi30k/dataset/"
    "a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/"
)
_LANGUAGES = ("de", "en", "fr")

# Of the unzipped files.
_SHA256 = {
    "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.fr": "5925a3c18f1587b6b54b87743106e6e8ab93618edb6f65d19eac0621f853a10d",
    "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "val.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.fr": "5304e444d842e962b2dda4d816b70b22a1765b15401642b7ca37a67477e708dc",
    "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
    "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.fr": "cb3160d69b002bb638e66cc7612fcd56cb0af82eadc9c142dedc438afb885ef6",
}
_SPLITS = ("train", "val", "test_2016_flickr")


def multi30k(
    split: str = "train", source: str = "de", target: str = "en"
) -> tuple[list[str], list[str]]:
    """Captions and their translations, raw text: one split of task 1 of Multi30k.

    train has 29,000 pairs, val 1,014 and test_2016_flickr 1,000. Line i is the same photograph in
    all three languages.

    The files are read from the folder that the environment variable `KERAS_SEQ_DATA` names
    (`multi30k/train.de` and so on; another content than the known one gives a warning). What is not
    there is downloaded once from the official repository, github.com/multi30k/dataset, at a fixed
    commit, to the cache of Keras, and its sha256 is checked.

    Licence: none is stated; the repository provides the data "solely ... for researchers and
    educators who wish to use the dataset for non-commercial research and/or educational purposes".
    Train on it and publish figures; ship neither the text nor weights trained on it.

    Args:
        split: "train", "val" or "test_2016_flickr".
        source, target: two different ones of "de", "en", "fr".

    Returns:
        `(sources, targets)`: lists of str, of one length.

    Raises:
        ValueError: an argument is another one, a downloaded file is not the expected one (it is
            removed from the cache), or the two files have different numbers of lines.
        Exception: what `keras.utils.get_file` raises when the address cannot be reached.

    Example:
        >>> from keras_seq.datasets import multi30k
        >>> sources, targets = multi30k("val", source="fr", target="en")
        >>> len(sources), len(targets)
        (1014, 1014)

    Papers: Elliott et al. 2016, "Multi30K: Multilingual English-German Image Descriptions"
    (W16-3210); Elliott et al. 2017 (W17-4718), for the French.
    """
    if split not in _SPLITS:
        raise ValueError(f"`split` must be one of {list(_SPLITS)}; received {split!r}.")
    for name, language in (("source", source), ("target", target)):
        if language not in _LANGUAGES:
            raise ValueError(f"`{name}` must be one of {list(_LANGUAGES)}; received {language!r}.")
    if source == target:
        raise ValueError(f"`source` and `target` must be two languages; received {source!r} twice.")
    sources, targets = (_lines(f"{split}.{language}") for language in (source, target))
    if len(sources) != len(targets):
        raise ValueError(
            f"multi30k {split}: expected as many lines of each language; received "
            f"{len(sources)} of {source!r} and {len(targets)} of {target!r}."
        )
    return sources, targets


def _lines(name):
    path = data_file("multi30k", name)
    if path is None:
        return _downloaded_lines(name)
    data = path.read_bytes()
    warn_if_other(data, _SHA256[name], path)
    return decode_lines(data, path)


def _downloaded_lines(name):
    from keras.utils import get_file  # Here, since reading local files needs no backend.

    path = get_file(f"{name}.gz", _ADDRESS + f"{name}.gz", cache_subdir="datasets/multi30k")
    path = Path(path)
    try:
        data = unzip(path.read_bytes(), path)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != _SHA256[name]:
            raise ValueError(
                f"{_ADDRESS}{name}.gz must be the text with the sha256 {_SHA256[name]}; received "
                f"{sha256}. The download was removed; try again, or put the right file at "
                f"$KERAS_SEQ_DATA/multi30k/{name}."
            )
    except ValueError:
        path.unlink()  # Else the cache would give it again.
        raise
    return decode_lines(data, path)
