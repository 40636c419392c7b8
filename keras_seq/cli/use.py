"""The commands that use a model: generate, predict and evaluate."""

import inspect
import json
from typing import Annotated

import typer

from keras_seq.cli import options
from keras_seq.cli.search import Search
from keras_seq.cli.show import check_writable, stdin_batches
from keras_seq.cli.use_classifier import evaluate_classifier, predict_classes
from keras_seq.cli.use_language_model import continue_texts, evaluate_language_model
from keras_seq.cli.use_tagger import evaluate_tagger, predict_tagger
from keras_seq.cli.use_translator import evaluate_translator, generate_translations

# What each command does with each kind of model.
GENERATE = {"Seq2Seq": generate_translations, "LanguageModel": continue_texts}
PREDICT = {"TextClassifier": predict_classes, "TextTagger": predict_tagger}
EVALUATE = {
    "Seq2Seq": evaluate_translator,
    "LanguageModel": evaluate_language_model,
    "TextClassifier": evaluate_classifier,
    "TextTagger": evaluate_tagger,
}
KINDS = {
    "Seq2Seq": "a translator",
    "LanguageModel": "a language model",
    "TextClassifier": "a classifier",
    "TextTagger": "a tagger",
}
WRITERS, READERS = ("Seq2Seq", "LanguageModel"), ("Seq2Seq", "TextClassifier")
ONLY_FOR = {  # the kinds of models that an option has a meaning for
    **dict.fromkeys(("sampler", *Search.NAMES), WRITERS),
    **dict.fromkeys(("replace_unknown", "lowercase"), ("Seq2Seq",)),
    **dict.fromkeys(("prompt", "count", "lines", "reference", "samples"), ("LanguageModel",)),
    **dict.fromkeys(("text_column", "label_column", "quoted"), READERS),
    **dict.fromkeys(("threshold", "label_separator"), ("TextClassifier",)),
    **dict.fromkeys(("format", "columns", "tag", "scheme", "repair", "comment"), ("TextTagger",)),
    "separator": (*READERS, "TextTagger"),
}


def generate(
    model: options.ModelFile,
    prompt: options.Prompt = None,
    count: options.Count = 1,
    max_length: options.WrittenLength = None,
    stop_token: options.StopTokens = None,
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
    encoding: options.StdinEncoding = None,
):
    """Read texts from standard input, one a line; write the answers, one a line.

    A translator translates each line, a language model goes on from it; with --prompt it goes on
    from that alone, and writes as it finds it, line ends too.

    With --n-best each text has so many lines, best first: its number, the score and the answer,
    with tabs between them.
    """
    given = locals()
    loaded, use = _load(generate, given, GENERATE, "writes no text", "predict")
    use(loaded, given, stdin_batches(batch_size, encoding))


def predict(
    model: options.ModelFile,
    probabilities: options.Probabilities = False,
    threshold: options.Threshold = None,
    label_separator: options.LabelSeparator = "|",
    format: options.TagFormat = options.OutputFormat.words,
    batch_size: options.BatchSize = 64,
    encoding: options.StdinEncoding = None,
):
    """Read texts from standard input, one a line; write their classes or tags, a line for each.

    A classifier writes the class; with --probabilities each class and its probability follow, with
    tabs between them. A tagger takes words with blanks between them, and writes word/TAG, or with
    --format conll a word and its tag in each line.
    """
    given = locals()
    loaded, use = _load(predict, given, PREDICT, "has no classes", "generate")
    use(loaded, given, stdin_batches(batch_size, encoding))


def evaluate(
    model: options.ModelFile,
    source: options.EvaluatedSource = None,
    target: options.EvaluatedTarget = None,
    data: options.DataFile = None,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    label_separator: options.LabelSeparator = None,
    separator: options.Separator = None,
    quoted: options.Quoted = None,
    encoding: options.FileEncoding = None,
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
    columns: options.TagColumns = "0,-1",
    tag: options.ConlluTag = "upos",
    scheme: options.TagSchemeOption = None,
    comment: options.Comment = None,
    repair: options.Repair = False,
    lines: options.LineTexts = False,
    reference: options.Reference = None,
    samples: options.Samples = 20,
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Lower-case both sides before scoring.")
    ] = False,
    out: Annotated[
        options.Path | None, typer.Option(help="Write the scores to this JSON file too.")
    ] = None,
):
    """Score a model on a file.

    A translator translates the lines of --source: BLEU, chrF, exact match, token error rate and
    perplexity, with the lines of --target, or with both out of two columns of --data. The others
    read --data. A classifier: loss, accuracy and F1. A tagger: accuracy, and F1 of entities. A
    language model: perplexity and bits per character, and with --reference the quality of what it
    writes.
    """
    given = locals()
    from keras_seq.datasets import write_lines

    if out is not None:
        check_writable(out, model, data, source, target, reference)
    loaded, use = _load(evaluate, given, EVALUATE, "has no scores", "info")
    scores = use(loaded, given)
    if out is not None:
        write_lines(out, json.dumps(scores, indent=2).splitlines())


def _load(command, given, uses, lacks, instead):
    """The model that was given, and what a command does with its kind, or that of its base class.

    Raises:
        ValueError: for another kind of model, and for options that have no meaning for it.
    """
    from keras_seq.models import load_model

    if given["batch_size"] < 1:
        raise ValueError(f"--batch-size must be at least 1; received {given['batch_size']}.")
    model = load_model(given["model"])
    for kind in type(model).__mro__:
        if kind.__name__ in uses:
            _check_options(command, given, kind.__name__)
            return model, uses[kind.__name__]
    raise ValueError(
        f"{given['model']} holds a {type(model).__name__}, which {lacks}: the command for it is "
        f"{instead}."
    )


def _check_options(command, given, kind):
    usual = inspect.signature(command).parameters
    for name, kinds in ONLY_FOR.items():
        if name in given and kind not in kinds and given[name] != usual[name].default:
            raise ValueError(
                f"--{name.replace('_', '-')} is for {' or '.join(KINDS[one] for one in kinds)}; "
                f"the model is {KINDS[kind]}."
            )
