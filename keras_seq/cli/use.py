"""The commands that use a model: generate and evaluate."""

import inspect
import json
from typing import Annotated

import typer

from keras_seq.cli import options
from keras_seq.cli.show import check_writable, stdin_batches, track
from keras_seq.cli.train_classifier import read_columns
from keras_seq.cli.use_classifier import class_scores, show_class_scores


def generate(
    model: options.ModelFile,
    sampler: options.SamplerName = None,
    width: options.Width = None,
    length_penalty: options.LengthPenalty = None,
    coverage_penalty: options.CoveragePenalty = None,
    n_best: options.NBest = None,
    min_length: options.MinLength = None,
    no_repeat_ngram: options.NoRepeatNgram = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    seed: options.SearchSeed = None,
    max_nodes: options.MaxNodes = None,
    replace_unknown: options.ReplaceUnknown = False,
    batch_size: options.BatchSize = 64,
):
    """Read texts from standard input, one a line; write the answers, one a line.

    With --n-best each text has so many lines, best first: its number, the score and the answer,
    with tabs between them.
    """
    search = Search(locals())
    number = 0
    for lines in stdin_batches(batch_size):
        for answers in search(lines):
            number += 1
            for answer in answers:
                text = " ".join(answer["text"].splitlines())
                columns = [str(number), f"{answer['score']:.4f}", text] if n_best else [text]
                print("\t".join(columns), flush=True)


def evaluate(
    model: options.ModelFile,
    source: options.EvaluatedSource = None,
    target: options.EvaluatedTarget = None,
    data: options.DataFile = None,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    label_separator: options.LabelSeparator = None,
    sampler: options.SamplerName = None,
    width: options.Width = None,
    length_penalty: options.LengthPenalty = None,
    coverage_penalty: options.CoveragePenalty = None,
    min_length: options.MinLength = None,
    no_repeat_ngram: options.NoRepeatNgram = None,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    seed: options.SearchSeed = None,
    max_nodes: options.MaxNodes = None,
    replace_unknown: options.ReplaceUnknown = False,
    batch_size: options.BatchSize = 64,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Lower-case both sides before scoring.")
    ] = False,
    out: Annotated[
        options.Path | None, typer.Option(help="Write the scores to this JSON file too.")
    ] = None,
):
    """Score a model on a file.

    A translator translates the lines of --source: BLEU, chrF, exact match, token error rate and
    perplexity, with the lines of --target, or with both out of two columns of --data. A classifier
    reads --data: loss, accuracy and F1.
    """
    given = locals()
    from keras_seq.datasets import write_lines
    from keras_seq.models import TextClassifier, load_model

    if out is not None:
        check_writable(out)
    loaded = load_model(model)
    if isinstance(loaded, TextClassifier):
        scores = evaluate_classifier(loaded, given)
    else:
        scores = evaluate_translator(loaded, given)
    if out is not None:
        write_lines(out, json.dumps(scores, indent=2).splitlines())


def evaluate_classifier(model, given):
    """Print and return the scores of a classifier."""
    if given["data"] is None or given["source"] or given["target"]:
        raise ValueError("A classifier is evaluated on --data, and takes no --source or --target.")
    if model.multi_label and given["label_separator"] is None:
        given = {**given, "label_separator": "|"}
    texts, labels = read_columns(given["data"], given, model.class_names)
    scores = class_scores(model, texts, labels, given["batch_size"])
    show_class_scores(scores)
    return scores


def evaluate_translator(model, given):
    """Print and return the scores of a translator."""
    from keras_seq.analysis import text_scores
    from keras_seq.datasets import read_parallel

    files = given["source"], given["target"]
    if (given["data"] is None) == (None in files) or (given["data"] and any(files)):
        raise ValueError("A translator is evaluated on --source and --target, or on --data.")
    search, batch_size = Search(given, model), given["batch_size"]
    if given["data"] is None:
        sources, targets = read_parallel(*files)
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


class Search:
    """A loaded model and the search that the options of a command ask for.

    Args:
        given: the arguments of the command.
        model: the model, where it is loaded already.
    """

    NAMES = (
        *("width", "length_penalty", "coverage_penalty", "n_best", "min_length"),
        *("no_repeat_ngram", "temperature", "top_k", "top_p", "seed", "max_nodes"),
    )

    def __init__(self, given, model=None):
        from keras_seq.models import load_model

        self.model = load_model(given["model"]) if model is None else model
        if not hasattr(self.model, "generate"):
            raise ValueError(
                f"{given['model']} holds a {type(self.model).__name__}, which writes no text: the "
                "command for it is predict."
            )
        self.options = {name: given[name] for name in self.NAMES if given.get(name) is not None}
        self.sampler = self._sampler(given["sampler"])
        self.how = {"batch_size": given["batch_size"], "replace_unknown": given["replace_unknown"]}
        self.parts = 0

    def __call__(self, texts):
        """Return the answers of each text, a list of dicts with `text` and `score`."""
        sampler, self.parts = self.sampler, self.parts + 1
        config = sampler.get_config()
        if self.parts > 1 and "seed" in config:  # other noise for each part of a file
            sampler = type(sampler)(**{**config, "seed": config["seed"] + self.parts - 1})
        found = self.model.generate(texts, sampler=sampler, return_scores=True, **self.how)
        return [answers if isinstance(answers, list) else [answers] for answers in found]

    def _sampler(self, name):
        """The sampler of that name, or the model's own, with the options given."""
        from keras_seq import samplers

        sampler = self.model.sampler if name is None else samplers.get(name)
        if not self.options:
            return sampler
        kind = type(sampler)
        for option in self.options:
            if option not in inspect.signature(kind).parameters:
                owners = [
                    name
                    for name, owner in samplers.SAMPLERS.items()
                    if option in inspect.signature(owner).parameters
                ]
                raise ValueError(
                    f"--{option.replace('_', '-')} is an option of --sampler "
                    f"{' or '.join(owners)}; received --sampler {name or kind.__name__.lower()}."
                )
        return kind(**{**sampler.get_config(), **self.options})
