"""Options that several commands share, as dataclasses that a command inherits from.

A field is an option: its annotation says type and help, as in `options`, and its default may be
another one in a subclass. `takes` makes the command.
"""

import dataclasses
import functools
import inspect

from keras_seq.cli import options


def takes(group):
    """Decorate a function of one argument: a command with an option for each field of `group`.

    The fields of a subclass come before those that it inherits.
    """

    def decorate(function):
        @functools.wraps(function)
        def command(**given):
            return function(group(**given))

        parameters = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_default(field),
                annotation=field.type,
            )
            for field in _own_first(group)
        ]
        command.__signature__ = inspect.Signature(parameters)
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        del command.__wrapped__  # its annotations would be read
        return command

    return decorate


def _default(field):
    missing = field.default is dataclasses.MISSING
    return inspect.Parameter.empty if missing else field.default


def _own_first(group):
    """The fields, each where the most derived class that has it puts it."""
    fields = {field.name: field for field in dataclasses.fields(group)}
    order = dict.fromkeys(
        name for kind in group.__mro__ for name in vars(kind).get("__annotations__", {})
    )
    return [fields[name] for name in order if name in fields]


@dataclasses.dataclass(kw_only=True)
class Training:
    """Options of every training."""

    out: options.Out
    encoding: options.FileEncoding = None
    epochs: options.Epochs = None
    minutes: options.Minutes = None
    warmup: options.Warmup = 0.0
    batch_size: options.TrainingBatchSize = 64
    learning_rate: options.LearningRate = 1e-3
    weight_decay: options.WeightDecay = None
    clip: options.Clip = 1.0
    ema: options.Ema = None
    seed: options.Seed = 0
    patience: options.Patience = 3
    resume: options.Resume = False


@dataclasses.dataclass(kw_only=True)
class RecurrentTraining(Training):
    """Options of the training of a model that is recurrent layers between words and answers."""

    cell: options.Cell = "lstm"
    units: options.EncoderUnits = 128
    embedding: options.Embedding = None
    layers: options.EncoderLayers = 1
    residual: options.Residual = False
    layer_norm: options.LayerNorm = False
    dropout: options.Dropout = 0.2
    variational: options.Variational = False
    weight_dropout: options.WeightDropout = 0.0

    def stack(self):
        """The arguments of a model that describe its recurrent layers."""
        return {
            "cell": self.cell,
            "units": self.units,
            "embedding_dim": self.embedding,
            "num_layers": self.layers,
            "residual": self.residual,
            "layer_norm": self.layer_norm,
            "dropout": self.dropout,
            "variational": self.variational,
            "weight_dropout": self.weight_dropout,
        }
