"""Compare architectures: on a labelled corpus, and by how long they remember."""

import functools
import itertools

import keras

from keras_seq.experiments.architectures import packed_architectures
from keras_seq.experiments.data import make_data, make_text_task
from keras_seq.experiments.measure import run
from keras_seq.experiments.runner import Run, check_seeds, filled, run_all
from keras_seq.experiments.settings import ComparisonSettings

HELD_OUT_ROWS = 1_000


def compare(
    texts,
    labels,
    test_data=None,
    validation_data=None,
    architectures=None,
    seeds=(0,),
    isolate=True,
    report=None,
    **settings,
):
    """Train every architecture on the same texts, and measure what it gives and takes.

    The architectures are

    - `"bag_of_words"`: logistic regression on tf-idf, `TfidfVectorizer` and `LogisticRegression` of
      scikit-learn with their defaults, on the words that the others read;
    - `"mean_embedding"`: the mean of the embeddings and a hidden layer
      (`layers.FeedForwardPooling`);
    - `"convolution"`: filters over 3, 4 and 5 words, and their maximum over the text
      (`layers.ConvolutionalEncoder`);
    - `"vanilla"`, `"lstm"`, `"gru"`, `"min_gru"`, `"bidirectional_lstm"`, `"bidirectional_gru"`:
      a recurrent layer, and its last state;
    - `"self_attention"`: one block of `layers.SelfAttentionEncoder` with ALiBi, up to 4 heads, and
      the mean of its outputs.

    All but the first are a `TextClassifier` with the same vocabulary, size of embeddings, dropout,
    optimiser and batches; each stops when it gets no better on the development part, and answers
    with the weights of the epoch that was best there. Nothing is chosen on the test part.

    Each run has a process of its own, one after the other, so that no other run has compiled,
    cached or left anything before it. A process costs some seconds of start, which count nowhere.

    Args:
        texts: a list of str to train on.
        labels: for each text the name of its class, or a whole number, whose digits are the name.
        test_data: `(texts, labels)` that the results are about. Where `None`, a tenth of each class
            of `texts` is held out, always the same one.
        validation_data: `(texts, labels)` that training stops by; another such tenth where `None`.
        architectures: names from above, all where `None`; or a dict from a name of your own to

            - one of these names;
            - a dict of arguments of `TextClassifier` (and its `from_texts`), which come on top of
              the shared settings: `{"cell": "gru", "pooling": "attention"}`;
            - a function `(texts, labels)` that returns an untrained model: a `TextClassifier`,
              which is trained like the others, or an object with `fit(texts, labels)` and
              `predict(texts)`, which gives labels, such as a pipeline of scikit-learn. The new
              process must be able to import it: one of your script, or without a name, needs
              `isolate=False`.
        seeds: of weights, dropout and the order of training: a list, for a run each.
        isolate: whether each run has a process of its own. Without it, runs stand on what others
            left behind, and memory is not measured.
        report: a function that is called with each result as it comes.
        **settings: the attributes of `ComparisonSettings`: `units`, `embedding_dim`, `dropout`,
            `tokens`, `lowercase`, `max_vocabulary`, `max_length`, `learning_rate`, `clip_norm`,
            `batch_size`, `epochs`, `patience`, `enough`, `minutes` (of the training of each model).

    Returns:
        A list of dicts ready for JSON, one for each seed and architecture:

        - `name`, `seed`;
        - `accuracy` and `macro_f1` (the mean over the classes that occur) on the test part;
          `dev_accuracy`, that of the best epoch on the development part;
        - `parameters`: how many numbers were learnt; `None` where an own model has no
          `count_params()`;
        - `training_seconds`: from the raw texts to the trained model: vocabulary, compiling, all
          epochs and their validation; `epochs`, how many there were, and `seconds_per_epoch`, their
          median, in which compiling does not count; `None` for what has no epochs;
        - `seconds_per_1000`: from 1,000 raw texts of the test part (over and over, where there are
          fewer) to their classes, 64 at once; the median of five times after a warm-up;
        - `memory`: by how many MiB the process grew at most over what it had before the data came,
          with all libraries loaded: texts, vocabulary, weights, optimiser, batches, compiled
          programs, from the data to the last answer; `total_memory`, with the libraries. Memory of
          a GPU is not in it. `None` without `isolate`, and on Windows;
        - `settings`: the shared settings, `backend`, `classes`, `train_texts`, `dev_texts`,
          `test_texts`, `isolate`, and `arguments`, those of a dict of your own.

    Raises:
        ValueError: for unknown architectures and settings, numbers of texts and labels that differ,
            labels that are no names or numbers, one class only, a class that `texts` have no
            example of, too few texts to hold some out, and a function that cannot be imported.

    Example:

    ```python
    results = keras_seq.experiments.compare(
        texts, labels, (test_texts, test_labels), architectures=["bag_of_words", "lstm"]
    )
    keras_seq.experiments.comparison_summary(results)
    keras_seq.experiments.plot_comparison(results, save="compare.png")
    ```

    References:
        - Wang & Manning, 2012, "Baselines and bigrams: simple, good sentiment and topic
          classification", ACL 2012 (why the first row belongs into the table).
    """
    settings = ComparisonSettings.of(settings)
    packed = packed_architectures(architectures, isolate)  # before hours of training
    seeds = check_seeds(seeds)
    data = make_data(texts, labels, validation_data, test_data)
    runs = (_runs(packed, data, settings, seed, isolate) for seed in seeds)
    return run_all(run, runs, isolate, report)


def compare_memory(
    task="recall",
    lengths=(10, 20, 40),
    architectures=None,
    rows=5_000,
    seeds=(0,),
    isolate=True,
    report=None,
    **settings,
):
    """Train every architecture on each length of a generated task.

    The runs are those of `compare`, on the rows of the task as texts: of each length `rows` to
    train on, 1,000 to stop by and 1,000 for the results, drawn with the seed of the run.

    Args:
        task: a name in `datasets.TASKS`, of a task of words with one class a row, such as
            `"recall"`, `"agreement"`, `"coreference"` and `"temporal_order"`; or a function
            `(count, length, seed) -> SequenceTask`.
        lengths: lengths of the task.
        architectures: as in `compare`.
        rows: rows to train on.
        seeds, isolate, report: as in `compare`.
        **settings: as in `compare`; where nothing else is said, `epochs=30`, `patience=10`, for an
            accuracy that stays at chance for a while before it rises, and `dropout=0`. `enough` is
            a hundredth of the way from the best possible accuracy to chance.

    Returns:
        A list of dicts, those of `compare` with some more: `task`, its name; `length`; `chance` and
        `best`, the expected accuracies of the best answer that remembers nothing and of the best
        one of all; and `solved`, whether the accuracy is at most a tenth of the way from `best`.

    Raises:
        ValueError: as `compare` does, for an unknown task, a length that it cannot have, no
            lengths, and for a task of numbers or with a class at each step.

    Example:

    ```python
    results = keras_seq.experiments.compare_memory("recall", [10, 40], ["vanilla", "lstm"])
    keras_seq.experiments.plot_memory_comparison(results, save="recall.png")
    ```

    References:
        - Bengio, Simard & Frasconi, 1994, "Learning long-term dependencies with gradient descent is
          difficult", IEEE Transactions on Neural Networks 5(2).
    """
    settings = {"epochs": 30, "patience": 10, "dropout": 0.0, **settings}
    ComparisonSettings.of(settings)
    packed = packed_architectures(architectures, isolate)  # before hours of training
    seeds, lengths = check_seeds(seeds), filled("lengths", list(lengths))
    for length in lengths:
        make_text_task(task, 2, length, 0)
    runs = (
        _task_runs(packed, task, rows, length, settings, seed, isolate)
        for length, seed in itertools.product(lengths, seeds)
    )
    return run_all(run, runs, isolate, report)


def _task_runs(packed, task, rows, length, settings, seed, isolate):
    """The runs of one length and seed."""
    task = make_text_task(task, rows + 2 * HELD_OUT_ROWS, length, seed)
    training, rest = task.split(rows)
    development, test = rest.split(HELD_OUT_ROWS)
    enough = task.best - (task.best - task.chance) / 100
    settings = ComparisonSettings.of({"enough": enough, **settings})
    parts = [(part.texts, part.labels) for part in (training, development, test)]
    return _runs(packed, make_data(*parts[0], *parts[1:]), settings, seed, isolate, task)


def _runs(packed, data, settings, seed, isolate, task=None):
    """The runs of one seed on the same data."""
    shared = {"data": data._asdict(), "settings": vars(settings), "seed": seed}
    about = {
        **vars(settings),
        "backend": keras.config.backend(),
        "classes": len(set(data.train[1])),
        **{f"{part}_texts": len(texts) for part, (texts, _) in data._asdict().items()},
    }
    for name, architecture in packed.items():
        of_arguments = isinstance(architecture, dict) and set(architecture) != {"function"}
        options = {"arguments": architecture} if of_arguments else {}
        yield Run(
            f"The run of {name}, seed {seed},",
            {"packed": architecture, **shared},
            functools.partial(_result, name, {**about, **options, "isolate": bool(isolate)}, task),
        )


def _result(name, settings, task, measured):
    if task is None:
        return {"name": name, **measured, "settings": settings}
    return {
        "name": name,
        **{"task": task.name, "length": task.length, "chance": task.chance, "best": task.best},
        **measured,
        "settings": settings,
        "solved": task.solved(measured["accuracy"]),
    }
