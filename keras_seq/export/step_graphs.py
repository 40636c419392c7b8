"""Writing the steps of a model as ONNX files, with a manifest that says all about them."""

import json
import pathlib

import numpy as np
from keras import ops

from keras_seq.backend import portable
from keras_seq.export.id_function import IdFunction
from keras_seq.export.onnx_model import write_onnx
from keras_seq.export.signature import Field
from keras_seq.export.step_functions import NEW, gate_about
from keras_seq.export.step_model import MANIFEST, VERSION, knows_tokenizers
from keras_seq.export.step_reader import load_step
from keras_seq.version import __version__


def write_step_graphs(folder, steps, weights, backend):
    """Write a folder of step graphs. The Keras backend must be TensorFlow.

    Args:
        folder: the folder, which is there.
        steps: the `StepFunctions`.
        weights: the Keras variables that they read.
        backend: the name of that on which the model was trained.

    Returns:
        The report, a list of lines.

    Raises:
        ValueError: as `write_onnx`.
    """
    folder = pathlib.Path(folder)
    values = [dict(example) for example in steps.examples]
    graphs, report = {}, []
    for name, function in steps.functions.items():
        with portable():
            outputs = [_run(function, steps.inputs[name], example) for example in values]
        inputs = _fields(steps.inputs[name], steps, values)
        returned = _fields(outputs[0], steps, outputs)
        examples = [{x: example[x] for x in inputs} for example in values]
        about = f"{name} of a {steps.manifest['kind']} of keras_seq."
        made = IdFunction(function, inputs, returned, examples, {"keras_seq": __version__})
        lines = write_onnx(folder / f"{name}.onnx", made, weights, about)
        graphs[name] = {
            "file": f"{name}.onnx",
            "inputs": _shown(inputs),
            "outputs": _shown(returned),
        }
        report.append(f"{name}: {', '.join(inputs)} -> {', '.join(returned)}. {lines[-1]}")
        for example, new in zip(values, outputs, strict=True):
            example.update(new)
    manifest = {
        "version": VERSION,
        "kind": steps.manifest["kind"],
        "about": {"keras_seq": __version__, "exported_from": backend},
        "graphs": graphs,
        "state": [
            {"input": x, "output": NEW + x, **graphs["step"]["inputs"][x]} for x in steps.state
        ],
        "memory": list(steps.memory),
        **steps.manifest,
    }
    _write(folder, manifest)
    if knows_tokenizers(steps.manifest):
        _write(folder, {**manifest, "example": steps.answer(load_step(folder))})
    return report


def _run(function, names, example):
    outputs = function(**{name: ops.convert_to_tensor(example[name]) for name in names})
    return {name: ops.convert_to_numpy(x) for name, x in outputs.items()}


def _fields(names, steps, examples):
    """The fields of arrays in the examples: a size that differs there may be any."""
    return {name: _field(name, steps, [example[name] for example in examples]) for name in names}


def _field(name, steps, arrays):
    shapes = zip(*(array.shape[1:] for array in arrays), strict=True)
    shape = tuple(sizes[0] if len({*sizes}) == 1 else None for sizes in shapes)
    about = {**gate_about([name]), **_state_about(steps), **steps.about}
    old = name.removeprefix(NEW)
    text = about.get(name) or (f"{about[old]}, after the step" if old in about else "")
    return Field(arrays[0].dtype.name, text, shape)


def _state_about(steps):
    """What the states and the memory are, as far as their names say it."""
    about = {name: f"the state {name}" for name in steps.state}
    about |= {name: f"what the steps look at, {name}" for name in steps.memory}
    for name in steps.state:
        if name.startswith("layer_"):
            _, i, what = name.split("_", 2)
            about[name] = f"the state {what} of layer {i}"
    return about


def _shown(fields):
    return {
        name: {"dtype": field.dtype, "shape": [None, *field.shape], "about": field.about}
        for name, field in fields.items()
    }


def _write(folder, manifest):
    text = json.dumps(manifest, ensure_ascii=False, indent=1, default=_plain)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _plain(value):
    """A value of NumPy as JSON has it."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)
