"""CoNLL columns: a word a line, its tags beside it, an empty line between sentences."""

import re
from collections.abc import Iterable, Sequence

from keras_seq._typing import PathLike
from keras_seq.datasets.files import write_lines
from keras_seq.datasets.lines import Lines

_BLANKS = re.compile(r"[ \t]+")  # not what else Unicode calls a space: words may hold it
_DOCUMENT = "-DOCSTART-"
_WHICH = (
    "Say where comments begin by `comment` (`--comment`), such as '#'; '' if no line is a comment."
)


def read_conll(
    path: PathLike,
    columns: Sequence[int] = (0, -1),
    scheme: str | None = None,
    separator: str | None = None,
    comment: str | None = None,
    repair: bool = False,
    encoding: str | None = None,
) -> list[tuple[list[str], ...]]:
    r"""The sentences of a file in columns, as CoNLL-2000, 2002 and 2003 have them.

    Lines without anything but blanks and tabs divide sentences. A row that begins with -DOCSTART-
    divides documents: it is left out and ends a sentence too. A file whose name ends in ".gz" is
    unzipped.

    Args:
        path: str or path-like.
        columns: which columns to return, from 0; -1 is the last one. By default the first and the
            last, words and named entities in CoNLL-2003.
        scheme: what the last of `columns` is written in, by any name that `keras_seq.text.spans`
            takes, such as "BIO", "IOB1" or "BIOES": it is checked. A pair such as ("IOB1", "BIO")
            converts it from one to the other. `None` for tags of single words.
        separator: `None` for any run of blanks and tabs, else the str that divides columns, such
            as "\t" where words hold blanks.
        comment: lines that begin with this str are left out, such as "#", or "# id" where words
            begin with "#"; "" where no line is a comment. With `None` there are none either, but
            a row of the word "#" with a tag that no other word has is an error: it may be one.
        repair: whether to read invalid sequences of tags as conlleval does.
        encoding: as in `read_lines`.

    Returns:
        list of sentences, each a tuple of lists of str, one for each of `columns`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: with file and line: a row has not as many columns as the first one, or none of
            a number in `columns`; a tag is not valid in `scheme`; a row may be a comment; the file
            is not in its encoding. Also for an unknown scheme.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_conll
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_text("-DOCSTART- -X- O\n\nAnna NNP I-PER\nsings VBZ O\n\nYes UH O\n")
        >>> read_conll(path, scheme=("IOB1", "BIO"))
        [(['Anna', 'sings'], ['B-PER', 'O']), (['Yes'], ['O'])]

    Paper: Tjong Kim Sang & De Meulder 2003, "Introduction to the CoNLL-2003 shared task"
    (W03-0419), section 2.
    """
    columns, schemes = tuple(columns), _schemes(scheme)
    sentences, first = [], None
    known, doubtful = set(), {}  # tags of words, and the lines of those of "#" alone
    for numbers, rows in _sentences(path, separator, comment, encoding):
        first = first or (numbers[0], rows[0])
        _check_columns(path, numbers, rows, first, columns)
        sentence = tuple([row[column] for row in rows] for column in columns)
        if schemes is not None:
            tags = _converted(path, numbers, rows, sentence[-1], *schemes, repair)
            sentence = (*sentence[:-1], tags)
        sentences.append(sentence)
        if comment is None:
            place = columns[-1] if len(columns) > 1 else -1
            for number, row in zip(numbers, rows, strict=True):
                if row[0] == "#" != row[place]:
                    doubtful.setdefault(row[place], (number, row))
                else:
                    known.add(row[place])
    for tag, (number, row) in doubtful.items():
        if tag not in known:
            raise ValueError(
                f"{path}, line {number}: {row!r} may be a comment, since no other word has the tag "
                f"{tag!r}. {_WHICH}"
            )
    return sentences


def _schemes(scheme):
    """The names of the scheme that is read and of the one that is returned, or `None`."""
    if scheme is None:
        return None
    from keras_seq.text.tag_schemes import scheme_name  # pulls in Keras

    pair = (scheme, scheme) if isinstance(scheme, str) else tuple(scheme)
    if len(pair) != 2:
        raise ValueError(f"`scheme` must be the name of one, or of two; received {scheme!r}.")
    return tuple(map(scheme_name, pair))


def _sentences(path, separator, comment, encoding):
    """The numbers of the lines and the rows of each sentence."""
    numbers, rows = [], []
    for number, line in enumerate(Lines(path, encoding), start=1):
        if comment and line.startswith(comment):
            continue
        stripped = line.strip(" \t")
        if stripped and _BLANKS.split(stripped, 1)[0] != _DOCUMENT:
            numbers.append(number)
            rows.append(_BLANKS.split(stripped) if separator is None else line.split(separator))
        elif rows:
            yield numbers, rows
            numbers, rows = [], []
    if rows:
        yield numbers, rows


def _check_columns(path, numbers, rows, first, columns):
    line, expected = first[0], len(first[1])
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != expected:
            raise ValueError(
                f"{path}, line {number}: expected {expected} columns, as in line {line}; received "
                f"{len(row)}, {row!r}.{_hint(first[1], row)}"
            )
    for column in columns:
        if not -expected <= column < expected:
            raise ValueError(
                f"{path}, line {numbers[0]}: expected more columns, as `columns` has {column}; "
                f"received {expected}, {rows[0]!r}.{_hint(rows[0])}"
            )
    if len({column % expected for column in columns}) != len(columns):
        raise ValueError(
            f"{path}, line {numbers[0]}: `columns` must name each column once; received {columns} "
            f"for {expected} columns, {rows[0]!r}."
        )


def _hint(*rows):
    """What to do where a row may be a comment."""
    return f" {_WHICH}" if any(row[0].startswith("#") for row in rows) else ""


def _converted(path, numbers, rows, tags, source, target, repair):
    from keras_seq.text.tag_schemes import convert_tags, find_problem  # pulls in Keras

    problem = None if repair else find_problem(tags, source)
    if problem is not None:
        position, message = problem
        raise ValueError(f"{path}, line {numbers[position]}: {message}{_hint(rows[position])}")
    try:
        return convert_tags(tags, source, target, repair)
    except ValueError as error:  # for no tag of the scheme at all
        raise ValueError(
            f"{path}, the sentence from line {numbers[0]} on: {error}{_hint(*rows)}"
        ) from error


def write_conll(
    path: PathLike, sentences: Iterable[Sequence[Sequence[str]]], separator: str = " "
) -> None:
    r"""Writes sentences in columns; `read_conll` gives them back (with `comment=""` all of them).

    An empty line ends each sentence. As with `write_lines`, the file takes the place of an old one
    in one step, and a name that ends in ".gz" gives a gzip file.

    Args:
        path: str or path-like; its folder is made where it is not there.
        sentences: iterable of sentences, each a tuple of lists of str of one length: words, tags.
        separator: what to write between columns, " " or "\t".

    Raises:
        OSError: no file can be written there.
        ValueError: the columns of a sentence differ in length, or it would not come back: it has
            no word, one is empty, holds a blank, a tab (with "\t": a tab alone) or an end of line,
            or is -DOCSTART-. Says the sentence, from 0.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import write_conll
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> write_conll(path, [(["Anna", "sings"], ["B-PER", "O"])])
        >>> path.read_text()
        'Anna B-PER\nsings O\n\n'
    """
    if separator not in (" ", "\t"):
        raise ValueError(f"`separator` must be ' ' or '\\t'; received {separator!r}.")
    write_lines(path, _written(sentences, separator))


def _written(sentences, separator):
    for number, sentence in enumerate(sentences):
        lengths = [len(column) for column in sentence]
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ValueError(
                f"Sentence {number} has columns of the lengths {lengths}; expected one number "
                "above 0 for words and tags."
            )
        for row in zip(*sentence, strict=True):
            _check_row(number, row, separator)
            yield separator.join(row)
        yield ""


def _check_row(number, row, separator):
    broken = re.compile(r"[\t\n]" if separator == "\t" else r"[ \t\n]")
    for part in row:
        if not isinstance(part, str) or not part.strip(" ") or broken.search(part):
            raise ValueError(
                f"Sentence {number} has {part!r}; expected a str that is not empty and holds no "
                "separator and no end of line."
            )
    if row[0] == _DOCUMENT:
        raise ValueError(f"Sentence {number} has the word {_DOCUMENT}, which marks documents.")
