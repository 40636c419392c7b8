"""Ask a SavedModel through the C API of TensorFlow, with no Python in the process that answers."""

import functools
import importlib.util
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).with_name("served.c")
STRING = 7  # TF_STRING
NUMBERS = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64, 10: np.bool_}
TEXT_KERNELS = ("_normalize_ops.so", "_sentencepiece_tokenizer.so")
# Neither the chatter of TensorFlow nor a GPU, which another backend may be using.
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def ask(folder, signature, *requests, libraries=None):
    """The answers of a signature, each request asked alone, all in one new process.

    Args:
        folder: a SavedModel.
        signature: the name of one of its signatures.
        *requests: dicts from the name of each input to its values: a list, nested for more axes, or
            an array. Strings are str or bytes.
        libraries: paths of the libraries of operations to load, all of those that keras_seq needs
            by default.

    Returns:
        A list with a dict for each request: from the name of each output to an array, which is of
        bytes objects for strings.

    Raises:
        ValueError: for a signature that there is not, and for other inputs than it has.
        RuntimeError: with what the program says where it ends with an error.
    """
    inputs, outputs = graph_names(folder, signature)
    for request in requests:
        if set(request) != set(inputs):
            raise ValueError(
                f"The signature {signature} takes {', '.join(inputs)}; "
                f"received {', '.join(request) or 'nothing'}."
            )
    written = run(
        *(f"-l{path}" for path in (text_kernels() if libraries is None else libraries)),
        *(f"-i{name}" for name, _ in inputs.values()),
        *(f"-o{name}" for name, _ in outputs.values()),
        folder,
        asked=b"".join(
            to_bytes(request[name], dtype)
            for request in requests
            for name, (_, dtype) in inputs.items()
        ),
    )
    answers, place = [], 0
    for _ in requests:
        answer = {}
        for name in outputs:
            answer[name], place = from_bytes(written, place)
        answers.append(answer)
    assert place == len(written)
    return answers


def run(*words, asked=b""):
    """What the program writes to standard output. A RuntimeError where it fails."""
    done = subprocess.run(
        [program(), *map(str, words)],
        input=asked,
        capture_output=True,
        env={**os.environ, **ENVIRONMENT},
        timeout=300,
    )
    if done.returncode:
        *_, said = done.stderr.decode(errors="replace").rpartition("served: ")  # behind the chatter
        raise RuntimeError(f"The C program ended with the status {done.returncode}: {said.strip()}")
    return done.stdout


def program():
    """The path of the program. The test is skipped where it cannot be built."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler: neither gcc nor cc is on the path")
    tensorflow = package_folder("tensorflow")
    libraries = [
        *tensorflow.glob("libtensorflow_cc.*"),
        *tensorflow.glob("libtensorflow_framework.*"),
    ]
    if len(libraries) < 2:
        pytest.skip(f"no libtensorflow_cc and libtensorflow_framework in {tensorflow}")
    return _build(compiler, tensorflow, tuple(libraries))


@functools.cache
def _build(compiler, tensorflow, libraries):
    path = pathlib.Path(_folder().name, "served")
    # TensorFlow exports half a million names: where there is gold, linking takes a quarter.
    linker = ["-fuse-ld=gold"] if shutil.which("ld.gold") else []
    subprocess.run(
        [
            *(compiler, "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", *linker),
            *("-isystem", tensorflow / "include", SOURCE, "-o", path),
            *(*libraries, f"-Wl,-rpath,{tensorflow}"),
        ],
        check=True,
        timeout=300,
    )
    return path


@functools.cache
def _folder():
    """A folder that goes with this process."""
    return tempfile.TemporaryDirectory(prefix="keras_seq_served_")


def text_kernels():
    """The libraries of tensorflow-text that the tokenizers of keras_seq use."""
    folder = package_folder("tensorflow_text") / "python" / "ops"
    return [folder / name for name in TEXT_KERNELS]


def package_folder(package):
    """Where a package is installed, without importing it."""
    return pathlib.Path(importlib.util.find_spec(package).origin).parent


def graph_names(folder, signature):
    """The inputs and the outputs of a signature: dicts from names to (graph name, dtype number)."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString(
        pathlib.Path(folder, "saved_model.pb").read_bytes()
    )
    (graph,) = (one for one in saved.meta_graphs if "serve" in one.meta_info_def.tags)
    if signature not in graph.signature_def:
        raise ValueError(
            f"{folder} has no signature {signature}, only {', '.join(sorted(graph.signature_def))}."
        )
    found = graph.signature_def[signature]
    return tuple(
        {name: (tensors[name].name, tensors[name].dtype) for name in sorted(tensors)}
        for tensors in (found.inputs, found.outputs)
    )


def to_bytes(values, dtype):
    """A tensor as the program reads it, see served.c."""
    if dtype == STRING:
        array = np.array(values, dtype=object)
        texts = [text.encode() if isinstance(text, str) else text for text in array.flat]
        data = b"".join(np.int64(len(text)).tobytes() + text for text in texts)
    else:
        array = np.array(values, dtype=NUMBERS[dtype])
        data = array.tobytes()
    head = np.array([dtype, array.ndim], np.int32).tobytes()
    return head + np.array(array.shape, np.int64).tobytes() + data


def from_bytes(written, place):
    """The tensor at a place of what the program wrote, and the place behind it."""
    dtype, rank = np.frombuffer(written, np.int32, 2, place)
    shape = np.frombuffer(written, np.int64, rank, place + 8)
    place += 8 + 8 * int(rank)
    count = int(shape.prod())
    if dtype != STRING:
        array = np.frombuffer(written, NUMBERS[int(dtype)], count, place)
        return array.reshape(shape), place + array.nbytes
    texts = np.empty(count, dtype=object)
    for i in range(count):
        size = int(np.frombuffer(written, np.int64, 1, place)[0])
        texts[i] = written[place + 8 : place + 8 + size]
        place += 8 + size
    return texts.reshape(shape), place
