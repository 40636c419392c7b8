"""The commands that use a model, with a language model."""

import math

from keras_seq.cli.search import Search, written
from keras_seq.cli.show import show_scores

SAMPLE = 500  # tokens of a text whose quality is measured


def read_texts(path, lines, encoding=None):
    """The texts of a file: each line, or all of it as one."""
    from keras_seq.datasets import Lines

    texts = list(Lines(path, encoding))
    if not any(texts):
        raise ValueError(f"{path} has no text.")
    return texts if lines else ["\n".join(texts) + "\n"]


def continue_lines(model, args):
    """Return what goes on with --prompt, or with lines; see `use`."""
    return Search(model, args, **written(args)).continuations(args)


def evaluate_language_model(model, args):
    """Print and return the scores of a language model."""
    if args["data"] is None or args["source"] or args["target"]:
        raise ValueError(
            "A language model is evaluated on --data, and takes no --source or --target."
        )
    texts = read_texts(args["data"], args["lines"], args["encoding"])
    results = model.score(texts, batch_size=args["batch_size"])
    tokens = sum(result["num_tokens"] for result in results)
    nats = -sum(result["log_probability"] for result in results)
    scores = {
        "texts": len(texts),
        "tokens": tokens,
        "cross_entropy": nats / tokens,
        "perplexity": math.exp(nats / tokens),
        "bits_per_character": nats / math.log(2) / sum(len(text) + 1 for text in texts),
    }
    if args["reference"] is not None:
        scores |= _quality(model, texts, args)
    show_scores(scores, 28)
    return scores


def _quality(model, texts, args):
    """The quality of samples, judged by the text trained on, and by a model of the held-out one."""
    from keras_seq.analysis import NGramModel, sample_quality

    search = Search(model, args, max_length=SAMPLE)
    samples = [answers[0]["text"] for answers in search([""] * args["samples"])]
    reference = read_texts(args["reference"], args["lines"], args["encoding"])
    quality = sample_quality(samples, reference, model=NGramModel.from_texts(texts))
    return {f"samples_{name}": value for name, value in quality.items()}
