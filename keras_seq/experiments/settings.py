"""The settings that all runs of an experiment share."""

import dataclasses
import sys
import types
import typing

import keras

from keras_seq._checks import as_number, check_choice, check_positive, check_rate
from keras_seq._registry import TOKENIZERS


class Settings:
    """The base of the settings: each value is checked by the annotation of its field.

    Integers and numbers are above 0; `None` is one of them where the annotation says so. `RATES`
    are in [0, 1), and `UNLIMITED` may be infinite.
    """

    RATES = ()
    UNLIMITED = ()

    @classmethod
    def of(cls, settings):
        """Return the settings of a dict, or raise a `ValueError` for names that are unknown."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = [name for name in settings if name not in known]
        if unknown:
            raise ValueError(
                f"Unknown settings {', '.join(unknown)}; there are {', '.join(known)}."
            )
        return cls(**settings)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            name, value = field.name, getattr(self, field.name)
            kinds = typing.get_args(field.type) or (field.type,)
            if value is None and types.NoneType in kinds:
                continue
            if name in self.RATES:
                check_rate(name, value)
            elif int in kinds:
                check_positive(name, value)
            elif float in kinds:
                limit = float("inf") if name in self.UNLIMITED else sys.float_info.max
                if not 0 < (as_number(value) or 0) <= limit:
                    raise ValueError(f"`{name}` must be a number above 0; received {value!r}.")


@dataclasses.dataclass(frozen=True)
class ComparisonSettings(Settings):
    """How the models of `compare` are made and trained; all have the same.

    Attributes:
        units: size of the state, per direction; filters of each width of a convolution; size of
            the self-attention.
        embedding_dim: size of the token embeddings.
        dropout: rate on embeddings and before the output.
        tokens: `"word"`, `"char"` or `"subword"`, for the bag of words too.
        lowercase: whether texts are lower-cased.
        max_vocabulary: largest vocabulary.
        max_length: longer texts are cut to so many tokens; the bag of words takes all.
        learning_rate: of Adam.
        clip_norm: limit of the norm of the whole gradient, or `None`.
        batch_size: texts of a batch.
        epochs: passes at most.
        patience: training stops after so many epochs without a better accuracy on the development
            part.
        enough: training stops too when that accuracy was so high twice in a row; or `None`.
        minutes: limit of the training of each model, or `None`.
    """

    RATES = ("dropout",)
    UNLIMITED = ("clip_norm", "enough", "minutes")

    units: int = 64
    embedding_dim: int = 64
    dropout: float = 0.5
    tokens: str = "word"
    lowercase: bool = False
    max_vocabulary: int | None = None
    max_length: int = 512
    learning_rate: float = 1e-3
    clip_norm: float | None = 1.0
    batch_size: int = 64
    epochs: int = 20
    patience: int = 4
    enough: float | None = None
    minutes: float | None = None

    def __post_init__(self):
        super().__post_init__()
        check_choice("tokens", self.tokens, TOKENIZERS)


@dataclasses.dataclass(frozen=True)
class ExperimentSettings(Settings):
    """How the runs of `gradient_experiment` are made; all have the same.

    Attributes:
        units: size of the state.
        num_layers: recurrent layers.
        bidirectional: whether both directions are read.
        residual: whether layers above the bottom one add to their inputs.
        attention: whether the answer looks at all states by additive attention, rather than at the
            last one alone.
        truncate: steps of truncated backpropagation through time, or `None`.
        embedding_norm: the length of the vectors of words at first; 4 as in the models of this
            package. Short ones (0.23 for 64 numbers as Keras draws them) leave tanh units in the
            middle of their range, where their slope is 1; with long ones every word in between
            saturates them, and the gradient of a vanilla cell vanishes whatever its matrix.
        optimizer: the name of an optimiser of Keras. Adam divides by the size of the gradient, so
            it learns from gradients that are too small, or too large, for `"sgd"`.
        learning_rate: of the optimiser.
        clip_norm: limit of the norm of the whole gradient, or `None`; not used where there is a
            `clip_value`, since Keras takes one of them.
        clip_value: limit of each number of the gradient, or `None`.
        batch_size: rows of a batch.
        steps: batches at most; training stops before when held-out rows are solved.
    """

    units: int = 64
    num_layers: int = 1
    bidirectional: bool = False
    residual: bool = False
    attention: bool = False
    truncate: int | None = None
    embedding_norm: float = 4.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    clip_norm: float | None = 1.0
    clip_value: float | None = None
    batch_size: int = 64
    steps: int = 2_000

    def __post_init__(self):
        super().__post_init__()
        keras.optimizers.get(self.optimizer)
