"""What all architectures of a comparison share."""

import dataclasses

from keras_seq._checks import as_number, check_choice, check_positive, check_rate


@dataclasses.dataclass(frozen=True)
class ComparisonSettings:
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


def make_settings(given):
    """Return the settings of a dict, or raise a `ValueError` for those that make no sense."""
    known = [field.name for field in dataclasses.fields(ComparisonSettings)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValueError(f"Unknown settings {', '.join(unknown)}; there are {', '.join(known)}.")
    settings = ComparisonSettings(**given)
    for name in ("units", "embedding_dim", "max_length", "batch_size", "epochs", "patience"):
        check_positive(name, getattr(settings, name))
    check_rate("dropout", settings.dropout)
    check_choice("tokens", settings.tokens, ("word", "char", "subword"))
    for name in ("learning_rate", "clip_norm", "enough", "minutes"):
        value = getattr(settings, name)
        if value is None and name != "learning_rate":
            continue
        number = as_number(value)
        if number is None or not number > 0:
            raise ValueError(f"`{name}` must be a number above 0; received {value!r}.")
    return settings
