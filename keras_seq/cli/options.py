"""The options of the commands.

What configures a constructor or a function is read from there, by `of`; the rest stands here, or
beside the one command that has it.
"""

import dataclasses
import enum
import functools
import inspect
import types
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_seq._registry import POOLINGS, SAMPLERS, TOKENIZERS
from keras_seq.cli.sources import arguments

REQUIRED = inspect.Parameter.empty
FILES, TEXT, MODEL, TRAINING, SEARCH = "Files", "Text", "Model", "Training", "Search"
TAGGED, LANGUAGE, EXPORT = "Tagged files", "Language models", "Export"

WRITERS, READERS = ("Seq2Seq", "LanguageModel"), ("Seq2Seq", "TextClassifier")
TAGGER = ("TextTagger",)

# Arguments that are called something shorter, and flags for the opposite of what is so by default.
SHORT = {"embedding_dim": "embedding", "num_layers": "layers", "max_vocabulary": "vocabulary"}
OPPOSITE = {
    "bidirectional": ("unidirectional", "Read from the left only."),
    "crf": ("softmax", "A softmax for each word; else a CRF."),
}
# Where no other names are possible.
CHOICES = {
    **dict.fromkeys(("tokens", "source_tokens", "target_tokens"), tuple(TOKENIZERS)),
    "pooling": tuple(POOLINGS),
    "characters": ("cnn", "lstm", "none"),
}


@dataclasses.dataclass(frozen=True)
class Option:
    """An option or, without a flag, an argument of a command.

    Args:
        name: as the command's function takes it.
        help: a sentence.
        kind: the type of the value.
        default: the value where it is not given.
        panel: the heading in the help.
        flag: how it is written, if not `--name`; "" for none.
        argument: the argument of the constructor that it is for.
        least: the least number.
        only: the classes of models that it has a meaning for; empty for all.
    """

    name: str
    help: str
    kind: Any = str
    default: Any = None
    panel: str | None = None
    flag: str | None = None
    argument: str | None = None
    least: int | None = None
    only: tuple = ()

    def parameter(self):
        """The parameter of the command's function, as typer reads it."""
        kind = self.kind
        if isinstance(kind, tuple):
            kind = enum.StrEnum("Choice", {name: name for name in kind})
        default = self.default
        if isinstance(default, str) and isinstance(self.kind, tuple):
            default = kind(default)
        if default is None:
            kind = kind | None
        flag = f"--{self.name.replace('_', '-')}" if self.flag is None else self.flag
        if flag:
            flags = () if default is True and self.flag is None else (flag,)
            shown = typer.Option(*flags, help=self.help, rich_help_panel=self.panel, min=self.least)
        else:
            shown = typer.Argument(help=self.help)
        place = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(
            self.name, place, default=default, annotation=Annotated[kind, shown]
        )

    def value(self, value):
        """The value of `argument` for a value of the option."""
        if self.name == OPPOSITE.get(self.argument, (None,))[0]:
            return not value
        return None if value == "none" else value


def of(path, panel, names=None, without=(), unset=False, only=(), least=None, **defaults):
    """The options of a constructor or a function, by its signature and docstring.

    Args:
        path: as `sources.arguments` takes it.
        panel: the heading in the help.
        names: the arguments; all that a word of the shell can be where `None`.
        without: those that are no option.
        only, least: as in `Option`.
        unset: whether an option that is not given is `None`, and the default left to `path`.
        **defaults: where they are others than in the signature.
    """
    options = []
    for name, argument in arguments(path).items():
        if name in without or argument.kind is None or (names and name not in names):
            continue
        flag, text, default = SHORT.get(name, name), argument.help, argument.default
        if name in OPPOSITE and default is True:
            (flag, text), default = OPPOSITE[name], False
        default = defaults.get(name, default)
        if unset and argument.kind is not bool:
            text = text if default is None else f"{text.removesuffix('.')}; {default}."
            default = None
        kind = CHOICES.get(name, argument.kind)
        options.append(Option(flag, text, kind, default, panel, None, name, least, only))
    return options


def values(options, args):
    """The arguments that options are for, a dict; without those that are `None` by default."""
    return {
        option.argument: option.value(getattr(args, option.name))
        for option in options
        if option.argument
        and (option.default is not None or getattr(args, option.name) is not None)
    }


def takes(*options):
    """Decorate a function of one argument: a command with options, which it gets as attributes."""

    def decorate(function):
        @functools.wraps(function)
        def command(**args):
            plain = {
                name: value.value if isinstance(value, enum.Enum) else value
                for name, value in args.items()
            }
            return function(types.SimpleNamespace(**plain))

        parameters = [option.parameter() for option in options]
        command.__signature__ = inspect.Signature(parameters)
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        command.options = options
        del command.__wrapped__  # its annotations would be read
        return command

    return decorate


def search(*without):
    """The options of all samplers, each said to be of those that have it."""
    kinds = {name: arguments(_path(place)) for name, place in SAMPLERS.items()}
    text = f"{', '.join(kinds)}; the model's own if not set."
    options = [Option("sampler", text, panel=SEARCH, only=WRITERS)]
    for name in dict.fromkeys(name for taken in kinds.values() for name in taken):
        owners = {kind: taken[name] for kind, taken in kinds.items() if name in taken}
        argument = next(iter(owners.values()))
        if argument.kind is None or name in ("max_length", *without):
            continue
        text = argument.help
        if len(owners) < len(kinds):
            text = f"{', '.join(owners)}: {text[0].lower()}{text[1:]}"
        options.append(Option(name, text, argument.kind, panel=SEARCH, only=WRITERS))
    return options


def listed(option, text, kind=str):
    """What stands between the commas of an option, at least one; of type `kind`."""
    try:
        parts = [kind(part) for part in map(str.strip, text.split(",")) if part]
    except ValueError:
        raise ValueError(f"{option} takes whole numbers with commas; received {text!r}.") from None
    if not parts:
        raise ValueError(f"{option} names nothing; received {text!r}.")
    return parts


def _path(place):
    """Where a class of a table is, as `sources.arguments` takes it, loaded or not."""
    if not isinstance(place, str):
        place = f"{place.__module__}:{place.__qualname__}"
    return place.removeprefix("keras_seq.").replace(":", ".")


MODEL_FILE = Option("model", "A .keras file, or the name of a preset.", Path, REQUIRED, flag="")
BATCH_SIZE = Option("batch_size", "Texts at once.", int, 64)
ENCODING = "such as cp1252; UTF-8, or what a byte order mark says, if not set."
FILE_ENCODING = Option("encoding", f"Encoding of the files, {ENCODING}")
TEXT_ENCODING = Option("encoding", f"Encoding of the texts, {ENCODING}")
SEPARATOR = Option(
    "separator",
    "What stands between columns, such as ';'; where not set, what the file is certain to have.",
    only=(*READERS, *TAGGER),
)
LABEL_SEPARATOR = Option(
    "label_separator",
    "What stands between labels, where a text has any number of them.",
    only=("TextClassifier",),
)
COLUMNS = [
    Option("text_column", "Column of the texts: a name, or a place from 0.", str, "text", FILES),
    Option("label_column", "Column of the labels, likewise.", str, "label", FILES),
    Option(
        "quoted",
        "Whether columns may be in double quotes; where not set, in CSV files.",
        bool,
        panel=FILES,
        flag="--quoted/--not-quoted",
    ),
]
COLUMNS = [dataclasses.replace(column, only=READERS) for column in COLUMNS]
LINES = Option(
    "lines",
    "Each line of the file is a text by itself.",
    bool,
    False,
    LANGUAGE,
    only=("LanguageModel",),
)
TAG_COLUMNS = [
    Option("columns", "Columns of words and tags, from 0; -1 is the last.", str, "0,-1", TAGGED),
    Option("tag", "In CoNLL-U the column of the tags: upos, xpos, ...", str, "upos", TAGGED),
    Option("scheme", "What spans are written in: BIO, IOB1, IOBES, BILOU or BMES.", panel=TAGGED),
    Option(
        "comment",
        "What lines that are no words begin with, such as '#'; '' for none.",
        panel=TAGGED,
    ),
    Option("repair", "Read invalid sequences of tags as conlleval does.", bool, False, TAGGED),
]
TAG_COLUMNS = [dataclasses.replace(column, only=TAGGER) for column in TAG_COLUMNS]
WRITTEN = [
    Option("max_length", "The most tokens to write.", int, panel=SEARCH),
    Option(
        "stop_token",
        "A token of the vocabulary with which a text ends too; any number.",
        list[str],
        panel=SEARCH,
    ),
]


def training(recipe):
    """The options of every training, with the defaults of the task's `Recipe`."""
    return [
        Option("out", "The .keras file to write.", Path, REQUIRED),
        FILE_ENCODING,
        *(
            dataclasses.replace(option, panel=TRAINING)
            for option in (
                Option("epochs", f"Passes; {recipe.epochs} if no --minutes are set.", int),
                Option("minutes", "Stop then; the learning rate falls until there.", float),
                Option(
                    "warmup",
                    "Share of the training in which the learning rate rises first.",
                    float,
                    recipe.warmup,
                ),
                Option(
                    "schedule",
                    "How the learning rate falls until the end of the training.",
                    ("linear", "cosine", "constant"),
                    "linear",
                ),
                Option(
                    "batch_size", "Texts (or streams of a text) at once.", int, recipe.batch_size
                ),
                Option("learning_rate", "Of Adam.", float, recipe.learning_rate),
                Option("weight_decay", "Of AdamW.", float),
                Option(
                    "clip",
                    "Largest norm of all gradients together; 0 for no limit.",
                    float,
                    1.0,
                ),
                Option(
                    "ema",
                    "Momentum of a running average of the weights; 0 for none.",
                    float,
                    recipe.ema,
                ),
                Option(
                    "matmul_precision",
                    "Round the factors of products to this in the training; bfloat16 takes 0.6 of "
                    "the time on PyTorch where the processor has AMX.",
                    ("float32", "tensorfloat32", "bfloat16"),
                ),
                Option("seed", "Seed of weights and order.", int, 0),
                Option("patience", "Stop after so many epochs that were not better.", int, 3),
                Option(
                    "resume",
                    "Go on with the training in OUT.state, if there is one.",
                    bool,
                    False,
                ),
            )
        ),
    ]
