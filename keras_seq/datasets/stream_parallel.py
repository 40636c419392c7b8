"""Pairs of lines from two files that are too large for memory."""

from pathlib import Path

from keras_seq.datasets.files import count_pairs
from keras_seq.datasets.lines import Lines


def stream_parallel(source_path, target_path):
    r"""Two files whose lines belong together, as a `tf.data.Dataset` that reads them as it goes.

    Both files are first read through once, a line at a time, to find mistakes before training
    does; that takes some seconds per million lines. What the dataset gives are the pairs of
    `read_parallel`, in the order of the files; `fit` shuffles them.

    Args:
        source_path, target_path: str or path-like; line i of one goes with line i of the other.
            Files whose names end in ".gz" are unzipped on the way.

    Returns:
        A `tf.data.Dataset` of `(source, target)`, scalar strings. Its cardinality is known.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: the files have different numbers of lines (says both numbers and the first line
            that has no partner), have none, are not UTF-8, or hold a carriage return within a
            line, which TensorFlow would drop.

    Example:
        >>> import tempfile, pathlib
        >>> from keras_seq.datasets import stream_parallel, write_lines
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> write_lines(folder / "train.de", ["Hallo!", "Danke."])
        >>> write_lines(folder / "train.en.gz", ["Hello!", "Thanks."])
        >>> pairs = stream_parallel(folder / "train.de", folder / "train.en.gz")
        >>> for source, target in pairs.as_numpy_iterator():
        ...     print(source.decode(), target.decode())
        Hallo! Hello!
        Danke. Thanks.
    """
    from keras_seq.text.tokenizer import tensorflow  # Here: the other loaders need none.

    paths = [Path(source_path), Path(target_path)]
    count = count_pairs(*paths, *map(_without_returns, paths))
    tf = tensorflow()
    pairs = tf.data.Dataset.zip(tuple(_text_lines(tf, path) for path in paths))
    # A file that is changed meanwhile is an error, not a shorter epoch.
    return pairs.apply(tf.data.experimental.assert_cardinality(count))


def _without_returns(path):
    for number, line in enumerate(Lines(path), start=1):
        if "\r" in line:
            raise ValueError(
                f"{path}, line {number} holds a carriage return within the line, which TensorFlow "
                "would drop: expected none, except before a line feed. Replace it by a space."
            )
        yield line


def _text_lines(tf, path):
    """The lines of a file, without the byte order mark before the first."""
    compression = "GZIP" if path.suffix == ".gz" else ""
    lines = tf.data.TextLineDataset(str(path), compression)
    first = lines.take(1).map(lambda line: tf.strings.regex_replace(line, "^\ufeff", ""))
    return first.concatenate(lines.skip(1))
