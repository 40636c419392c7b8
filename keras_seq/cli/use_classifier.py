"""The commands that use a classifier: predict, and its part of evaluate."""

from keras_seq.cli import options
from keras_seq.cli.show import stdin_batches


def predict(
    model: options.ModelFile,
    probabilities: options.Probabilities = False,
    threshold: options.Threshold = None,
    label_separator: options.LabelSeparator = "|",
    batch_size: options.BatchSize = 64,
):
    """Read texts from standard input, one a line; write their classes, one line for each.

    With --probabilities each class and its probability follow, with tabs between them.
    """
    from keras_seq.models import TextClassifier, load_model

    classifier = load_model(model)
    if not isinstance(classifier, TextClassifier):
        raise ValueError(
            f"{model} holds a {type(classifier).__name__}, which has no classes: the command for "
            "it is generate."
        )
    how = {"threshold": threshold, "batch_size": batch_size, "return_probabilities": True}
    for lines in stdin_batches(batch_size):
        for answer in classifier.classify(lines, **how):
            label = answer["label"] if "label" in answer else label_separator.join(answer["labels"])
            columns = [label]
            if probabilities:
                ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
                columns += [f"{name}\t{value:.4f}" for name, value in ranked]
            print("\t".join(columns), flush=True)


def class_scores(model, texts, labels, batch_size):
    """Return loss, accuracy and F1 of a classifier on labelled texts.

    Returns:
        A dict: `texts`, what `evaluate` finds, `macro_f1`, the mean over the classes that occur,
        and `classes`, for each of them a dict of `texts` and `f1`.
    """
    import keras
    import numpy as np

    found = model.evaluate(texts, labels, batch_size=batch_size, verbose=0, return_dict=True)
    right = model.check_targets(labels)
    if not model.multi_label:
        right = np.eye(len(model.class_names), dtype="int32")[right]
    threshold = float(model.threshold) if model.multi_label else None
    f1 = keras.metrics.F1Score(average=None, threshold=threshold)
    f1.update_state(right, model.predict(texts, batch_size, verbose=0))
    each = keras.ops.convert_to_numpy(f1.result())
    counts = right.sum(axis=0)
    return {
        "texts": len(texts),
        **{name: float(value) for name, value in found.items()},
        "macro_f1": float(each[counts > 0].mean()),
        "classes": {
            name: {"texts": int(count), "f1": float(value)}
            for name, count, value in zip(model.class_names, counts, each, strict=True)
        },
    }


def show_class_scores(scores):
    """Print what `class_scores` returned."""
    width = max(18, *(len(name) + 2 for name in scores["classes"]))
    for name, value in scores.items():
        if name != "classes":
            shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
            print(f"{name.replace('_', ' '):<{width}}{shown:>12}")
    print(f"{'class':<{width}}{'texts':>12}{'F1':>12}")
    for name, found in scores["classes"].items():
        print(f"{name:<{width}}{found['texts']:>12,}{found['f1']:>12.4f}")
