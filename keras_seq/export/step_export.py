"""From a model on any backend to a folder of step graphs, in a process of TensorFlow."""

import os
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_seq._files import replacing_folder
from keras_seq._processes import TENSORFLOW_ALONE, in_a_process
from keras_seq._typing import PathLike
from keras_seq.export.custom_modules import custom_modules as modules_of
from keras_seq.export.step_functions import in_float32
from keras_seq.export.step_layers import parts_of
from keras_seq.export.step_model import MANIFEST
from keras_seq.export.task_export import check_weights, config_of

WRITE_LAYER = "keras_seq.export.step_layers:write_layer"


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
    modules = modules_of([config_of(model), payload["options"]], modules)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.keras")

        model.save(file)
        payload = {**payload, "modules": modules, "model": file}
        return _written(write, filepath, payload, verbose)


def export_step(
    layer_or_model: Any,
    path: PathLike,
    custom_modules: Sequence[str] = (),
    verbose: bool | None = None,
    inspect: bool = False,
) -> pathlib.Path:
    """Write what a recurrent layer computes at one step as ONNX files: state in, state out.

        outputs_t, state_t = step(x_t, state_(t-1))

    It is written from any backend, in a process of TensorFlow, as a whole or not at all. There is
    no mask: a step that shall not count is not fed. Where a layer returns the last step alone, the
    outputs are what it would give if the sequence ended here.

    Args:
        layer_or_model: a recurrent layer that reads from the left, such as `layers.LSTM`,
            `layers.RNNStack`, a `keras.layers.RNN`; a `keras.Sequential` of these and of layers
            that compute the same at each step, such as `Dense` and `Embedding`; or a task model,
            as with `model.export(path, format="onnx", signature="step")` or `"stream"`.
        path: the folder, which is made or, where it holds step graphs, replaced.
        custom_modules: names of modules to import before the layer can be loaded. Those of its own
            cells are found without.
        verbose: `False` for no report of what was written.
        inspect: whether a step gives the gates and the candidates besides.

    Returns:
        The path of the folder, with `start.onnx`, `step.onnx` and `manifest.json`, which
        `load_step` reads.

    Raises:
        ValueError: for a layer without weights or without steps, as one that reads from the right,
            and for a path that holds something else.

    Example:

    ```python
    layer = keras_seq.layers.LSTM(8, return_sequences=True)
    layer.build((None, None, 4))
    keras_seq.export.export_step(layer, "steps/lstm")
    steps = keras_seq.export.load_step("steps/lstm")
    state, _ = steps.start()
    outputs, state = steps.step(numpy.ones((1, 4), "float32"), state)
    ```
    """
    signature = getattr(layer_or_model, "step_signature", None)
    if signature is not None:
        how = {"custom_modules": custom_modules, "verbose": verbose, "inspect": inspect}
        return layer_or_model.export(path, format="onnx", signature=signature, **how)
    parts_of(layer_or_model)
    check_weights(layer_or_model)
    config = in_float32(keras.saving.serialize_keras_object(layer_or_model))
    config = {name: value for name, value in config.items() if name != "compile_config"}
    payload = {
        "config": config,
        "modules": modules_of(config, custom_modules),
        "features": _features(layer_or_model),
        "inspect": bool(inspect),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "weights.npz")
        np.savez(file, *layer_or_model.get_weights())
        return _written(WRITE_LAYER, path, {**payload, "weights": file}, verbose)


def _features(layer):
    """The size of a step of the inputs; `None` for ids."""
    if isinstance(layer, keras.Sequential):
        shape = layer.inputs[0].shape
    else:
        shapes = layer.get_build_config()
        shape = shapes.get("input_shape") or next(iter(shapes["shapes_dict"].values()))
    return None if len(shape) == 2 else shape[-1]


def _written(write, filepath, payload, verbose):
    path = pathlib.Path(filepath)
    with replacing_folder(path, MANIFEST) as beside:
        payload = {**payload, "backend": keras.config.backend(), "folder": str(beside)}
        answer = in_a_process(write, payload, "The export", TENSORFLOW_ALONE)
    if verbose is None or verbose:
        print("\n".join([f"Exported to {path}.", *answer["report"]]))
    return path
