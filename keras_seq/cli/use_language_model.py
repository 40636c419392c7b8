"""The commands that use a model, with a language model."""

import math

from keras_seq.cli.search import Search, written
from keras_seq.cli.show import say

SAMPLE = 500  # tokens of a text whose quality is measured


def read_texts(path, lines, encoding=None):
    """The texts of a file: each line, or all of it as one."""
    from keras_seq.datasets import Lines

    found = list(Lines(path, encoding))
    if not any(found):
        raise ValueError(f"{path} has no text.")
    return found if lines else ["\n".join(found) + "\n"]


def continue_texts(model, given, batches):
    """Write what comes after --prompt, or after each line of batches."""
    search = Search(model, given, **written(given))
    if given["count"] < 1 or (given["count"] > 1 and given["prompt"] is None):
        raise ValueError(f"--count counts texts from one --prompt; received {given['count']}.")
    if given["prompt"] is not None:
        prompt = given["prompt"].removeprefix("\ufeff")  # of the file that it comes from
        for answers in search([prompt] * given["count"]):
            say("\n".join(answer["text"] for answer in answers))
        return
    search.write(batches)


def evaluate_language_model(model, given):
    """Print and return the scores of a language model."""
    if given["data"] is None or given["source"] or given["target"]:
        raise ValueError(
            "A language model is evaluated on --data, and takes no --source or --target."
        )
    texts = read_texts(given["data"], given["lines"], given["encoding"])
    found = model.score(texts, batch_size=given["batch_size"])
    tokens = sum(one["num_tokens"] for one in found)
    nats = -sum(one["log_probability"] for one in found)
    scores = {
        "texts": len(texts),
        "tokens": tokens,
        "cross_entropy": nats / tokens,
        "perplexity": math.exp(nats / tokens),
        "bits_per_character": nats / math.log(2) / sum(len(text) + 1 for text in texts),
    }
    if given["reference"] is not None:
        scores |= _quality(model, texts, given)
    for name, value in scores.items():
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
        print(f"{name.replace('_', ' '):<28}{shown:>12}")
    return scores


def _quality(model, texts, given):
    """The quality of samples, judged by the text trained on, and by a model of the held-out one."""
    from keras_seq.analysis import NGramModel, sample_quality

    search = Search(model, given, max_length=SAMPLE)
    samples = [answers[0]["text"] for answers in search([""] * given["samples"])]
    reference = read_texts(given["reference"], given["lines"], given["encoding"])
    found = sample_quality(samples, reference, model=NGramModel.from_texts(texts))
    return {f"samples_{name}": value for name, value in found.items()}
