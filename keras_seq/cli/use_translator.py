"""The commands that use a model, with a translator."""

from keras_seq.cli.labelled import read_columns
from keras_seq.cli.search import Search, written
from keras_seq.cli.show import track


def translation(model, given, **how):
    """Return the search of a translator."""
    return Search(model, given, replace_unknown=given["replace_unknown"], **how)


def generate_translations(model, given, batches):
    """Write the answers to batches of lines."""
    translation(model, given, **written(given)).write(batches)


def evaluate_translator(model, given):
    """Print and return the scores of a translator."""
    from keras_seq.analysis import text_scores
    from keras_seq.datasets import read_parallel

    files = given["source"], given["target"]
    if (given["data"] is None) == (None in files) or (given["data"] and any(files)):
        raise ValueError("A translator is evaluated on --source and --target, or on --data.")
    search, batch_size = translation(model, given), given["batch_size"]
    if given["data"] is None:
        sources, targets = read_parallel(*files, given["encoding"])
    else:
        sources, targets = read_columns(given["data"], {**given, "label_separator": None})
    answers = []
    for part in track(sources, 10 * batch_size, "Translating"):
        answers += [found[0]["text"] for found in search(part)]
    found = model.evaluate(sources, targets, batch_size=batch_size, verbose=0, return_dict=True)
    if given["lowercase"]:
        answers, targets = [[text.lower() for text in side] for side in (answers, targets)]
    scores = text_scores(answers, targets, tokenize=model.target_tokenizer.split)
    scores["perplexity"] = float(found["perplexity"])
    print(f"{'texts':<18}{len(sources):>12,}")
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):<18}{value:>12.4f}")
    return {"texts": len(sources), **scores}
