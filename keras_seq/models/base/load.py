"""Reading a saved task model."""

import os
import zipfile

import keras

from keras_seq.models.base.task import Task


def load_model(path, compile=True):
    """Load a task model from a `.keras` file written on any backend.

    It is `keras.saving.load_model` with errors that say what is wrong with the file.

    Args:
        path: the file.
        compile: whether to compile it as it was saved.

    Returns:
        A `Task`.

    Raises:
        ValueError: if the file is missing, damaged, or holds something else.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder: expected a .keras file.")
    if not os.path.isfile(path):
        raise ValueError(f"There is no file {path}.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a .keras file, or it is damaged: it is no zip archive.")
    try:
        model = keras.saving.load_model(path, compile=compile)
    except Exception as error:  # Keras raises many kinds, some without the path
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"{path} cannot be loaded as a Keras model: {reason}") from error
    if not isinstance(model, Task):
        raise ValueError(
            f"{path} holds a {type(model).__name__}, which is not a keras_seq task model."
        )
    return model
