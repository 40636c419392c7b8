"""Short everyday sentences of Tatoeba, English with German or French."""

from keras_seq.datasets._data_folder import data_file, warn_if_other, where_it_looked
from keras_seq.datasets.files import decode_lines

# language: (file, archive at manythings.org/anki that holds such a file, sha256)
_FILES = {
    "de": (
        "deu-2018.txt",
        "deu-eng.zip",
        "a79c90b3cd3102decffa49cc00fb6f20023974f2ae5c4782515bebe133fcc07b",
    ),
    "fr": (
        "fra-2019.txt",
        "fra-eng.zip",
        "0bb85dbaa1c896844649094d7eaf2e34bee34e84fe362b26ce7e8f2e12aae104",
    ),
}


def tatoeba(language: str = "de", reverse: bool = False) -> tuple[list[str], list[str]]:
    """English sentences and their translations, from the exports of manythings.org/anki.

    The export of 2018 has 169,813 pairs with German, that of 2019 167,130 pairs with French, sorted
    by the length of the English sentence. Many English sentences occur several times, with other
    translations: split with `split_by_source`, not by position.

    The file is read from the folder that the environment variable `KERAS_SEQ_DATA` names:
    `tatoeba/deu-2018.txt` or `tatoeba/fra-2019.txt`, one pair a line, English TAB other; further
    columns (newer exports have one with the authors) are not read. An export of another day is read
    too, with a warning, because its sentences differ. Nothing is downloaded.

    Licence: CC BY 2.0. Models trained on it may be shipped, with attribution to tatoeba.org and
    manythings.org/anki.

    Args:
        language: "de" or "fr".
        reverse: bool; False gives English as the source, True gives it as the target.

    Returns:
        `(sources, targets)`: lists of str, of one length.

    Raises:
        FileNotFoundError: the file is not there; says where to get it and where to put it.
        ValueError: the language is another one, the file is not UTF-8, or a line has no TAB.

    Example:
        >>> from keras_seq.datasets import split_by_source, tatoeba
        >>> sources, targets = tatoeba("fr")
        >>> train, dev, test = split_by_source(sources, targets, sizes=(0.9, 0.05, 0.05))
    """
    if language not in _FILES:
        raise ValueError(f"`language` must be one of {sorted(_FILES)}; received {language!r}.")
    name, archive, sha256 = _FILES[language]
    path = data_file("tatoeba", name)
    if path is None:
        raise FileNotFoundError(
            f"Tatoeba, English with {language!r}: {where_it_looked('tatoeba', name)}. "
            f"Get {archive} from https://www.manythings.org/anki/ (CC BY 2.0, attribution to "
            "tatoeba.org and manythings.org/anki), unzip it, and put its .txt file at "
            f"$KERAS_SEQ_DATA/tatoeba/{name}."
        )
    data = path.read_bytes()
    warn_if_other(data, sha256, path)
    english, other = [], []
    for number, line in enumerate(decode_lines(data, path), start=1):
        columns = line.split("\t")
        if len(columns) < 2:
            raise ValueError(
                f"{path}, line {number}: expected English TAB {language}; received {line[:60]!r}."
            )
        english.append(columns[0])
        other.append(columns[1])
    return (other, english) if reverse else (english, other)
