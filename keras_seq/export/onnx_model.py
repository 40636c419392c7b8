"""Writing a function of ids as an ONNX file."""

import contextlib
import logging

import numpy as np

from keras_seq._files import replacing
from keras_seq._tensorflow import tensorflow
from keras_seq.backend import portable
from keras_seq.export.saved_model import read_once
from keras_seq.version import __version__

# What tf2onnx is tested with most, and what onnxruntime reads since 1.10; no operator of a later
# one is needed.
OPSET = 15
STANDARD = ("", "ai.onnx")  # two spellings of one domain
TOLERANCE = 1e-4
# Of two tags that are as good as each other, either may be found.
DIFFERENT_INTEGERS = 0.02


def write_onnx(path, ids, weights=(), about=""):
    """Write a function of ids as an ONNX file, and compare what it gives with TensorFlow.

    The Keras backend must be TensorFlow. The file has operators of the standard domain only, so
    that any runtime can run it, and takes any number of rows and of steps, of each one at least.
    It is written beside its place and then renamed.

    Args:
        path: the file.
        ids: an `IdFunction`; its metadata go into the file.
        weights: the Keras variables that it reads.
        about: what it does, for the file.

    Returns:
        The report, a list of lines.

    Raises:
        ValueError: without the packages, for what ONNX or onnxruntime lacks, and where the file
            gives something else than TensorFlow; it says what.

    Example:

    ```python
    fields = {"token_ids": Field("int32", "ids of tokens", (None,))}
    sums = {"sums": Field("int32", "of the ids")}
    rows = [{"token_ids": np.ones((2, 3), "int32")}]
    total = lambda token_ids: {"sums": ops.sum(token_ids, 1)}
    write_onnx("sums.onnx", IdFunction(total, fields, sums, rows, {}))
    ```
    """
    function, inputs, outputs = ids.function, ids.inputs, ids.outputs
    tf2onnx, onnx, onnxruntime = _packages()
    with portable(), _silent("tensorflow", "tf2onnx"):
        traced = _traced(function, inputs, outputs, weights)
        specs = _specs(inputs)
        reference = traced.get_concrete_function(*specs)
        try:
            model, _ = tf2onnx.convert.from_function(
                traced, specs, opset=OPSET, custom_op_handlers={"Erfc": (_erfc, [])}
            )
        except Exception as error:  # of any kind, and the message says little without ours
            raise ValueError(f"tf2onnx cannot convert the model: {error}") from error
    _check_operators(onnx, model)
    _describe(onnx, model, inputs, outputs, about, ids.metadata)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"What tf2onnx made of the model is no valid ONNX: {error}") from error
    worst = _compare(onnxruntime, model, reference, inputs, ids.examples)
    report = _report(model, inputs, outputs, worst)
    _save(onnx, model, path)
    return report


def _packages():
    try:
        import onnx
        import onnxruntime
        import tf2onnx.convert
    except ImportError as error:
        raise ValueError(
            "An export as ONNX needs onnx, onnxruntime and tf2onnx: pip install 'keras_seq[onnx]'. "
            f"({error})"
        ) from error
    return tf2onnx, onnx, onnxruntime


@contextlib.contextmanager
def _silent(*names):
    """Keep loggers quiet: what goes wrong is raised, and what they say besides leads nowhere."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _specs(inputs):
    tf = tensorflow()
    return [
        tf.TensorSpec((None, *field.shape), field.dtype, name=name)
        for name, field in inputs.items()
    ]


def _traced(function, inputs, outputs, weights):
    """A `tf.function` of the inputs one after the other."""
    tf = tensorflow()

    def serve(*tensors):
        with read_once(weights):
            answers = function(**dict(zip(inputs, tensors, strict=True)))
        expected = {name: field.dtype for name, field in outputs.items()}
        returned = {name: x.dtype.name for name, x in answers.items()}
        if returned != expected:
            raise ValueError(f"The function should give {expected}; it gives {returned}.")
        return answers

    return tf.function(serve, autograph=False)


def _erfc(context, node, name, args):
    """Erfc(x) = 1 - Erf(x), which tf2onnx does not know; the exact GELU has it."""
    del args
    (x,), (out,) = node.input, node.output
    kind, shape = context.get_dtype(out), context.get_shape(out)
    # In half precision this would not do, but nothing is exported in it.
    one = context.make_const(f"{name}_one", np.array(1, "float32")).output[0]
    context.remove_node(name)
    erf = context.make_node("Erf", [x], shapes=[shape], dtypes=[kind]).output[0]
    context.make_node("Sub", [one, erf], outputs=[out], name=name, shapes=[shape], dtypes=[kind])


def _nodes(graph):
    """All nodes, those inside of loops and branches too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from _nodes(inner)


def _check_operators(onnx, model):
    """Raise a `ValueError` for operators that standard ONNX lacks."""
    foreign = {}
    for node in _nodes(model.graph):
        standard = node.domain in STANDARD and onnx.defs.has(node.op_type, OPSET)
        if not standard:
            foreign.setdefault(node.op_type, node.name)
    if foreign:
        listed = ", ".join(f"{kind} (of {name})" for kind, name in sorted(foreign.items()))
        raise ValueError(
            f"ONNX has no operator for what the model computes: {listed}. Write that part with "
            "simpler operations, or export the model as a SavedModel, format='tf_saved_model'."
        )


def _describe(onnx, model, inputs, outputs, about, metadata):
    """Write into a model what it is, and name its axes."""
    model.producer_name, model.producer_version = "keras_seq", __version__
    model.doc_string, model.graph.doc_string, model.graph.name = about, "", "keras_seq"
    onnx.helper.set_model_props(model, metadata)
    unused = [opset for opset in model.opset_import if opset.domain not in STANDARD]
    for opset in unused:
        model.opset_import.remove(opset)
    for values, fields in ((model.graph.input, inputs), (model.graph.output, outputs)):
        order = {value.name: value for value in values}
        for name, field in fields.items():
            # Axes of one name are of one size, and which are is not known here.
            sizes = [size or f"{name}_{i}" for i, size in enumerate(field.shape, start=1)]
            kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(field.dtype))
            made = onnx.helper.make_tensor_value_info(name, kind, ["batch", *sizes], field.about)
            order[name].CopyFrom(made)


def _compare(onnxruntime, model, reference, inputs, examples):
    """Return the largest difference of a float; raise a `ValueError` where there is a large one."""
    tf = tensorflow()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]
        pairs = []
        for example in examples:
            expected = reference(*(tf.constant(example[name]) for name in inputs))
            received = dict(zip(names, session.run(names, example), strict=True))
            pairs += [(name, expected[name].numpy(), received[name]) for name in names]
    except Exception as error:  # onnxruntime's errors have no class in common
        raise ValueError(f"onnxruntime cannot run what was made of the model: {error}") from error
    for name, expected, received in pairs:
        if expected.shape != received.shape or expected.dtype != received.dtype:
            raise ValueError(
                f"`{name}` is {received.dtype} of shape {received.shape} with onnxruntime, but "
                f"{expected.dtype} of shape {expected.shape} with TensorFlow."
            )
    return max(_difference(name, pairs) for name in names)


def _difference(name, pairs):
    """The largest difference of an output; 0 for integers."""
    arrays = [(x.ravel(), y.ravel()) for other, x, y in pairs if other == name]
    expected, received = (np.concatenate(values) for values in zip(*arrays, strict=True))
    if expected.dtype.kind == "f":
        # Of large numbers, as the states of a net without a bound may be, that part of them.
        differences = np.abs(expected - received) / np.maximum(1, np.abs(expected))
        differences[np.isnan(expected) & np.isnan(received)] = 0
        worst = float(differences.max(initial=0))
        if not worst <= TOLERANCE:  # NaN is not
            raise ValueError(
                f"`{name}` differs between onnxruntime and TensorFlow by up to {worst:.2g}, which "
                f"is more than {TOLERANCE:g}: tf2onnx has misread an operation of the model."
            )
        return worst
    different = int((expected != received).sum())
    if different > DIFFERENT_INTEGERS * len(expected):
        raise ValueError(
            f"`{name}` differs between onnxruntime and TensorFlow at {different} of "
            f"{len(expected)} places: tf2onnx has misread an operation of the model."
        )
    return 0.0


def _report(model, inputs, outputs, worst):
    """What was made, in lines."""
    lines = []
    for arrow, fields in (("<-", inputs), ("->", outputs)):
        for name, field in fields.items():
            shape = ", ".join(["batch", *(str(size or "any") for size in field.shape)])
            lines.append(f"{arrow} {name}: {field.dtype} ({shape}), {field.about}")
    count = sum(1 for _ in _nodes(model.graph))
    lines.append(f"{count} nodes, opset {OPSET}, standard operators only.")
    lines.append(f"onnxruntime and TensorFlow agree to {max(worst, 1e-9):.1g}.")
    return lines


def _save(onnx, model, path):
    with replacing(path) as beside:
        onnx.save(model, beside, format="protobuf")
