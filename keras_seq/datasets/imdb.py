"""IMDb: film reviews, negative or positive."""

import os
from pathlib import Path

import numpy as np

from keras_seq.datasets._data_folder import VARIABLE
from keras_seq.datasets._known_file import check_split, known_file, read_text
from keras_seq.datasets.labelled import read_sentiments

# Of the unzipped files.
_SHA256 = {
    "train": "79d548fabcbeb8bb5eb4cbe11daded82100f5e2bd3a00bf9eba4e167012f984d",
    "test": "ebf9610daeaf8f012fcd98ef0b3f0898a73dd36ed62c247b88f8ee2dbf3ad688",
}
_BLANKS = str.maketrans("\t\n\r", "   ")  # one review a line
_FOLDERS = {"neg": "negative", "pos": "positive"}


def imdb(split: str = "train") -> tuple[list[str], list[str]]:
    """Film reviews and whether they are "negative" or "positive"; raw text, some with `<br />`.

    train has 22,500 reviews, dev 2,500 and test 25,000. dev is the tenth of the published train
    that a shuffle with a fixed seed puts first; train is the rest, shuffled as well (in the files
    all negative reviews come first). test is in the order of the files. About half of each is
    positive, and no film is in both train and test.

    Read from the folder that the environment variable `KERAS_SEQ_DATA` names: either
    `imdb/train.tsv.gz` and `imdb/test.tsv.gz`, one review a line, label TAB id TAB stars TAB text
    (another content than the known one gives a warning), or `imdb/aclImdb`, as the published
    archive unpacks. Both give the same reviews in the same order. Nothing is downloaded.

    Licence: none is stated. Train on it and publish figures; ship neither the text nor weights.

    Args:
        split: "train", "dev" or "test".

    Returns:
        `(texts, labels)`: lists of str, of one length.

    Raises:
        FileNotFoundError: the files are not there; says where to get them and where to put them.
        ValueError: the split is another one, a file is not UTF-8, or a line is not as above.

    Example:
        >>> from keras_seq.datasets import imdb
        >>> texts, labels = imdb("dev")
        >>> len(texts), sorted(set(labels))
        (2500, ['negative', 'positive'])

    Paper: Maas et al. 2011, "Learning word vectors for sentiment analysis" (P11-1015).
    """
    check_split(split, ("train", "dev", "test"))
    part = "test" if split == "test" else "train"
    unpacked = Path(os.environ.get(VARIABLE) or "", "imdb", "aclImdb", part)
    if os.environ.get(VARIABLE) and unpacked.is_dir():
        texts, labels = _from_folder(unpacked)
    else:
        texts, labels = _from_table(part)
    if split == "test":
        return texts, labels
    order = np.random.default_rng(0).permutation(len(texts))
    tenth = len(order) // 10
    chosen = order[:tenth] if split == "dev" else order[tenth:]
    return [texts[place] for place in chosen], [labels[place] for place in chosen]


def _from_table(part):
    name = f"{part}.tsv.gz"
    path = known_file(
        "imdb",
        name,
        _SHA256[part],
        "Get aclImdb_v1.tar.gz from https://ai.stanford.edu/~amaas/data/sentiment/ and unpack it, "
        "so that there is a folder $KERAS_SEQ_DATA/imdb/aclImdb.",
    )
    return read_sentiments(path, text=3, label=0)


def _from_folder(folder):
    """The files pos/0_9.txt: class, id, stars."""
    texts, labels = [], []
    for name, label in _FOLDERS.items():
        for path in sorted((folder / name).glob("*_*.txt"), key=lambda path: _id(path.name)):
            texts.append(read_text(path).translate(_BLANKS))
            labels.append(label)
    return texts, labels


def _id(name):
    number = name.partition("_")[0]
    return (int(number), name) if number.isdecimal() else (-1, name)
