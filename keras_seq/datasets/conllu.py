"""CoNLL-U: the ten columns of Universal Dependencies."""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from keras_seq._typing import PathLike
from keras_seq.datasets.files import write_lines
from keras_seq.datasets.lines import Lines

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_ID = re.compile(r"(\d+)(?:([-.])(\d+))?")


@dataclasses.dataclass
class ConlluSentence:
    r"""A sentence of a CoNLL-U file, with all that is in it.

    Three kinds of rows are told apart by their id. Words, "1", "2", and so on, are what is tagged;
    `column` and `words` see these alone. A multiword token, "1-2", stands before its words and
    says how they are written together ("don't" before "do", "n't"): `tokens` shows it in place of
    them. An empty node, "1.1", is a word left out, such as the second "went" in "I went here and
    you there"; only enhanced dependencies speak of it. Both are kept, so nothing is lost between
    `read_conllu` and `write_conllu`.

    Attributes:
        rows: list of lists of ten str, one for each line.
        comments: list of str, the lines before them, each beginning with "#".

    Raises:
        ValueError: nothing is looked at when a sentence is made; `write_conllu` does.

    Example:
        >>> from keras_seq.datasets import ConlluSentence
        >>> forms = {"1-2": "im", "1": "in", "2": "dem"}
        >>> sentence = ConlluSentence([[id, form, *"_" * 8] for id, form in forms.items()])
        >>> sentence.words, sentence.tokens
        (['in', 'dem'], ['im'])
        >>> sentence.with_column("upos", ["ADP", "DET"]).column("upos")
        ['ADP', 'DET']
    """

    rows: list
    comments: list = dataclasses.field(default_factory=list)

    @property
    def words(self):
        """The forms of the words."""
        return self.column("form")

    @property
    def tokens(self):
        """The forms as they stand in the text: a multiword token in place of its words."""
        tokens, end = [], 0
        for row in self.rows:
            first, sign, last = _ID.fullmatch(row[0]).groups()
            if sign == "-":
                end = int(last)
            if sign == "-" or (sign is None and int(first) > end):
                tokens.append(row[1])
        return tokens

    def column(self, name: str) -> list[str]:
        """A column of the words, a list of str; `name` is one of id, form, lemma, upos, xpos,
        feats, head, deprel, deps and misc, else there is a ValueError."""
        index = _index(name)
        return [row[index] for row in self.rows if row[0].isdigit()]

    def with_column(self, name: str, values: Sequence[str]) -> "ConlluSentence":
        """A copy with other `values`, one for each word; the other rows stay as they are."""
        index, values = _index(name), list(values)
        if len(values) != len(self.words):
            raise ValueError(
                f"There must be one value of {name!r} for each of the {len(self.words)} words; "
                f"received {len(values)}."
            )
        values = iter(values)
        rows = [list(row) for row in self.rows]
        for row in rows:
            if row[0].isdigit():
                row[index] = next(values)
        return ConlluSentence(rows, list(self.comments))


def _index(name):
    if name not in COLUMNS:
        raise ValueError(f"A column is one of {', '.join(COLUMNS)}; received {name!r}.")
    return COLUMNS.index(name)


def read_conllu(path: PathLike, encoding: str | None = None) -> list[ConlluSentence]:
    r"""The sentences of a CoNLL-U file.

    Written again by `write_conllu`, a file that keeps to the format comes out byte for byte: UTF-8
    without a byte order mark, `\n` behind each line, one empty line behind each sentence. What
    deviates in these three is read as well, and written right: blanks in an empty line, too, and
    comments with an empty line behind them, which go to the next sentence, and are left out where
    there is none. A file whose name ends in ".gz" is unzipped.

    Args:
        path: str or path-like.
        encoding: as in `read_lines`.

    Returns:
        list of `ConlluSentence`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: with file and line: a row has not ten columns divided by single tabs, or an
            empty one; an id is none, or not the next one; a multiword token ends behind the last
            word; a comment stands behind the first row; the file is not in its encoding.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_conllu
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.conllu"
        >>> rows = "1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_\n2\t!\t!\tPUNCT\t.\t_\t1\tpunct\t_\t_\n"
        >>> _ = path.write_text("# text = Yes!\n" + rows + "\n")
        >>> (sentence,) = read_conllu(path)
        >>> sentence.words, sentence.column("upos"), sentence.comments
        (['Yes', '!'], ['INTJ', 'PUNCT'], ['# text = Yes!'])

    Paper: Nivre et al. 2020, "Universal Dependencies v2", arXiv:2004.10643;
    https://universaldependencies.org/format.html
    """
    sentences, comments, rows, start = [], [], [], 1
    for number, line in enumerate([*Lines(path, encoding), ""], start=1):
        if line.startswith("#"):
            if rows:
                raise ValueError(f"{path}, line {number}: a comment stands behind the first word.")
            comments.append(line)
        elif line.strip(" \t"):
            rows.append(line.split("\t"))
        elif rows:
            if (problem := _problem(rows)) is not None:
                raise ValueError(f"{path}, line {start + problem[0]}: {problem[1]}")
            sentences.append(ConlluSentence(rows, comments))
            comments, rows = [], []
        if not rows:
            start = number + 1  # where the first row of the sentence will stand
    return sentences


def write_conllu(path: PathLike, sentences: Iterable[ConlluSentence]) -> None:
    r"""Writes sentences as a CoNLL-U file; `read_conllu` gives them back.

    As with `write_lines`, the file takes the place of an old one in one step, and a name that ends
    in ".gz" gives a gzip file.

    Args:
        path: str or path-like; its folder is made where it is not there.
        sentences: iterable of `ConlluSentence`.

    Raises:
        OSError: no file can be written there.
        ValueError: a sentence is not one that `read_conllu` would read. Says the sentence and the
            row, from 0.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import ConlluSentence, write_conllu
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.conllu"
        >>> write_conllu(path, [ConlluSentence([["1", "Yes", *"_" * 8]], ["# text = Yes"])])
        >>> path.read_text()
        '# text = Yes\n1\tYes\t_\t_\t_\t_\t_\t_\t_\t_\n\n'
    """
    write_lines(path, _written(sentences))


def _written(sentences):
    for number, sentence in enumerate(sentences):
        for comment in sentence.comments:
            if not isinstance(comment, str) or not comment.startswith("#"):
                raise ValueError(f"Sentence {number}: a comment begins with '#', not {comment!r}.")
        if (problem := _problem(sentence.rows)) is not None:
            raise ValueError(f"Sentence {number}, row {problem[0]}: {problem[1]}")
        yield from sentence.comments
        for row in sentence.rows:
            yield "\t".join(row)
        yield ""


def _problem(rows):
    """Return `(row, message)` of what is wrong with the rows of a sentence, or `None`."""
    if not rows:
        return 0, "a sentence without a word."
    word, empty, end = 0, 0, 0  # the last id, and where the last multiword token ends
    for index, row in enumerate(rows):
        if len(row) != len(COLUMNS):
            return index, f"expected ten columns with tabs between; received {len(row)}, {row!r}."
        if not all(
            isinstance(field, str) and field and not {*field} & {"\t", "\n"} for field in row
        ):
            return index, f"a column is empty, or not one str, in {row!r}."
        match = _ID.fullmatch(row[0])
        first, sign, last = match.groups() if match else (None, None, None)
        if sign == "-":
            right = end < int(first) == word + 1 <= int(last)
            end = int(last) if right else end
        elif sign == ".":
            empty += 1
            right = (int(first), int(last)) == (word, empty)
        else:
            word, empty = word + 1, 0
            right = first is not None and int(first) == word
        if not right:
            return index, f"{row[0]!r} is not an id that can stand here."
    if end > word:
        return len(rows) - 1, f"the last word; a multiword token goes on to word {end}."
    return None
