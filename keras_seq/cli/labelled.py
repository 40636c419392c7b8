"""Files of texts and labels, by the options of a command."""


def read_columns(path, given, known=None):
    """The texts and labels of a file, by the options of a command.

    Args:
        path: the file.
        given: a dict of the options.
        known: the labels that there may be.
    """
    from keras_seq.datasets import read_labelled

    columns = [given["text_column"], given["label_column"]]
    if all(column.isdecimal() for column in columns):
        columns = map(int, columns)
    return read_labelled(
        path,
        *columns,
        separator=given["label_separator"],
        delimiter=separator(given["separator"]),
        known=known,
        encoding=given["encoding"],
        quoted=given["quoted"],
    )


def separator(given):
    r"""What --separator stands for: `\t`, as one can write it in a shell, is a tab."""
    return "\t" if given in ("\\t", "tab") else given
