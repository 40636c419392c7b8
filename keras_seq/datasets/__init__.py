"""Generated tasks and loaders of real files: plain lists of str, ready for `fit`."""

from keras_seq.datasets.best_reachable_accuracy import best_reachable_accuracy
from keras_seq.datasets.dates import DEFAULT_LOCALES, dates
from keras_seq.datasets.files import read_lines, read_parallel, write_lines
from keras_seq.datasets.multi30k import multi30k
from keras_seq.datasets.split_by_source import split_by_source
from keras_seq.datasets.tatoeba import tatoeba

__all__ = [
    "DEFAULT_LOCALES",
    "best_reachable_accuracy",
    "dates",
    "multi30k",
    "read_lines",
    "read_parallel",
    "split_by_source",
    "tatoeba",
    "write_lines",
]
