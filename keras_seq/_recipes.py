"""What trains well on a small corpus: the defaults of `from_texts`, of `compile()`, and of the
commands that train. Nothing heavy is imported here: the commands' help reads it."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The settings of one task.

    Args:
        model: arguments of `from_texts` that differ from the defaults of the constructor.
        learning_rate: of Adam, whose gradients together have at most a norm of 1.
        batch_size: texts at once, where nothing is said.
        epochs: passes of a command that is given neither `--epochs` nor `--minutes`.
        ema: momentum of the average of the weights that is validated and kept.
        warmup: share of the training in which the learning rate rises; then it falls in a line.
        label_smoothing: as in `compile`.
    """

    model: dict[str, Any]
    learning_rate: float
    batch_size: int
    epochs: int
    ema: float
    warmup: float = 0.02
    label_smoothing: float = 0.0


TRANSLATOR = Recipe(
    model={
        "units": 320,
        "embedding_dim": 256,
        "order": "luong",
        "attention": "general",
        "tie_embeddings": True,
        "dropout": 0.4,
    },
    learning_rate=2e-3,
    batch_size=64,
    epochs=12,
    ema=0.998,
    label_smoothing=0.1,
)

LANGUAGE_MODEL = Recipe(
    model={"dropout": 0.3},
    learning_rate=3e-3,
    batch_size=32,
    epochs=12,
    ema=0.99,
)

CLASSIFIER = Recipe(
    model={
        "cell": "gru",
        "units": 128,
        "pooling": "attention",
        "variational": True,
        "dropout": 0.5,
        "token_dropout": 0.3,
    },
    learning_rate=2e-3,
    batch_size=64,
    epochs=10,
    ema=0.99,
)

TAGGER = Recipe(
    model={
        "units": 200,
        "embedding_dim": 100,
        "character_units": 100,
        "dropout": 0.5,
        "token_dropout": 0.05,
    },
    learning_rate=3e-3,
    batch_size=32,
    epochs=14,
    ema=0.995,
)
