"""Reading a model of a certain class from a file."""

import os
import zipfile
from typing import TypeVar

import keras

from keras_seq._presets import preset_file
from keras_seq._typing import PathLike
from keras_seq.models.base.stored_model import StoredModel

Kind = TypeVar("Kind", bound=StoredModel)


def read_model(path: PathLike, kind: type[Kind], compile: bool = True) -> Kind:
    """Return the model in a `.keras` file, by Keras, with errors that say what is wrong.

    Args:
        path: the file, or what leads to it, as `preset_file` takes it.
        kind: what the model must be an instance of.
        compile: whether to compile it as it was saved.

    Raises:
        ValueError: if the file is missing, damaged, or holds something else, and for an unknown
            preset.
    """
    path = preset_file(path)
    if not os.path.isfile(path):
        raise ValueError(f"There is no file {path}.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a .keras file, or it is damaged: it is no zip archive.")
    try:
        model = keras.saving.load_model(path, compile=compile)
    except Exception as error:  # Keras raises many kinds, some without the path
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error
    if isinstance(model, kind):
        return model
    name, lacks = type(model).__name__, "not a keras_seq task model."
    if isinstance(model, StoredModel):
        lacks = f"no {kind.__name__}: {name}.from_preset reads it."
    raise ValueError(f"{path} holds a {name}, which is {lacks}")
