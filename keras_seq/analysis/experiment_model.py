"""The model that an experiment trains, and its settings."""

import dataclasses

import keras
from keras import ops

from keras_seq._checks import check_positive
from keras_seq.layers import BahdanauAttention, RNNStack


@dataclasses.dataclass(frozen=True)
class ExperimentSettings:
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
        clip_norm: limit of the norm of the whole gradient, or `None`.
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


def check_settings(settings):
    """Return the settings, or raise a `ValueError` for those that make no sense.

    With a `clip_value` there is no `clip_norm`: Keras takes one of them.
    """
    for name in ("units", "num_layers", "batch_size", "steps"):
        check_positive(name, getattr(settings, name))
    for name in ("learning_rate", "embedding_norm", "clip_norm", "clip_value"):
        value = getattr(settings, name)
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"`{name}` must be a number above 0; received {value!r}.")
    keras.optimizers.get(settings.optimizer)
    if settings.clip_value is not None:
        settings = dataclasses.replace(settings, clip_norm=None)
    return settings


def memory_model(task, cell, settings):
    """The compiled model of `gradient_experiment` for a task."""
    words = task.inputs.ndim == 2
    inputs = keras.Input(task.inputs.shape[1:], dtype="int32" if words else "float32")
    x = inputs
    if words:
        normal = keras.initializers.RandomNormal(
            stddev=settings.embedding_norm / settings.units**0.5
        )
        x = keras.layers.Embedding(
            len(task.vocabulary), settings.units, embeddings_initializer=normal
        )(x)
    stack = RNNStack(
        cell,
        units=settings.units,
        num_layers=settings.num_layers,
        bidirectional=settings.bidirectional,
        residual=settings.residual,
        truncate=settings.truncate,
        return_sequences=True,
        name="recurrent",
    )
    x = stack(x)
    each_step = task.metric == "accuracy" and task.targets.ndim == 2
    if settings.attention:
        query = x if each_step else x[:, -1:]
        context, _ = BahdanauAttention(settings.units)(query, x)
        x = ops.concatenate([query, context], axis=-1)
        x = x if each_step else x[:, 0]
    elif not each_step:
        x = x[:, -1]
    classes = task.metric == "accuracy"
    size = len(task.classes) if classes else task.targets.shape[-1]
    model = keras.Model(inputs, keras.layers.Dense(size, name="answer")(x))
    optimizer = keras.optimizers.get(settings.optimizer)
    limits = {"global_clipnorm": settings.clip_norm, "clipvalue": settings.clip_value}
    config = {**optimizer.get_config(), "learning_rate": settings.learning_rate, **limits}
    optimizer = type(optimizer).from_config(config)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    model.compile(optimizer, loss)
    return model
