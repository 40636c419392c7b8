"""The commands that use a model, with a translator."""

from keras_seq.cli.labelled import read_columns
from keras_seq.cli.search import Search, written
from keras_seq.cli.show import show_scores, track


def translation(model, args, **how):
    """Return the search of a translator."""
    return Search(model, args, replace_unknown=args["replace_unknown"], **how)


def translate_lines(model, args):
    """Return what answers lines; see `use`."""
    return translation(model, args, **written(args)).lines


def evaluate_translator(model, args):
    """Print and return the scores of a translator."""
    from keras_seq.analysis import text_scores
    from keras_seq.datasets import read_parallel

    files = args["source"], args["target"]
    if (args["data"] is None) == (None in files) or (args["data"] and any(files)):
        raise ValueError("A translator is evaluated on --source and --target, or on --data.")
    search, batch_size = translation(model, args), args["batch_size"]
    if args["data"] is None:
        sources, targets = read_parallel(*files, args["encoding"])
    else:
        sources, targets = read_columns(args["data"], {**args, "label_separator": None})
    answers = []
    for part in track(sources, 10 * batch_size, "Translating"):
        answers += [translations[0]["text"] for translations in search(part)]
    measured = model.evaluate(sources, targets, batch_size=batch_size, verbose=0, return_dict=True)
    if args["lowercase"]:
        answers, targets = [[text.lower() for text in side] for side in (answers, targets)]
    scores = {
        "texts": len(sources),
        **text_scores(answers, targets, tokenize=model.target_tokenizer.split),
        "perplexity": float(measured["perplexity"]),
    }
    show_scores(scores)
    return scores
