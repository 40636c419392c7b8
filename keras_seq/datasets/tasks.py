"""All generated tasks by name."""

from keras_seq.datasets.adding_problem import adding_problem
from keras_seq.datasets.agreement import agreement
from keras_seq.datasets.autoregressive import autoregressive
from keras_seq.datasets.copy_memory import copy_memory
from keras_seq.datasets.coreference import coreference
from keras_seq.datasets.mackey_glass import mackey_glass
from keras_seq.datasets.noisy_sine import noisy_sine
from keras_seq.datasets.recall import recall
from keras_seq.datasets.temporal_order import temporal_order

# Each takes `(count, length, seed=0, **options)` and returns a `SequenceTask`.
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
