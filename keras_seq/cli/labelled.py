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
    return read_labelled(path, *columns, separator=given["label_separator"], known=known)
