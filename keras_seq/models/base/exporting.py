"""The part of an export that runs in a process of its own, on TensorFlow."""

import keras
import numpy as np

from keras_seq._tensorflow import tensorflow, tensorflow_text
from keras_seq.export.custom_modules import import_modules
from keras_seq.export.description import describe, write_json
from keras_seq.export.onnx_model import write_onnx
from keras_seq.export.operations import check_operations
from keras_seq.export.saved_model import write_saved_model
from keras_seq.export.served import load
from keras_seq.export.signature import Field, Signature
from keras_seq.export.step_functions import in_float32
from keras_seq.export.step_graphs import write_step_graphs
from keras_seq.export.warm_up import write_warm_up
from keras_seq.models.base.load import load_model
from keras_seq.version import __version__

NO_WARM_UP = (
    "Without tensorflow-serving-api (pip install 'keras_seq[serving]') there is no warm-up."
)


def write_export(read):
    """Read a saved task model and write its export; the work of `export.task_export`.

    Args:
        read: gives the dict of `export_task`; its `options` are the arguments of
            `Task.make_signatures`, ready for JSON.

    Returns:
        A dict: `report`, lines for people, and `warnings`.
    """
    task = read()
    import_modules(task["modules"])
    model = load_model(task["model"], compile=False)
    if task["format"] == "onnx":
        about = f"A {type(model).__name__} of keras_seq."
        report = write_onnx(task["folder"], model.make_id_function(), model.weights, about)
        return {"report": report, "warnings": []}
    options = {
        name: keras.saving.deserialize_keras_object(value)
        for name, value in task["options"].items()
    }
    signatures = model.make_signatures(**options)
    if task["call"] is not None:
        signatures.append(call_signature(model, task["call"]))
    folder = task["folder"]
    write_saved_model(folder, signatures, model.weights, model.serving_resources())
    check_operations(folder)
    write_json(folder, describe(signatures, _about(model, options, task), load(folder)))
    warned = [] if write_warm_up(folder, task["name"], signatures) else [NO_WARM_UP]
    return {"report": [*map(_line, signatures), *warned], "warnings": warned}


def write_steps(read):
    """Read a saved task model and write its step graphs; the work of `export.export_steps`.

    Args:
        read: gives a dict as that of `write_export`; its `options` are those of `make_steps`.

    Returns:
        The same.
    """
    task = read()
    import_modules(task["modules"])
    model = _in_float32(load_model(task["model"], compile=False))
    options = {
        name: keras.saving.deserialize_keras_object(value)
        for name, value in task["options"].items()
    }
    steps = model.make_steps(**options)
    report = write_step_graphs(task["folder"], steps, model.weights, task["backend"])
    return {"report": report, "warnings": []}


def _in_float32(model):
    """A model that computes in float32, with the weights of another one."""
    if all(layer.compute_dtype == "float32" for layer in model._flatten_layers()):
        return model
    made = type(model).from_config(in_float32(model.get_config()))
    made.set_weights(model.get_weights())
    return made


def _about(model, options, task):
    """What `signature.json` says of the model."""
    shown = {name: repr(value) for name, value in options.items() if name != "examples"}
    return {
        "model": type(model).__name__,
        "name": task["name"],
        "options": shown,
        "trained_on": task["backend"],
        "versions": {
            "keras_seq": __version__,
            "keras": keras.__version__,
            "tensorflow": tensorflow().__version__,
            "tensorflow_text": tensorflow_text().__version__,
        },
    }


def _line(signature):
    return f"{signature.name}: {', '.join(signature.inputs)} -> {', '.join(signature.outputs)}"


def call_signature(model, specs):
    """Return the signature of `call`, from ids that were prepared outside.

    Args:
        model: the model.
        specs: from the name of each input to a dict of `shape`, behind the batch, and `dtype`.
    """
    tf = tensorflow()

    def call(**inputs):
        leaves = tf.nest.flatten(model(inputs, training=False))
        names = ["outputs", *(f"outputs_{i}" for i in range(1, len(leaves)))]
        return dict(zip(names, leaves, strict=True))

    inputs = {
        name: Field(spec["dtype"], f"`{name}` of `call`", tuple(spec["shape"]))
        for name, spec in specs.items()
    }
    traced = tf.function(call).get_concrete_function(
        **{name: tf.TensorSpec((None, *field.shape), field.dtype) for name, field in inputs.items()}
    )
    outputs = {
        name: Field(leaf.dtype.name, "what `call` returns", tuple(leaf.shape[1:]))
        for name, leaf in traced.structured_outputs.items()
    }
    example = {
        name: [np.ones([size or 4 for size in field.shape], field.dtype).tolist()]
        for name, field in inputs.items()
    }
    return Signature("call", "What the model computes of ids.", call, inputs, outputs, example)
