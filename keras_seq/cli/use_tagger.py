"""The commands that use a model, with a tagger."""

from keras_seq.cli.show import show_scores
from keras_seq.cli.train_tagger import read_known


def tag_lines(model, args):
    """Return what writes the tags of lines, sentences with blanks between words.

    Args:
        model: the `TextTagger`.
        args: a dict of the options: `batch_size`, `probabilities`, and `format`: "words" (where it
            is missing too) for `word/TAG word/TAG`, a line a sentence; "conll" for a word and its
            tag in each line, and an empty line behind each sentence. With `probabilities` that of
            the tag follows it.
    """
    columns = args.get("format") == "conll"
    how = {"return_probabilities": True, "batch_size": args["batch_size"]}

    def answer(lines, *place):
        written = []
        for answer in model.tag(lines, **how):
            rows = [list(pair) for pair in zip(answer["tokens"], answer["tags"], strict=True)]
            if args["probabilities"]:
                for row, values in zip(rows, answer["probabilities"], strict=True):
                    row.append(f"{values[model.tag_names.index(row[1])]:.4f}")
            if columns:
                written += [*(" ".join(row) for row in rows), ""]
            else:
                written.append(" ".join("/".join(row) for row in rows))
        return written

    return answer


def evaluate_tagger(model, args):
    """Print and return the scores of a tagger on a file.

    Args:
        model: the `TextTagger`.
        args: a dict of the options: `data`, `source` and `target`, `batch_size`, and, each as in
            training where it is missing, `columns`, `tag`, `repair`, `separator`, `comment`,
            `encoding`, and `scheme`, where the file is in another one than the model was trained
            on.
    """
    if args["data"] is None or args["source"] or args["target"]:
        raise ValueError("A tagger is evaluated on --data, and takes no --source or --target.")
    scheme = args.get("scheme") or model.tags.read_scheme
    if model.scheme is None and args.get("scheme"):
        raise ValueError(
            f"The tags of the model are of single words; received --scheme {args['scheme']}."
        )
    names = ("columns", "tag", "repair", "separator", "comment", "encoding")
    how = {name: args[name] for name in names if args.get(name) is not None}
    sentences, tags = read_known(args["data"], model, scheme=scheme, **how)
    scores = sentence_scores(model, sentences, tags, args["batch_size"])
    show_tag_scores(scores)
    return scores


def sentence_scores(model, sentences, tags, batch_size):
    """Return the loss of a tagger on sentences, and what `analysis.tag_scores` finds.

    Args:
        model: the `TextTagger`.
        sentences: lists of words.
        tags: lists of tags, as `fit` takes them.
        batch_size: sentences at once.
    """
    from keras_seq.analysis import tag_scores

    measured = model.evaluate(sentences, tags, batch_size=batch_size, verbose=0, return_dict=True)
    right = model.tags.read(tags)
    scores = tag_scores(model.tag(sentences, batch_size=batch_size), right, model.scheme)
    return {"loss": float(measured["loss"]), **scores}


def show_tag_scores(scores):
    """Print what `sentence_scores` returned."""
    width = max(18, *(len(name) + 2 for name in scores["types"]))
    show_scores({name: scores[name] for name in scores if name != "types"}, width)
    titles = ("true", "predicted", "precision", "recall", "f1")
    print(f"{'tag':<{width}}" + "".join(f"{title:>12}" for title in titles))
    for name, score in scores["types"].items():
        numbers = [f"{score[title]:>12,}" for title in titles[:2]]
        numbers += [f"{score[title]:>12.4f}" for title in titles[2:]]
        print(f"{name:<{width}}" + "".join(numbers))
