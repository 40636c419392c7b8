"""From a model on any backend to a folder of step graphs, in a process of TensorFlow."""

import os
import pathlib
import tempfile

import keras

from keras_seq._files import replacing_folder
from keras_seq._processes import TENSORFLOW_ALONE, in_a_process
from keras_seq.export.custom_modules import custom_modules
from keras_seq.export.step_model import MANIFEST
from keras_seq.export.task_export import check_weights, config_of


def export_steps(model, write, filepath, modules, payload, verbose):
    """Export a task model as step graphs; see `Task.export`.

    Args:
        model: the model.
        write: the name of what the other process runs, as for `task_export.export_task`.
        filepath, verbose: as in `Task.export`.
        modules: `custom_modules` there.
        payload: what else `write` gets, ready for JSON.

    Returns:
        The path of the folder.
    """
    check_weights(model)
    modules = custom_modules([config_of(model), payload["options"]], modules)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.keras")

        model.save(file)
        payload = {**payload, "modules": modules, "model": file}
        return _written(write, filepath, payload, verbose)


def _written(write, filepath, payload, verbose):
    path = pathlib.Path(filepath)
    with replacing_folder(path, MANIFEST) as beside:
        payload = {**payload, "backend": keras.config.backend(), "folder": str(beside)}
        answer = in_a_process(write, payload, "The export", TENSORFLOW_ALONE)
    if verbose is None or verbose:
        print("\n".join([f"Exported to {path}.", *answer["report"]]))
    return path
