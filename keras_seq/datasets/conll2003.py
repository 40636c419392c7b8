"""CoNLL-2003: the names of persons, places, organisations and others in news."""

from keras_seq.datasets._known_file import check_split, known_file
from keras_seq.datasets.conll import read_conll

_FILES = {  # split: (file, sha256)
    "train": ("eng.train", "eac0822f501353f265383ddf1edb0dcd42a1b6eefd3e383d7074db98c38eb41c"),
    "dev": ("eng.testa", "aedc4ccbd1ae9795feaa0e86fe72d195b0258abed9d705b630d1c889276fac1e"),
    "test": ("eng.testb", "0632f32c090ef31c223135b7fee3187a7cf8e65c4015c7866bb7783428cdd9a6"),
}


def conll2003(split: str = "train", scheme: str = "BIO") -> tuple[list[list[str]], list[list[str]]]:
    """English sentences of the CoNLL-2003 shared task, and for each word whether it is in a name.

    train has 14,041 sentences, dev (eng.testa) 3,250 and test (eng.testb) 3,453; names are of
    persons, places, organisations and others: PER, LOC, ORG, MISC. The files are written in IOB1,
    but for two names of train that begin with B- behind O; they are read as conlleval reads them,
    and converted. The marks between documents are left out.

    They are read from the folder that the environment variable `KERAS_SEQ_DATA` names,
    `conll2003/eng.train` and so on: word, part of speech, chunk and name in columns. Another
    content than the known one gives a warning. Nothing is downloaded.

    Licence: the text is Reuters's, for research under an agreement. Train on it and publish
    figures; ship neither the text nor weights.

    Args:
        split: "train", "dev" or "test".
        scheme: of the tags that come back: as in `keras_seq.text.spans`.

    Returns:
        `(sentences, tags)`: lists of one length, of lists of str, one for each word.

    Raises:
        FileNotFoundError: the file is not there; says where to get it and where to put it.
        ValueError: the split or the scheme is another one, or the file is not as above.

    Example:
        >>> from keras_seq.datasets import conll2003
        >>> sentences, tags = conll2003("dev", scheme="IOBES")
        >>> len(sentences), sorted({tag for row in tags for tag in row})[:5]
        (3250, ['B-LOC', 'B-MISC', 'B-ORG', 'B-PER', 'E-LOC'])

    Paper: Tjong Kim Sang & De Meulder 2003, "Introduction to the CoNLL-2003 shared task:
    language-independent named entity recognition" (W03-0419).
    """
    check_split(split, _FILES)
    name, sha256 = _FILES[split]
    path = known_file(
        "conll2003",
        name,
        sha256,
        "https://www.clips.uantwerpen.be/conll2003/ner/ says how the files are made from the "
        f"Reuters corpus RCV1, which NIST gives out for research. Put {name} at "
        f"$KERAS_SEQ_DATA/conll2003/{name}.",
    )
    sentences = read_conll(path, columns=(0, -1), scheme=("IOB1", scheme), repair=True)
    return [words for words, _ in sentences], [tags for _, tags in sentences]
