"""Files of labelled texts: one text and its label in each row."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_seq._typing import PathLike
from keras_seq.datasets._table import check_delimiter, read_table, shortened
from keras_seq.datasets.lines import Lines


def read_labelled(
    path: PathLike,
    text: str | int = "text",
    label: str | int = "label",
    separator: str | None = None,
    delimiter: str | None = None,
    known: Iterable[str] | None = None,
    encoding: str | None = None,
    quoted: bool | None = None,
) -> tuple[list[str], list[Any]]:
    r"""Texts and labels out of the columns of a TSV or CSV file.

    Columns are chosen by name, which the first line then has, or by place, from 0, and then every
    line is a row. In a TSV file a tab always ends a column and quotes are characters like others,
    as in the files of GLUE; in a CSV file a column in double quotes may hold commas, line ends, and
    quotes written twice. An empty line is passed over, and so are a row of empty columns alone and
    empty columns behind those of the first line, as spreadsheets write them. A file whose name ends
    in ".gz" is unzipped.

    Files of spreadsheets are read as they are, where it is certain how: CSV with semicolons, by the
    names in the first line, by a line `sep=;` before it, or since no other character divides all
    rows alike; TSV with quotes as in CSV, where it cannot be read without, or where all that has a
    quote is in quotes and one has a quote twice. Elsewhere the arguments say it.

    Args:
        path: str or path-like.
        text: the column of the texts, a name or a place. Texts may be empty.
        label: the column of the labels, likewise.
        separator: where a text has any number of labels, what stands between them in the column,
            such as `"|"`; an empty column then is no label.
        delimiter: what ends a column. `None` for a comma where the name ends in ".csv" (or
            ".csv.gz") and a tab elsewhere, or what else the file is certain to have.
        known: the labels that there may be, such as the `class_names` of a model; any where `None`.
        encoding: as in `read_lines`, such as "cp1252" for files of Excel on Windows.
        quoted: whether a column may be in double quotes, as in CSV. `None` for no in a TSV file and
            yes elsewhere, or what else the file is certain to have.

    Returns:
        `(texts, labels)`, lists of str of one length >= 1; with a `separator` the labels are lists
        of str.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file has no rows, lacks a column, has a row with more or fewer columns than
            the first line, without a label, or with one that is not `known` (says the file and
            the line), ends inside of quotes, can be read with several delimiters, or is not in its
            encoding; or `text` and `label` are not both names or both places.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_labelled, write_lines
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "films.tsv"
        >>> write_lines(path, ["sentence\tlabel", "a fine film\tgood", "\"dull\"\tbad"])
        >>> read_labelled(path, text="sentence")
        (['a fine film', '"dull"'], ['good', 'bad'])
    """
    _check_columns(text, label)
    check_delimiter(delimiter)
    path = Path(path)
    by_name = isinstance(text, str)

    def take(rows, form):
        return _taken(path, rows, form, (text, label), separator is None)

    lines = list(Lines(path, encoding))
    rows = read_table(path, lines, take, delimiter, quoted, by_name)
    texts = [text for _, text, _ in rows]
    labels = [_labels(path, number, column, separator) for number, _, column in rows]
    if known is not None:
        for (number, *_), group in zip(rows, labels, strict=True):
            _check_known(path, number, group, known)
    return texts, labels


def read_sentiments(path, text, label):
    """The texts of a file with tabs, and "negative" for the label 0 and "positive" for 1."""
    texts, labels = read_labelled(path, text, label, delimiter="\t", quoted=False, known=("0", "1"))
    return texts, [("negative", "positive")[int(label)] for label in labels]


def _taken(path, rows, form, columns, passes_over):
    """Give the places of the columns, by the first row, and then the rows.

    Args:
        path: the file.
        rows: iterator of `(line number, columns)`.
        form: the `Form` in which they were read.
        columns: of texts and labels, two names or two places.
        passes_over: whether a row of empty columns alone is none.
    """
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{path} has no lines: expected at least one text with its label.")
    if isinstance(columns[0], str):
        names = [name.strip() for name in first[1]]
        places = [_place(path, first[0], names, name, form) for name in columns]
    else:
        places = [_in_range(path, first, place, form) for place in columns]
        rows = itertools.chain([first], rows)
    width = _width(first[1], max(places) + 1)
    yield places
    taken = []
    for number, row in rows:
        if len(row) < width or not _is_empty(row[width:]):
            if passes_over and _is_empty(row):
                continue
            raise ValueError(
                f"{path}, line {number}: expected {width} columns, as in the first line; received "
                f"{len(row)}: {shortened(form.delimiter.join(row))!r}.{_on_quotes(row, form)}"
            )
        if not passes_over or not _is_empty(row):
            taken.append((number, *(row[place] for place in places)))
    if not taken:
        raise ValueError(f"{path} has a line of names and no rows: expected at least one.")
    yield taken


def _is_empty(row):
    return not any(column.strip() for column in row)


def _width(first, least):
    """The columns of the first row without empty ones at its end."""
    width = len(first)
    while width > least and not first[width - 1].strip():
        width -= 1
    return width


def _on_quotes(row, form):
    """What to do where quotes may be meant otherwise than they were read."""
    if form.quoted or not any(column.startswith('"') for column in row):
        return ""
    return " Quotes are read as they stand; `quoted=True` (`--quoted`) reads them as CSV has them."


def _check_columns(text, label):
    kinds = {type(text), type(label)}
    if kinds not in ({str}, {int}) or text == label or (kinds == {int} and min(text, label) < 0):
        raise ValueError(
            "`text` and `label` must be two names of columns, or two places from 0; received "
            f"{text!r} and {label!r}."
        )


def _place(path, number, names, name, form):
    if names.count(name) != 1:
        raise ValueError(
            f"{path}, line {number}: expected the names of the columns, with {name!r} once; "
            f"received {names}, divided at {form}. Columns without names are chosen by their "
            "place, from 0; another character that divides them is named by `delimiter` "
            "(`--separator`)."
        )
    return names.index(name)


def _in_range(path, first, place, form):
    number, row = first
    if place >= len(row):
        raise ValueError(
            f"{path}, line {number}: expected a column {place}, counted from 0; received "
            f"{len(row)} of them, divided at {form}. Another character that divides columns is "
            "named by `delimiter` (`--separator`)."
        )
    return place


def _labels(path, number, column, separator):
    """The label of a row, or the list of its labels."""
    if separator is not None:
        return [label.strip() for label in column.split(separator) if label.strip()]
    if not column.strip():
        raise ValueError(f"{path}, line {number}: the label is empty.")
    return column.strip()


def _check_known(path, number, labels, known):
    for label in [labels] if isinstance(labels, str) else labels:
        if label not in known:
            raise ValueError(
                f"{path}, line {number}: there is no label {label!r}; there are "
                f"{', '.join(map(repr, known))}."
            )
