"""Tables in text files: what stands between columns, and whether quotes are those of CSV."""

import dataclasses
import re

TAB = "\t"
_SHOWN = 60  # Characters of a line that an error shows.
_NAMED = {TAB: "tabs", ",": "commas", ";": "semicolons"}
_FIRST_LINE = re.compile(r'"?sep=(.)"?')  # how a CSV file of Excel may begin
_CELL_IN_QUOTES = re.compile(r'"(?:[^"]|"")*"')


@dataclasses.dataclass(frozen=True)
class Form:
    """How a table is written."""

    delimiter: str
    quoted: bool

    def __str__(self):
        return _NAMED.get(self.delimiter, repr(self.delimiter))

    def rows(self, lines, path):
        """The `(line number, columns)` of the rows; lines of nothing but blanks are passed over.

        Args:
            lines: list of str, without their ends.
            path: what the file is called in errors.
        """
        numbered = enumerate(lines, start=1)
        for number, line in numbered:
            if not line.strip(" \t" if self.delimiter != TAB else " "):
                continue
            if self.quoted and '"' in line:
                yield number, _in_quotes(number, line, numbered, self.delimiter, path)
            else:
                yield number, line.split(self.delimiter)


def check_delimiter(delimiter):
    """ValueError unless `delimiter` is `None` or can stand between columns."""
    wrong = not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n'
    if delimiter is not None and wrong:
        raise ValueError(
            "`delimiter` must be one character, and neither a double quote nor the end of a line; "
            f"received {delimiter!r}."
        )


def read_table(path, lines, take, delimiter=None, quoted=None, by_name=True):
    """The rows of a table in the one form in which it can be read.

    Args:
        path: the file; a name that ends in ".csv" or ".csv.gz" promises commas, any other one tabs.
        lines: list of str, without their ends.
        take: a function of an iterator of `(line number, columns)` that gives first whatever it
            likes, where the first row is right, and then the result, where all are; ValueError
            where one is not.
        delimiter, quoted: what is known of the form; `None` for what must be found out.
        by_name: whether the first row can tell the right form from the wrong ones.

    Raises:
        ValueError: there is no such form, or more than one.
    """
    said = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    if said and delimiter in (None, said[1]):
        delimiter, lines = said[1], ["", *lines[1:]]
    tabs_first = not path.name.lower().removesuffix(".gz").endswith(".csv")
    if delimiter is not None:
        usual = (delimiter,)
    elif tabs_first:
        usual = (TAB, ",", ";") if by_name else (TAB,)
    else:
        usual = (",", ";", TAB)
    tried = {}
    for form in usual:
        tried[Form(form, form != TAB if quoted is None else quoted)] = None
        if form == TAB and quoted is None and any('"' in line for line in lines):
            tried[Form(form, True)] = None
    for form in tried:
        tried[form] = _tried(form, lines, path, take)
    best = max(level for level, _ in tried.values())
    best_ones = {form: result for form, (level, result) in tried.items() if level == best}
    if best < 2:
        raise next(iter(best_ones.values()))
    tabs = [form for form in best_ones if form.delimiter == TAB]
    if len(tabs) == 2:
        del best_ones[Form(TAB, not _are_quotes(lines))]
    if len(best_ones) > 1 and tabs and tabs_first:  # a tab in each row is no accident
        best_ones = {form: result for form, result in best_ones.items() if form in tabs}
    if len(best_ones) > 1:
        raise ValueError(
            f"{path} can be read with {' or '.join(map(str, best_ones))} between its columns: say "
            "which by `delimiter` (`--separator`)."
        )
    return next(iter(best_ones.values()))


def shortened(line):
    """A line as an error shows it."""
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."


def _tried(form, lines, path, take):
    """`(2, result)`; `(1, error)` where only the first row is right; `(0, error)`."""
    steps, level = take(form.rows(lines, path), form), 0
    try:
        next(steps)
        level = 1
        return 2, next(steps)
    except ValueError as error:
        return level, error


def _are_quotes(lines):
    """Whether a table in tabs is certain to have quotes around its columns, as CSV has them.

    All columns with a quote must be written so, and one must have a quote twice, which nobody
    writes in a text, or all columns must be in quotes.
    """
    cells = [cell for line in lines if line.strip() for cell in line.split(TAB)]
    with_quotes = [cell for cell in cells if '"' in cell]
    if not all(_CELL_IN_QUOTES.fullmatch(cell) for cell in with_quotes):
        return False
    return len(with_quotes) == len(cells) or any('""' in cell[1:-1] for cell in with_quotes)


def _in_quotes(number, line, more, delimiter, path):
    """The columns of a row that begins with `line`, and goes on where a quote is open.

    Args:
        number: of the line.
        line: a str with a quote.
        more: an iterator of the next `(number, line)`.
        delimiter: what ends a column.
        path: what the file is called in errors.
    """
    columns, start = [], 0
    while True:
        begin = start
        while line.startswith(" ", begin):
            begin += 1
        if line.startswith('"', begin):
            cell, line, end = _closed(number, line, begin + 1, more, path)
            rest = end
            while line.startswith(" ", rest):
                rest += 1
            if rest < len(line) and line[rest] != delimiter:
                raise ValueError(
                    f"{path}, line {number}: expected {delimiter!r} behind a closing quote, or the "
                    f"quote twice, or quotes around all of it; received {shortened(line[end:])!r}."
                )
            end = rest
        else:
            end = line.find(delimiter, start)
            end = len(line) if end < 0 else end
            cell = line[start:end]
        columns.append(cell)
        if end == len(line):
            return columns
        start = end + 1


def _closed(number, line, start, more, path):
    """`(what is in quotes, the line where they end, the place behind them)`."""
    parts = []
    while True:
        end = line.find('"', start)
        if end < 0:
            parts += [line[start:], "\n"]
            _, line = next(more, (None, None))
            if line is None:
                raise ValueError(
                    f"{path}, line {number}: unexpected end of the file inside of quotes, which "
                    "begin there."
                )
            start = 0
        elif line.startswith('"', end + 1):
            parts.append(line[start : end + 1])
            start = end + 2
        else:
            return "".join([*parts, line[start:end]]), line, end + 1
