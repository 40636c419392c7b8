"""The commands that use a model, with a classifier."""

from keras_seq.cli.labelled import read_columns
from keras_seq.cli.show import one_line, show_scores


def classify_lines(model, args):
    """Return what names the classes of lines, a line each; that of a blank one has no name."""
    separator = args["label_separator"] or "|"
    how = {"threshold": args["threshold"], "batch_size": args["batch_size"]}

    def answer(lines, *place):
        written = []
        for answer in model.classify(lines, return_probabilities=True, **how):
            label = answer["label"] if "label" in answer else separator.join(answer["labels"])
            columns = [one_line(label or "")]
            if args["probabilities"]:
                ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
                columns += [f"{one_line(name)}\t{value:.4f}" for name, value in ranked]
            written.append("\t".join(columns))
        return written

    return answer


def evaluate_classifier(model, args):
    """Print and return the scores of a classifier."""
    if args["data"] is None or args["source"] or args["target"]:
        raise ValueError("A classifier is evaluated on --data, and takes no --source or --target.")
    if model.multi_label and args["label_separator"] is None:
        args = {**args, "label_separator": "|"}
    texts, labels = read_columns(args["data"], args, model.class_names)
    scores = class_scores(model, texts, labels, args["batch_size"])
    show_class_scores(scores)
    return scores


def class_scores(model, texts, labels, batch_size):
    """Return loss, accuracy and F1 of a classifier on labelled texts.

    Returns:
        A dict: `texts`, what `evaluate` finds, `macro_f1`, the mean over the classes that occur,
        and `classes`, for each of them a dict of `texts` and `f1`.
    """
    import keras
    import numpy as np

    measured = model.evaluate(texts, labels, batch_size=batch_size, verbose=0, return_dict=True)
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
        **{name: float(value) for name, value in measured.items()},
        "macro_f1": float(each[counts > 0].mean()),
        "classes": {
            name: {"texts": int(count), "f1": float(value)}
            for name, count, value in zip(model.class_names, counts, each, strict=True)
        },
    }


def show_class_scores(scores):
    """Print what `class_scores` returned."""
    width = max(18, *(len(name) + 2 for name in scores["classes"]))
    show_scores({name: scores[name] for name in scores if name != "classes"}, width)
    print(f"{'class':<{width}}{'texts':>12}{'F1':>12}")
    for name, score in scores["classes"].items():
        print(f"{name:<{width}}{score['texts']:>12,}{score['f1']:>12.4f}")
