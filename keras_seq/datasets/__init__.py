"""Generated tasks and loaders of real files: lists of str, or streams of them, ready for `fit`."""

from keras_seq.datasets.adding_problem import adding_problem
from keras_seq.datasets.agreement import agreement
from keras_seq.datasets.associative_recall import associative_recall
from keras_seq.datasets.autoregressive import autoregressive
from keras_seq.datasets.best_reachable_accuracy import best_reachable_accuracy
from keras_seq.datasets.cmudict import cmudict
from keras_seq.datasets.conll import read_conll, write_conll
from keras_seq.datasets.conll2003 import conll2003
from keras_seq.datasets.conllu import ConlluSentence, read_conllu, write_conllu
from keras_seq.datasets.copy_memory import copy_memory
from keras_seq.datasets.coreference import coreference
from keras_seq.datasets.dates import DEFAULT_LOCALES, dates
from keras_seq.datasets.english_ewt import english_ewt
from keras_seq.datasets.files import read_lines, read_parallel, write_lines
from keras_seq.datasets.imdb import imdb
from keras_seq.datasets.labelled import read_labelled
from keras_seq.datasets.lines import Lines
from keras_seq.datasets.mackey_glass import mackey_glass
from keras_seq.datasets.multi30k import multi30k
from keras_seq.datasets.noisy_sine import noisy_sine
from keras_seq.datasets.opinions import opinions
from keras_seq.datasets.recall import recall
from keras_seq.datasets.sequence_task import SequenceTask
from keras_seq.datasets.split_by_source import split_by_source
from keras_seq.datasets.sst2 import sst2
from keras_seq.datasets.stream_parallel import stream_parallel
from keras_seq.datasets.stream_windows import stream_windows
from keras_seq.datasets.tatoeba import tatoeba
from keras_seq.datasets.temporal_order import temporal_order
from keras_seq.datasets.tiny_shakespeare import tiny_shakespeare
from keras_seq.datasets.word_senses import word_senses

__all__ = [
    "DEFAULT_LOCALES",
    "TASKS",
    "ConlluSentence",
    "Lines",
    "SequenceTask",
    "adding_problem",
    "agreement",
    "associative_recall",
    "autoregressive",
    "best_reachable_accuracy",
    "cmudict",
    "conll2003",
    "copy_memory",
    "coreference",
    "dates",
    "english_ewt",
    "imdb",
    "mackey_glass",
    "multi30k",
    "noisy_sine",
    "opinions",
    "read_conll",
    "read_conllu",
    "read_labelled",
    "read_lines",
    "read_parallel",
    "recall",
    "split_by_source",
    "sst2",
    "stream_parallel",
    "stream_windows",
    "tatoeba",
    "temporal_order",
    "tiny_shakespeare",
    "word_senses",
    "write_conll",
    "write_conllu",
    "write_lines",
]

TASKS = {
    "recall": recall,
    "copy_memory": copy_memory,
    "adding_problem": adding_problem,
    "temporal_order": temporal_order,
    "agreement": agreement,
    "coreference": coreference,
    "noisy_sine": noisy_sine,
    "autoregressive": autoregressive,
    "mackey_glass": mackey_glass,
}
"""The generated tasks by name; each takes `(count, length, seed=0, **options)`."""
