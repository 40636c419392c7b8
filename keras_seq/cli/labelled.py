"""Files of texts and labels, by the options of a command."""


def read_columns(path, args, known=None):
    """The texts and labels of a file, by the options of a command.

    Args:
        path: the file.
        args: a dict of the options.
        known: the labels that there may be.
    """
    from keras_seq.datasets import read_labelled

    columns = [args["text_column"], args["label_column"]]
    if all(column.isdecimal() for column in columns):
        columns = map(int, columns)
    return read_labelled(
        path,
        *columns,
        separator=args["label_separator"],
        delimiter=separator(args["separator"]),
        known=known,
        encoding=args["encoding"],
        quoted=args["quoted"],
    )


def separator(text):
    r"""What --separator stands for: `\t`, as one can write it in a shell, is a tab."""
    return "\t" if text in ("\\t", "tab") else text
