"""Reading a saved task model."""

from keras_seq._typing import PathLike
from keras_seq.models.base.reading import read_model
from keras_seq.models.base.task import Task


def load_model(path: PathLike, compile: bool = True) -> Task:
    """Load a task model from a `.keras` file written on any backend, or from a preset.

    It is `keras.saving.load_model` with errors that say what is wrong with the file.

    Args:
        path: the file; or what `Task.from_preset` takes, such as the name of a preset.
        compile: whether to compile it as it was saved.

    Returns:
        A `Task`.

    Raises:
        ValueError: if the file is missing, damaged, or holds something else, and for an unknown
            preset.
    """
    return read_model(path, Task, compile)
