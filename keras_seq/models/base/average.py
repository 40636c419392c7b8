"""One model out of several files of a training."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from keras_seq._typing import PathLike
from keras_seq.models.base.load import load_model
from keras_seq.models.base.task import Task


def average_checkpoints(paths: Sequence[PathLike]) -> Task:
    """Return a model whose weights are the means of those in several files of the same model.

        w = 1/n sum_i w_i

    The files are those of one training, such as the last epochs, or of trainings that began with
    the same weights: the mean of others is no model of anything, and `models.Ensemble` is for them.
    It often scores better than the last file, and costs what one model does. `callbacks
    .AveragedWeights` keeps a running average during training instead.

    What is no floating-point number is that of the first file. The model is compiled as that was,
    with an optimizer that begins anew.

    Args:
        paths: a list of `.keras` files of task models, at least one.

    Returns:
        A `Task`.

    Raises:
        ValueError: for no files, for one that is missing or damaged, for models that differ in
            anything but their weights, and for quantised ones.

    Example:

    ```python
    epochs = keras.callbacks.ModelCheckpoint("epoch{epoch}.keras")
    model.fit(sources, targets, epochs=10, callbacks=[epochs])
    averaged = keras_seq.models.average_checkpoints([f"epoch{i}.keras" for i in (8, 9, 10)])
    ```

    References:
        - Junczys-Dowmunt, Dwojak & Sennrich, 2016, "The AMU-UEDIN submission to the WMT16 news
          translation task", arXiv:1605.04809 (averages of the last checkpoints).
    """
    if not isinstance(paths, (list, tuple)) or not paths:
        raise ValueError(f"`paths` must be a list of files, at least one; received {paths!r}.")
    model = load_model(paths[0])
    config = _config(model)
    if "quantized_layers" in config:
        raise ValueError(f"{paths[0]} holds a quantised model, whose weights have no mean.")
    totals = [np.asarray(value, "float64") for value in _floats(model)]
    for path in paths[1:]:
        other = load_model(path, compile=False)
        found = _config(other)
        names = [name for name in {**config, **found} if config.get(name) != found.get(name)]
        if type(other) is not type(model) or names:
            raise ValueError(
                f"The files must hold the same model; {path} and {paths[0]} differ in "
                f"{', '.join(names) or 'their class'}."
            )
        totals = [total + value for total, value in zip(totals, _floats(other), strict=True)]
    for variable, total in zip(_float_variables(model), totals, strict=True):
        variable.assign(total / len(paths))
    if model.compiled:
        model.compile_from_config(model.get_compile_config())
    return model


def _config(model):
    """What a model is made of, but its name."""
    return {name: value for name, value in model.get_config().items() if name != "name"}


def _float_variables(model):
    return [weight for weight in model.weights if "float" in weight.dtype]


def _floats(model):
    return [ops.convert_to_numpy(weight) for weight in _float_variables(model)]
