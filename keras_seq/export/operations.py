"""The operations that TF Serving has, and those that it lacks."""

import pathlib
import re

from keras_seq._tensorflow import tensorflow
from keras_seq._typing import PathLike

SAVED_MODEL = "saved_model.pb"
MUST_COMPILE = "_XlaMustCompile"
MOST = 5  # that a message lists

# What tensorflow-text 2.21 registers, `tensorflow_text/python/{ops,metrics}/_*.so`.
NAMES = """
CaseFoldUTF8 ConstrainedSequence FastBertNormalize FastWordpieceTokenizeWithOffsets
FindSourceOffsets MaxSpanningTree NormalizeUTF8 NormalizeUTF8WithOffsetsMap PhraseTokenize
RegexSplitWithOffsets RougeL SentenceFragments SentenceFragmentsV2 SentencepieceDetokenizeOp
SentencepieceIdToStringOp SentencepieceOp SentencepieceStringToIdOp SentencepieceTokenizeOp
SentencepieceTokenizeWithOffsetsOp SentencepieceVocabSizeOp SplitMergeTokenizeWithOffsets
TFText>BoiseTagsToOffsets TFText>ByteSplitByOffsets TFText>ByteSplitWithOffsets
TFText>FastSentencepieceDetokenize TFText>FastSentencepieceTokenize TFText>FastWordpieceDetokenize
TFText>NgramsStringJoin TFText>OffsetsToBoiseTags TFText>PhraseDetokenize
TFText>RoundRobinGenerateMasks TFText>RoundRobinTrim TFText>Utf8Binarize
TFText>WhitespaceTokenizeWithOffsetsV2 TokenizerFromLogits UnicodeScriptTokenizeWithOffsets
WhitespaceTokenizeWithOffsets WordpieceTokenizeWithOffsets
"""
TEXT_OPERATIONS = frozenset(NAMES.split())

# `tf.raw_ops` has the names of these, but the server has nothing that runs them.
LACKING = {
    r"^(PyFunc|PyFuncStateless|EagerPyFunc)$": "needs Python",
    r"Xla": "needs XLA",
    r"TPU|Tpu": "needs a TPU",
    r"TRT": "needs TensorRT",
    r"Nccl": "needs NCCL",
    r"^Cudnn": "needs cuDNN",
}


def check_operations(saved: PathLike):
    """Check that stock TF Serving has all operations of a graph and of its function library.

    It has those of the core of TensorFlow, which are in `tf.raw_ops`, and those of tensorflow-text.
    Of the former it cannot run what needs Python (`tf.py_function`, `tf.numpy_function`), XLA
    (`jit_compile=True` too), a TPU, TensorRT, NCCL or cuDNN.

    Args:
        saved: the folder of a SavedModel; or a dict from the names of signatures to their graphs,
            `GraphDef`s.

    Raises:
        ValueError: with the operations that are not there, and for each one of its places: the
            node, the function that it stands in, and the signatures that lead there.

    Example:
        >>> from keras_seq.export import check_operations
        >>> from keras_seq._tensorflow import tensorflow
        >>> tf = tensorflow()
        >>> with tf.Graph().as_default() as graph:
        ...     _ = tf.numpy_function(str.upper, [tf.constant("a")], tf.string, name="louder")
        >>> try:
        ...     check_operations({"shout": graph.as_graph_def()})
        ... except ValueError as error:
        ...     print(error)
        TF Serving lacks 1 operation of this model:
        PyFunc needs Python: the node louder of the signature shout.
    """
    if isinstance(saved, dict):
        graphs = [(graph, {name: list(_names(graph))}) for name, graph in saved.items()]
    else:
        graphs = _graphs_of(saved)
    lacking = {}
    for graph, signatures in graphs:
        for name, why, node, function in _lacking(graph):
            if name not in lacking:
                place = f"the node {node}" if node else ""
                place += " in " * bool(node and function)
                place += f"the function {function}" if function else ""
                lacking[name] = f"{name} {why}: {place}{_signature(graph, signatures, function)}."
    if lacking:
        lines = list(lacking.values())
        more = [f"And {len(lines) - MOST} more."] * (len(lines) > MOST)
        count = f"{len(lines)} operation{'s' * (len(lines) > 1)}"
        raise ValueError(
            "\n".join([f"TF Serving lacks {count} of this model:", *lines[:MOST], *more])
        )


def _graphs_of(folder):
    """The graphs in a SavedModel, each with the nodes that its signatures end in."""
    from tensorflow.core.protobuf import saved_model_pb2

    file = pathlib.Path(folder) / SAVED_MODEL
    if not file.is_file():
        raise ValueError(f"There is no {SAVED_MODEL} in {folder}.")
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    return [
        (
            meta_graph.graph_def,
            {
                name: [_node(tensor.name) for tensor in signature.outputs.values()]
                for name, signature in meta_graph.signature_def.items()
            },
        )
        for meta_graph in saved.meta_graphs
    ]


def _lacking(graph):
    """For what is lacking: the name, the reason, the node and the function, where there is one."""
    core = set(dir(tensorflow().raw_ops))
    defined = {f.signature.name for f in graph.library.function}
    bodies = [(None, {}, graph.node)]
    bodies += [(f.signature.name, f.attr, f.node_def) for f in graph.library.function]
    for function, attributes, nodes in bodies:
        if _must_compile(attributes):
            yield "A function of jit_compile=True", "needs XLA", None, function
        for node in nodes:
            why = next((why for form, why in LACKING.items() if re.search(form, node.op)), None)
            if node.op in defined | TEXT_OPERATIONS:
                why = None
            elif node.op not in core and why is None:
                why = "is neither of TensorFlow's core nor of tensorflow-text"
            if why is not None:
                yield node.op, why, node.name, function
            elif _must_compile(node.attr):
                yield f"{node.op} of jit_compile=True", "needs XLA", node.name, function


def _must_compile(attributes):
    return MUST_COMPILE in attributes and attributes[MUST_COMPILE].b


def _signature(graph, signatures, function):
    """Which signatures lead to a function, in words."""
    if function is None:
        names = list(signatures) if len(signatures) == 1 else []
    else:
        names = [name for name, ends in signatures.items() if function in _reached(graph, ends)]
    if not names:
        return ""
    return f" of the signature{'s' * (len(names) > 1)} {', '.join(sorted(names))}"


def _reached(graph, ends):
    """The names of the functions that are called on the way to some nodes."""
    nodes = {node.name: node for node in graph.node}
    reached, open_nodes = set(), list(ends)
    called = set()
    while open_nodes:
        node = nodes.pop(open_nodes.pop(), None)  # each once
        if node is not None:
            called |= {node.op, *_functions(node)}
            open_nodes += [_node(name) for name in node.input]
    functions = {f.signature.name: f for f in graph.library.function}
    while called:
        function = functions.pop(called.pop(), None)
        if function is not None:
            reached.add(function.signature.name)
            for node in function.node_def:
                called |= {node.op, *_functions(node)}
    return reached


def _functions(node):
    """The functions that the attributes of a node name."""
    for value in node.attr.values():
        for attribute in (value.func, *value.list.func):
            if attribute.name:
                yield attribute.name


def _names(graph):
    return (node.name for node in graph.node)


def _node(tensor):
    """The name of the node that a tensor, or an input that only waits, comes from."""
    return tensor.removeprefix("^").split(":")[0]
