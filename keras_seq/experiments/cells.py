"""The cells of an experiment, by a name with options, and the model around one."""

import keras
from keras import ops

from keras_seq.initializers import Chrono, ForgetBias
from keras_seq.layers import BahdanauAttention, RNNStack, TimeSkipCell
from keras_seq.layers.cells import get_cell
from keras_seq.layers.recurrences import kind_of

GATED = {"forget": ForgetBias, "chrono": Chrono}  # options of cells whose gate keeps the state


def make_cell(cell, units, length):
    """A new cell for a name with options, or for anything else that `get_cell` knows.

    Args:
        cell: such as `"lstm:chrono"`, see `gradient_experiment`; a config or an instance.
        units: size of its state.
        length: the longest dependency, for `chrono`.
    """
    if not isinstance(cell, str):
        return get_cell(cell, units)
    name, *options = cell.split(":")
    made = get_cell(name, units)
    config, skip = made.get_config(), None
    known = getattr(kind_of(made), "options", {})
    gated = GATED if getattr(kind_of(made), "keeps", None) else ()
    for option in options:
        key, _, value = option.partition("=")
        if key == "skip":
            skip = int(_number(cell, option, value))
        elif key in known:
            change = known[key]
            config |= change(_number(cell, option, value)) if callable(change) else change
        elif key in gated:
            argument = _number(cell, option, value) if key == "forget" else length
            config["bias_initializer"] = gated[key](argument, name.lower())
            if "unit_forget_bias" in config:
                config["unit_forget_bias"] = False
        else:
            raise ValueError(
                f"Unknown option {option!r} in {cell!r}; {name!r} knows "
                f"{', '.join([*known, *gated, 'skip'])}."
            )
    config.pop("name", None)
    made = type(made).from_config(config)
    return made if skip is None else TimeSkipCell(made, skip=skip)


def _number(cell, option, value):
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{option!r} in {cell!r} needs a number after '='.") from None


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
    clip_norm = settings.clip_norm if settings.clip_value is None else None
    limits = {"global_clipnorm": clip_norm, "clipvalue": settings.clip_value}
    config = {**optimizer.get_config(), "learning_rate": settings.learning_rate, **limits}
    optimizer = type(optimizer).from_config(config)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    model.compile(optimizer, loss)
    return model
