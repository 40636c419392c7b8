"""Generated tasks and loaders of real files: lists of str, or streams of them, ready for `fit`."""

from keras_seq.datasets.best_reachable_accuracy import best_reachable_accuracy
from keras_seq.datasets.dates import DEFAULT_LOCALES, dates
from keras_seq.datasets.files import read_lines, read_parallel, write_lines
from keras_seq.datasets.lines import Lines
from keras_seq.datasets.multi30k import multi30k
from keras_seq.datasets.split_by_source import split_by_source
from keras_seq.datasets.stream_parallel import stream_parallel
from keras_seq.datasets.tatoeba import tatoeba

__all__ = [
    "DEFAULT_LOCALES",
    "Lines",
    "best_reachable_accuracy",
    "dates",
    "multi30k",
    "read_lines",
    "read_parallel",
    "split_by_source",
    "stream_parallel",
    "tatoeba",
    "write_lines",
]
