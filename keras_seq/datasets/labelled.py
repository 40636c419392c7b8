"""Files of labelled texts: one text and its label in each row."""

import csv
from pathlib import Path

from keras_seq.datasets.lines import Lines

_SHOWN = 60  # Characters of a line that an error shows.


def read_labelled(path, text="text", label="label", separator=None, delimiter=None, known=None):
    r"""Texts and labels out of the columns of a TSV or CSV file in UTF-8.

    Columns are chosen by name, which the first line then has, or by place, from 0, and then every
    line is a row. In a TSV file a tab always ends a column and quotes are characters like others,
    as in the files of GLUE; in a CSV file a column in double quotes may hold commas, line ends, and
    quotes written twice. An empty line is passed over. A file whose name ends in ".gz" is unzipped.

    Args:
        path: str or path-like.
        text: the column of the texts, a name or a place. Texts may be empty.
        label: the column of the labels, likewise.
        separator: where a text has any number of labels, what stands between them in the column,
            such as `"|"`; an empty column then is no label.
        delimiter: what ends a column; a comma where the name ends in ".csv" (or ".csv.gz"), else a
            tab. With a tab there are no quotes.
        known: the labels that there may be, such as the `class_names` of a model; any where `None`.

    Returns:
        `(texts, labels)`, lists of str of one length >= 1; with a `separator` the labels are lists
        of str.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file has no rows, lacks a column, has a row with more or fewer columns than
            the first line, without a label, or with one that is not `known` (says the file and
            the line), ends inside of quotes, or is not UTF-8; or `text` and `label` are not both
            names or both places.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import read_labelled, write_lines
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "films.tsv"
        >>> write_lines(path, ["sentence\tlabel", "a fine film\tgood", "\"dull\"\tbad"])
        >>> read_labelled(path, text="sentence")
        (['a fine film', '"dull"'], ['good', 'bad'])
    """
    _check_columns(text, label)
    path = Path(path)
    if delimiter is None:
        delimiter = "," if path.name.removesuffix(".gz").lower().endswith(".csv") else "\t"
    rows = _rows(path, delimiter)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{path} has no lines: expected at least one text with its label.")
    width = len(first[1])
    if isinstance(text, str):
        places = [_place(path, first[1], name) for name in (text, label)]
    else:
        places = [_in_range(path, width, place) for place in (text, label)]
        rows = _with(first, rows)
    texts, labels = [], []
    for number, row in rows:
        if len(row) != width:
            raise ValueError(
                f"{path}, line {number}: expected {width} columns, as in the first line, but "
                f"{len(row)} came: {_shortened(delimiter.join(row))!r}."
            )
        texts.append(row[places[0]])
        labels.append(_labels(path, number, row[places[1]], separator))
        if known is not None:
            _check_known(path, number, labels[-1], known)
    if not texts:
        raise ValueError(f"{path} has a line of names and no rows: expected at least one.")
    return texts, labels


def _rows(path, delimiter):
    """The `(line number, columns)` of the rows of a file."""
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(
        (line + "\n" for line in Lines(path)), delimiter=delimiter, quoting=quoting, strict=True
    )
    while True:
        number = reader.line_num + 1  # of the first line of the row
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(f"{path}, line {number}: {error}.") from error
        if row is None:
            return
        if row:
            yield number, row


def _with(first, rows):
    yield first
    yield from rows


def _check_columns(text, label):
    kinds = {type(text), type(label)}
    if kinds not in ({str}, {int}) or text == label or (kinds == {int} and min(text, label) < 0):
        raise ValueError(
            "`text` and `label` must be two names of columns, or two places from 0; received "
            f"{text!r} and {label!r}."
        )


def _place(path, names, name):
    if names.count(name) != 1:
        found = "more than once" if name in names else "not"
        raise ValueError(
            f"{path}, line 1: expected the names of the columns, with {name!r} once; it is {found} "
            f"in {names}. Columns without names are chosen by their place, from 0."
        )
    return names.index(name)


def _in_range(path, width, place):
    if place >= width:
        raise ValueError(
            f"{path}, line 1: expected a column {place}, counted from 0, but the line has {width}."
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


def _shortened(line):
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
