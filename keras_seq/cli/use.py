"""The commands that use a model: generate, predict and evaluate."""

import dataclasses
import json
from pathlib import Path

from keras_seq.cli import options
from keras_seq.cli.options import SEARCH, Option, of, takes
from keras_seq.cli.quick_start import prepared
from keras_seq.cli.show import check_writable, part_size, say, stdin_batches
from keras_seq.cli.use_classifier import classify_lines, evaluate_classifier
from keras_seq.cli.use_files import FILE_OPTIONS, Files
from keras_seq.cli.use_language_model import continue_lines, evaluate_language_model
from keras_seq.cli.use_steps import continue_steps, step_folder, translate_steps
from keras_seq.cli.use_tagger import evaluate_tagger, tag_lines
from keras_seq.cli.use_translator import evaluate_translator, translate_lines

# What each command does with each kind of model. Of a model and the options generate and predict
# make a function from lines to lines: see `Search.lines`.
GENERATE = {"Seq2Seq": translate_lines, "LanguageModel": continue_lines}
PREDICT = {"TextClassifier": classify_lines, "TextTagger": tag_lines}
EVALUATE = {
    "Seq2Seq": evaluate_translator,
    "LanguageModel": evaluate_language_model,
    "TextClassifier": evaluate_classifier,
    "TextTagger": evaluate_tagger,
}
STEPS = {"Seq2Seq": translate_steps, "LanguageModel": continue_steps}
KINDS = {
    "Seq2Seq": "a translator",
    "LanguageModel": "a language model",
    "TextClassifier": "a classifier",
    "TextTagger": "a tagger",
}
TRANSLATOR, LANGUAGE_MODEL, CLASSIFIER = ("Seq2Seq",), ("LanguageModel",), ("TextClassifier",)


@takes(
    options.MODEL_FILE,
    Option("prompt", "Go on from this text.", panel=options.LANGUAGE, only=LANGUAGE_MODEL),
    Option(
        "count",
        "With --prompt: how many texts to write.",
        int,
        1,
        options.LANGUAGE,
        only=LANGUAGE_MODEL,
    ),
    *options.WRITTEN,
    *options.search(),
    *of("models.Seq2Seq.generate", SEARCH, ["replace_unknown"], only=TRANSLATOR),
    *FILE_OPTIONS,
    options.BATCH_SIZE,
    options.TEXT_ENCODING,
)
def generate(args):
    """Read texts from standard input, one a line; write the answers, one a line.

    A translator translates each line, a language model goes on from it; with --prompt it goes on
    from that alone, and writes as it finds it, line ends too.

    MODEL may be a folder of step graphs (`keras-seq export --signature step`): onnxruntime answers,
    in less than a second.

    With --n-best each text has so many lines, best first: its number, the score and the answer,
    with tabs between them.

    Many texts go from --input into --output, block by block: OUTPUT/NAME/000000000.txt has the
    answers to the first block of the file NAME. The same command goes on where it was stopped, and
    with --shard 1/4 to 4/4 four of them share the work.
    """
    _answer(generate, args, GENERATE, "writes no text", "predict")


@takes(
    options.MODEL_FILE,
    Option(
        "probabilities",
        "Write the probabilities behind the answer, most probable first.",
        bool,
        False,
    ),
    Option("threshold", "Probability above which a text has a label.", float, only=CLASSIFIER),
    dataclasses.replace(options.LABEL_SEPARATOR, default="|"),
    Option("format", "What a tagger writes.", ("words", "conll"), "words", only=options.TAGGER),
    *FILE_OPTIONS,
    options.BATCH_SIZE,
    options.TEXT_ENCODING,
)
def predict(args):
    """Read texts from standard input, one a line; write their classes or tags, a line for each.

    A classifier writes the class; with --probabilities each class and its probability follow, with
    tabs between them. A tagger takes words with blanks between them, and writes word/TAG, or with
    --format conll a word and its tag in each line.

    Many texts go from --input into --output, in blocks, as with `keras-seq generate`.
    """
    _answer(predict, args, PREDICT, "has no classes", "generate")


@takes(
    options.MODEL_FILE,
    Option("source", "One source text a line.", Path),
    Option("target", "One target text a line.", Path),
    Option("data", "What to score on: texts, in columns with their answers, or alone.", Path),
    *options.COLUMNS,
    options.LABEL_SEPARATOR,
    options.SEPARATOR,
    options.FILE_ENCODING,
    *options.search("n_best"),
    *of("models.Seq2Seq.generate", SEARCH, ["replace_unknown"], only=TRANSLATOR),
    options.BATCH_SIZE,
    *options.TAG_COLUMNS,
    options.LINES,
    Option(
        "reference",
        "The text that it was trained on, to judge samples by.",
        Path,
        panel=options.LANGUAGE,
        only=LANGUAGE_MODEL,
    ),
    Option(
        "samples",
        "With --reference: how many texts to sample.",
        int,
        20,
        options.LANGUAGE,
        only=LANGUAGE_MODEL,
    ),
    Option("lowercase", "Lower-case both sides before scoring.", bool, False, only=TRANSLATOR),
    Option("out", "Write the scores to this JSON file too.", Path),
)
def evaluate(args):
    """Score a model on a file.

    A translator translates the lines of --source: BLEU, chrF, exact match, token error rate and
    perplexity, with the lines of --target, or with both out of two columns of --data. The others
    read --data. A classifier: loss, accuracy and F1. A tagger: accuracy, and F1 of entities. A
    language model: perplexity and bits per character, and with --reference the quality of what it
    writes.
    """
    from keras_seq.datasets import write_lines

    out = args.out
    if out is not None:
        check_writable(out, args.model, args.data, args.source, args.target, args.reference)
    _check_batch_size(args)
    loaded, use = _load(evaluate, args, EVALUATE, "has no scores", "info")
    scores = use(loaded, vars(args))
    if out is not None:
        write_lines(out, json.dumps(scores, indent=2).splitlines())


def _answer(command, args, uses, lacks, instead):
    """Answer lines of standard input, --prompt or files, by step graphs where there are such."""
    _check_batch_size(args)
    folder = step_folder(args.model, getattr(args, "sampler", None))
    files = Files.of(command.__name__, args, folder)
    if folder is None:
        model, use = _load(command, args, uses, lacks, instead)
    else:
        model, use = _load_steps(command, args, uses, lacks, folder)
    answer = use(model, vars(args))
    if files is not None:
        files.write(answer)
        return
    if getattr(args, "prompt", None) is not None:
        # A file that it comes from may begin with a mark.
        batches = [[args.prompt.removeprefix("\ufeff")] * args.count]
    else:
        batches = stdin_batches(args.batch_size, args.encoding)
    first, part = 0, part_size(args.batch_size)
    for lines in batches if folder is not None else prepared(batches):
        for line in answer(lines, first, part):
            say(line)
        first += len(lines)


def _load_steps(command, args, uses, lacks, folder):
    """The model of a folder of step graphs, and what a command does with its kind; see `_load`."""
    from keras_seq.export import load_step
    from keras_seq.export.step_model import knows_tokenizers

    model = load_step(folder)
    kind = model.manifest["kind"]
    if kind not in uses:
        raise ValueError(f"{folder} has the steps of a {kind}, which {lacks}.")
    if not knows_tokenizers(model.manifest):
        raise ValueError(f"{folder} has a tokenizer of its own, which Keras alone knows.")
    _check_options(command, args, kind)
    return model, {**uses, **STEPS}[kind]


def _check_batch_size(args):
    if args.batch_size < 1:
        raise ValueError(f"--batch-size must be at least 1; received {args.batch_size}.")


def _load(command, args, uses, lacks, instead):
    """The model that was given, and what a command does with its kind, or that of its base class.

    Raises:
        ValueError: for another kind of model, and for options that have no meaning for it.
    """
    from keras_seq.models import load_model

    model = load_model(args.model)
    for kind in type(model).__mro__:
        if kind.__name__ in uses:
            _check_options(command, args, kind.__name__)
            return model, uses[kind.__name__]
    raise ValueError(
        f"{args.model} holds a {type(model).__name__}, which {lacks}: the command for it is "
        f"{instead}."
    )


def _check_options(command, args, kind):
    for option in command.options:
        if option.only and kind not in option.only and getattr(args, option.name) != option.default:
            raise ValueError(
                f"--{option.name.replace('_', '-')} is for "
                f"{' or '.join(KINDS[name] for name in option.only)}; the model is {KINDS[kind]}."
            )
