"""Pairs of lines from files that are too large for memory."""

import itertools
from typing import Any

from keras_seq._typing import PathLike
from keras_seq.datasets.files import count_pairs
from keras_seq.datasets.lines import Lines, is_plain


def stream_parallel(
    source_path: PathLike, target_path: PathLike, encoding: str | None = None
) -> Any:
    r"""Two files whose lines belong together, as a `tf.data.Dataset` that reads them as it goes.

    Both files are first read through once, a line at a time, to find mistakes before training
    does; that takes some seconds per million lines. What the dataset gives are the pairs of
    `read_parallel`, in the order of the files; `fit` shuffles them. TensorFlow reads UTF-8 itself;
    a file in another encoding, or with a carriage return within a line, is read by Python, more
    slowly.

    Args:
        source_path, target_path: str or path-like; line i of one goes with line i of the other.
            Files whose names end in ".gz" are unzipped on the way. Patterns as of `glob`, such as
            "train/*.de" and "train/*.en", are as many files on both sides, which go together in the
            order of their names.
        encoding: of both, as in `read_lines`.

    Returns:
        A `tf.data.Dataset` of `(source, target)`, scalar strings in UTF-8. Its cardinality is
        known. Where several processes train, each may give `fit` its `shard(num_shards, index)`,
        every n-th pair, and then encodes no others: see the guide on several devices.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: the patterns fit different numbers of files; the files have different numbers
            of lines (says both numbers and the first line that has no partner), have none, are not
            in their encoding, or can be read only once, as a pipe can.

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
    from keras_seq._tensorflow import tensorflow  # Here: the other loaders need none.
    from keras_seq.text.stream_share import shareable

    columns = [Lines(path, encoding).files() for path in (source_path, target_path)]
    if len(columns[0]) != len(columns[1]):
        raise ValueError(
            f"{source_path} and {target_path} must be as many files; received {len(columns[0])} "
            f"and {len(columns[1])}."
        )
    for file in itertools.chain(*columns):
        if file.path.exists() and not (file.path.is_file() or file.path.is_dir()):
            raise ValueError(f"{file.path} can be read only once: expected a file, to be streamed.")
    odd = set()  # those with a carriage return within a line, which TensorFlow would drop
    count = 0
    for files in zip(*columns, strict=True):
        paths = [file.path for file in files]
        count += count_pairs(*paths, *(_watched(file, odd) for file in files))
    tf = tensorflow()
    pairs = tf.data.Dataset.zip(tuple(_text_lines(tf, files, odd) for files in columns))
    # A file that is changed meanwhile is an error, not a shorter epoch.
    return shareable(pairs.apply(tf.data.experimental.assert_cardinality(count)))


def _watched(file, odd):
    for line in file:
        if "\r" in line:
            odd.add(file)
        yield line


def _text_lines(tf, files, odd):
    """The lines of files, without the byte order mark before the first of each."""
    kinds = {
        (file not in odd and is_plain(file.path, file.encoding), file.path.suffix == ".gz")
        for file in files
    }
    (plain, zipped), *others = kinds
    if others or not plain:
        return tf.data.Dataset.from_generator(
            lambda: (line.encode() for file in files for line in file),
            output_signature=tf.TensorSpec((), tf.string),
        )

    def of_file(name):
        lines = tf.data.TextLineDataset(name, "GZIP" if zipped else "")
        first = lines.take(1).map(lambda line: tf.strings.regex_replace(line, "^\ufeff", ""))
        return first.concatenate(lines.skip(1))

    names = [str(file.path) for file in files]
    if len(names) == 1:
        return of_file(names[0])
    return tf.data.Dataset.from_tensor_slices(names).flat_map(of_file)
