"""What TF Serving lacks is named, and what it has goes through."""

import importlib.util
import pathlib

import pytest
from tiny_export import SIGNATURES, graph_of, tiny

from keras_seq._tensorflow import tensorflow, tensorflow_text
from keras_seq.export import check_operations
from keras_seq.export.operations import TEXT_OPERATIONS
from keras_seq.text import SubwordTokenizer


def graph(*operations, attributes=None):
    """A graph of operations that needs none of them to be there."""
    from tensorflow.core.framework import graph_pb2

    found = graph_pb2.GraphDef()
    for operation in operations:
        node = found.node.add(name=f"a_{operation.lower()}", op=operation)
        for name in attributes or ():
            node.attr[name].b = attributes[name]
    return found


def wrong(saved):
    with pytest.raises(ValueError) as error:
        check_operations(saved)
    return str(error.value)


def test_a_good_export_goes_through():
    check_operations(pathlib.Path(tiny()) / "3")
    check_operations({one.name: graph_of(one).graph.as_graph_def() for one in SIGNATURES})


def test_operations_of_tensorflow_text_go_through():
    tf = tensorflow()
    tokenizer = SubwordTokenizer.from_texts(["one two", "日本"], max_vocabulary=20)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def cut(text):
        return tokenizer.tokenize(tensorflow_text().normalize_utf8(text, "NFKC")).to_tensor()

    graph_def = cut.get_concrete_function().graph.as_graph_def()
    bodies = [graph_def.node, *(one.node_def for one in graph_def.library.function)]
    assert TEXT_OPERATIONS & {node.op for body in bodies for node in body}
    check_operations({"cut": graph_def})


def test_the_list_is_that_of_the_installed_tensorflow_text():
    tf = tensorflow()
    tensorflow_text()
    folder = pathlib.Path(importlib.util.find_spec("tensorflow_text").origin).parent / "python"
    found = set()
    for library in [*folder.glob("ops/_*.so"), *folder.glob("metrics/_*.so")]:
        functions = dir(tf.load_op_library(str(library)))
        ending = "_eager_fallback"  # each operation has two functions, one of them with this name
        names = [one.removesuffix(ending) for one in functions if one.endswith(ending)]
        found |= {name.replace("_", "") for name in names}
    assert found == {name.lower().replace(">", "") for name in TEXT_OPERATIONS}


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("PyFuncStateless", "needs Python"),
        ("EagerPyFunc", "needs Python"),
        ("XlaConcatND", "needs XLA"),
        ("XlaLaunch", "needs XLA"),
        ("TPUReplicatedInput", "needs a TPU"),
        ("TRTEngineOp", "needs TensorRT"),
        ("NcclAllReduce", "needs NCCL"),
        ("CudnnRNNV3", "needs cuDNN"),
        ("Mine>Zero", "is neither of TensorFlow's core nor of tensorflow-text"),
    ],
)
def test_a_single_operation(operation, why):
    message = wrong({"ask": graph("Identity", operation)})
    node = operation.lower()
    assert f"lacks 1 operation of this model:\n{operation} {why}: the node a_{node} of" in message
    assert message.endswith("the signature ask.")


def test_compiled_nodes():
    check_operations({"ask": graph("PartitionedCall", attributes={"_XlaMustCompile": False})})
    message = wrong({"ask": graph("PartitionedCall", attributes={"_XlaMustCompile": True})})
    assert "PartitionedCall of jit_compile=True needs XLA: the node a_partitionedcall" in message


def test_many_are_counted():
    message = wrong({"ask": graph(*(f"Mine>Number{i}" for i in range(7)))})
    assert "lacks 7 operations" in message and message.endswith("\nAnd 2 more.")


def test_places_in_a_saved_model(tmp_path):
    """A call of Python within a loop, and a compiled function, each below one signature."""
    tf = tensorflow()
    spec = tf.TensorSpec([None], tf.float32, name="x")

    @tf.function(input_signature=[spec])
    def looped(x):
        def body(i, x):
            x = tf.ensure_shape(tf.numpy_function(abs, [x], tf.float32, name="python"), [None])
            return i + 1, x

        return {"y": tf.while_loop(lambda i, x: i < 3, body, [0, x])[1]}

    @tf.function(jit_compile=True)
    def fast(x):
        return 2 * x

    @tf.function(input_signature=[spec])
    def compiled(x):
        return {"y": fast(x)}

    @tf.function(input_signature=[spec])
    def good(x):
        return {"y": x + 1}

    signatures = {"looped": looped, "compiled": compiled, "good": good}
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures=signatures)
    lines = wrong(tmp_path).splitlines()
    (python,) = [
        line for line in lines if line.startswith("PyFunc needs Python: the node while/python")
    ]
    assert " in the function " in python and python.endswith(" of the signature looped.")
    fast_lines = [line for line in lines if "jit_compile=True needs XLA" in line]
    assert fast_lines and all(one.endswith(" of the signature compiled.") for one in fast_lines)
    assert len(lines) == 2 + len(fast_lines)


def test_no_saved_model(tmp_path):
    assert wrong(tmp_path) == f"There is no saved_model.pb in {tmp_path}."
