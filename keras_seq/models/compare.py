"""One labelled corpus, many architectures: what each is worth, and what it costs."""

from keras_seq.models.comparison.architectures import check_architectures, pack
from keras_seq.models.comparison.data import make_data
from keras_seq.models.comparison.runs import check_seeds, run_all
from keras_seq.models.comparison.settings import make_settings


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
    results = keras_seq.models.compare(
        texts, labels, (test_texts, test_labels), architectures=["bag_of_words", "lstm"]
    )
    keras_seq.models.comparison_summary(results)
    keras_seq.analysis.plot_comparison(results, save="compare.png")
    ```

    References:
        - Wang & Manning, 2012, "Baselines and bigrams: simple, good sentiment and topic
          classification", ACL 2012 (why the first row belongs into the table).
    """
    settings = make_settings(settings)
    architectures = check_architectures(architectures)
    for name, one in architectures.items():  # before hours of training
        pack(name, one, isolate)
    seeds = check_seeds(seeds)
    data = make_data(texts, labels, validation_data, test_data)
    results = []
    for seed in seeds:
        results += run_all(architectures, data, settings, seed, isolate, report=report)
    return results
