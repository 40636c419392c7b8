"""English Web Treebank: words and their parts of speech."""

from keras_seq.datasets._known_file import check_split, known_file
from keras_seq.datasets.conllu import COLUMNS, read_conllu

# The official repository, at one commit. The name of a file follows.
_ADDRESS = (
    "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/"
    "15d613d8447b3478787d4c278730a1e48a945efb/"
)
_SHA256 = {
    "train": "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
    "dev": "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
    "test": "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd",
}


def english_ewt(split: str = "train", tag: str = "upos") -> tuple[list[list[str]], list[list[str]]]:
    """Sentences of the English Web Treebank of Universal Dependencies, and a tag for each word.

    train has 12,544 sentences, dev 2,001 and test 2,077: weblogs, newsgroups, e-mails, reviews and
    answers. The words are those of the treebank: "don't" is "do" and "n't". `read_conllu` reads
    all that is in the files.

    They are read from the folder that the environment variable `KERAS_SEQ_DATA` names,
    `ud_english_ewt/en_ewt-ud-train.conllu` and so on; another content than the known one gives a
    warning. What is not there is downloaded once from the official repository,
    github.com/UniversalDependencies/UD_English-EWT, at a fixed commit, to the cache of Keras, and
    its sha256 is checked.

    Licence: CC BY-SA 4.0. Models trained on it may be shipped under it, with attribution.

    Args:
        split: "train", "dev" or "test".
        tag: the column of the tags: "upos", the 17 universal parts of speech; "xpos", those of the
            Penn Treebank; or another one of CoNLL-U, such as "deprel" or "lemma".

    Returns:
        `(sentences, tags)`: lists of one length, of lists of str, one for each word.

    Raises:
        ValueError: the split or the column is another one, a file is no CoNLL-U (says the line), or
            a download is not the expected file.
        Exception: what `keras.utils.get_file` raises when the address cannot be reached.

    Example:
        >>> from keras_seq.datasets import english_ewt
        >>> sentences, tags = english_ewt("dev")
        >>> len(sentences), len({tag for row in tags for tag in row})
        (2001, 17)

    Papers: Silveira et al. 2014, "A gold standard dependency corpus for English" (L14-1067);
    Nivre et al. 2020, "Universal Dependencies v2", arXiv:2004.10643.
    """
    check_split(split, _SHA256)
    if tag not in COLUMNS:
        raise ValueError(f"`tag` must be one of {list(COLUMNS)}; received {tag!r}.")
    name = f"en_ewt-ud-{split}.conllu"
    path = known_file("ud_english_ewt", name, _SHA256[split], "", _ADDRESS + name)
    sentences = read_conllu(path)
    return [sentence.words for sentence in sentences], [
        sentence.column(tag) for sentence in sentences
    ]
