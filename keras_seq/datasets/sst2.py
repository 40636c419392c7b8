"""SST-2: sentences of film reviews, negative or positive."""

from keras_seq.datasets._known_file import check_split, known_file
from keras_seq.datasets.labelled import read_sentiments

_SHA256 = {
    "train": "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
    "dev": "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
    "test": "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
}


def sst2(split: str = "train") -> tuple[list[str], list[str]]:
    """Sentences and whether they are "negative" or "positive", in lower case and split into words.

    train has 6,920 whole sentences, dev 872 and test 1,821. (The data set of the same name in GLUE
    has the same dev sentences, but phrases in train, and no labels in test.)

    The files are read from the folder that the environment variable `KERAS_SEQ_DATA` names,
    `sst2/train.tsv` and so on, one sentence a line, text TAB 0 or 1; another content than the known
    one gives a warning. Nothing is downloaded.

    Licence: none is stated. Train on it and publish figures; ship neither the text nor weights.

    Args:
        split: "train", "dev" or "test".

    Returns:
        `(texts, labels)`: lists of str, of one length.

    Raises:
        FileNotFoundError: the file is not there; says where to get it and where to put it.
        ValueError: the split is another one, the file is not UTF-8, or a line is not as above.

    Example:
        >>> from keras_seq.datasets import sst2
        >>> texts, labels = sst2("dev")
        >>> len(texts), sorted(set(labels))
        (872, ['negative', 'positive'])

    Paper: Socher et al. 2013, "Recursive deep models for semantic compositionality over a
    sentiment treebank" (D13-1170).
    """
    check_split(split, _SHA256)
    name = f"{split}.tsv"
    path = known_file(
        "sst2",
        name,
        _SHA256[split],
        f"Get SST-2's {name} (text TAB label, whole sentences) from the repository "
        "github.com/clairett/pytorch-sentiment-classification, commit 457ffd8, and put it at "
        f"$KERAS_SEQ_DATA/sst2/{name}.",
    )
    return read_sentiments(path, text=0, label=1)
