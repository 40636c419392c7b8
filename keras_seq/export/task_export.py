"""From a task model on any backend to a SavedModel or an ONNX file, in a process of TensorFlow."""

import os
import pathlib
import tempfile

import keras

from keras_seq._checks import check_choice
from keras_seq._files import check_place, replacing
from keras_seq._processes import TENSORFLOW_ALONE, in_a_process
from keras_seq.export.batching import batching_parameters, write_batching
from keras_seq.export.custom_modules import custom_modules
from keras_seq.export.version_folder import check_version, new_version

FORMATS = ("tf_saved_model", "onnx")


def export_task(model, write, filepath, format, version, modules, payload, verbose):
    """Export a task model; see `Task.export`.

    Args:
        model: the model.
        write: the name of what the other process runs, see `_processes.in_a_process`. It gets
            `given`, and `model` (a `.keras` file), `modules` (to be imported before), `folder`
            (where to write), `format` and `backend` besides.
        filepath, format, version, verbose: as in `Task.export`.
        modules: `custom_modules` there.
        given: what else `write` gets, ready for JSON.

    Returns:
        The path of what was written.
    """
    check_choice("format", format, FORMATS)
    path = pathlib.Path(filepath)
    if format == "onnx" and path.suffix != ".onnx":
        raise ValueError(f"The file must end in .onnx; received {path}.")
    if format == "tf_saved_model" and path.suffix == ".onnx":
        raise ValueError(f'{path} ends in .onnx, which goes with format="onnx" (`--format onnx`).')
    if format == "tf_saved_model":
        check_version(path, version)
        if payload["batching"] is not False:
            batching_parameters(**payload["batching"])  # checked
    check_weights(model)
    payload = {
        **payload,
        "format": format,
        "backend": keras.config.backend(),
        "modules": custom_modules([config_of(model), payload["options"]], modules),
    }
    export = _export_file if format == "onnx" else _export_version
    answer, path = export(model, write, path, version, payload)
    if verbose is None or verbose:
        print("\n".join([f"Exported to {path}.", *answer["report"]]))
    elif answer["warnings"]:
        print("\n".join(answer["warnings"]))
    return path


def specs_of(input_signature):
    """Return the specs of the inputs of `call`, ready for JSON; see `Task.export`."""
    specs = input_signature
    if isinstance(specs, (list, tuple)) and len(specs) == 1:  # as Keras has it
        (specs,) = specs
    if not isinstance(specs, dict) or not all(hasattr(spec, "shape") for spec in specs.values()):
        raise ValueError(
            "`input_signature` must be a dict of specs with `shape` and `dtype`, such as "
            "{'token_ids': keras.InputSpec(shape=(None, None), dtype='int32')}; received "
            f"{input_signature!r}."
        )
    return {name: _spec(name, spec) for name, spec in specs.items()}


def _spec(name, spec):
    shape = [None if size is None else int(size) for size in spec.shape]
    if not shape or shape[0] is not None:
        raise ValueError(
            f"The first axis of `{name}` in `input_signature` is the batch, of any size, None; "
            f"received the shape {tuple(shape)}."
        )
    return {"shape": shape[1:], "dtype": keras.backend.standardize_dtype(spec.dtype or "int32")}


def check_weights(model):
    """Raise a `ValueError` for a model that was not built."""
    if not (model.built and model.weights):
        raise ValueError(
            f"{type(model).__name__} has no weights yet, so there is nothing to export: build it, "
            "or train it first."
        )


def config_of(model):
    """What a model is made of: not what it is compiled with, which no export needs."""
    config = keras.saving.serialize_keras_object(model)
    return {name: value for name, value in config.items() if name != "compile_config"}


def _export_version(model, write, path, version, payload):
    with new_version(path, version) as made:
        name = path.absolute().name
        answer = _run(model, write, {**payload, "name": name, "folder": str(made.folder)})
        if payload["batching"] is not False:
            write_batching(path, **payload["batching"])
    return answer, made.path


def _export_file(model, write, path, version, payload):
    del version
    try:
        check_place(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written to: {error.strerror}.") from error
    with replacing(path) as beside:
        answer = _run(model, write, {**payload, "folder": str(beside)})
    return answer, path


def _run(model, write, payload):
    """Let the other process write, from a file of the model."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "model.keras")
        model.save(file)
        return in_a_process(write, {**payload, "model": file}, "The export", TENSORFLOW_ALONE)
