"""CMUdict: how English words are spelt, and how they are said."""

import numpy as np

from keras_seq.datasets._known_file import check_split, known_file
from keras_seq.datasets.labelled import read_labelled

_SHA256 = {
    "train": "5882433c3a14a9a0614b5f724ce74872851092e816852c82d6b74913b2085384",
    "test": "9beeeed7726f4954bee1dbb3c5b41f50a71227557eca70b259fbd63c9cad1bb9",
}


def cmudict(split: str = "train") -> tuple[list[str], list[str]]:
    """Spellings and pronunciations, `"HELLO"` and `"HH AH L OW"`; 39 phonemes, no stress.

    The words are those of the usual split of the CMU Pronouncing Dictionary: 106,837 to learn from
    and 12,000 in test. dev is a fortieth of the first, 2,670 words that a shuffle with a fixed seed
    puts first; train is the rest. No word is in two of the three. A word with several
    pronunciations comes several times in a row, and an answer is right if it is any of them.

    The files are read from the folder that the environment variable `KERAS_SEQ_DATA` names,
    `g2p_cmudict_split/g014b2b.train` and `g014b2b.test`, word TAB phonemes; another content than
    the known one gives a warning. Nothing is downloaded.

    Licence: BSD, two clauses (Carnegie Mellon University). Models trained on it may be shipped.

    Args:
        split: "train", "dev" or "test".

    Returns:
        `(words, pronunciations)`: lists of str, of one length, in the order of the files.

    Raises:
        FileNotFoundError: the file is not there; says where to get it and where to put it.
        ValueError: the split is another one, the file is not UTF-8, or a line is not as above.

    Example:
        >>> from keras_seq.datasets import cmudict
        >>> words, pronunciations = cmudict("dev")
        >>> len(set(words)), len(words) == len(pronunciations) > 2670
        (2670, True)

    Papers: Weide 1998, "The Carnegie Mellon pronouncing dictionary"; the split: Yao & Zweig 2015,
    "Sequence-to-sequence neural net models for grapheme-to-phoneme conversion", arXiv:1506.00196.
    """
    check_split(split, ("train", "dev", "test"))
    name = "g014b2b.test" if split == "test" else "g014b2b.train"
    path = known_file(
        "g2p_cmudict_split",
        name,
        _SHA256["test" if split == "test" else "train"],
        f"Get {name} from the folder jg2p-core/src/test/resources of github.com/steveash/jg2p, "
        f"commit 9ef9110, and put it at $KERAS_SEQ_DATA/g2p_cmudict_split/{name}.",
    )
    words, pronunciations = read_labelled(path, text=0, label=1, delimiter="\t", quoted=False)
    if split == "test":
        return words, pronunciations
    different = list(dict.fromkeys(words))
    order = np.random.default_rng(0).permutation(len(different))
    dev = {different[place] for place in order[: len(order) // 40]}
    chosen = [place for place, word in enumerate(words) if (word in dev) == (split == "dev")]
    return [words[place] for place in chosen], [pronunciations[place] for place in chosen]
