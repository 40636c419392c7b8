"""An export, asked from Python."""

import pathlib
from typing import Any

import numpy as np

from keras_seq._processes import TENSORFLOW_ALONE, in_a_process
from keras_seq._tensorflow import tensorflow, tensorflow_text, to_utf8
from keras_seq._typing import PathLike
from keras_seq.export.description import read_json
from keras_seq.export.operations import SAVED_MODEL
from keras_seq.export.version_folder import versions

# The lines of an error that lead into the graph.
TRACES = ("Graph execution error", "Detected at node", "<stack traces")


def load(path: PathLike, version: int | None = None) -> "Served":
    """Load a version of an exported model, on any backend.

    Args:
        path: the folder of all versions, or that of one version.
        version: the number of a version; the largest one if not set, which a server takes too.

    Returns:
        A `Served`.

    Raises:
        ValueError: when there is no such folder or version, or no SavedModel in it.
    """
    return Served(find_version(path, version))


def find_version(path, version=None):
    """Return the folder of a version, a `pathlib.Path`; see `load`."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise ValueError(f"There is no folder {path}.")
    if (path / SAVED_MODEL).is_file():
        if version is not None:
            raise ValueError(
                f"{path} is one version itself, so `version` says nothing; received {version!r}."
            )
        return path
    known = versions(path)
    if not known:
        raise ValueError(
            f"There is no version in {path}: neither a folder whose name is a number, nor a "
            f"{SAVED_MODEL}."
        )
    number = known[-1] if version is None else version
    if number not in known:
        raise ValueError(
            f"There is no version {number!r} in {path}, only {', '.join(map(str, known))}."
        )
    if not (path / str(number) / SAVED_MODEL).is_file():
        raise ValueError(f"There is no SavedModel in {path / str(number)}: no {SAVED_MODEL}.")
    return path / str(number)


def ask(
    path: PathLike,
    inputs: dict[str, Any],
    signature: str = "serving_default",
    version: int | None = None,
) -> dict[str, Any]:
    """Ask an export in a fresh process, which knows the SavedModel alone.

    Args:
        path, version: as in `load`.
        inputs: a dict from the name of each input to the list of its rows.
        signature: the name of the signature.

    Returns:
        A dict from the name of each output to the list of its rows.

    Raises:
        ValueError: as `load` and `Served` raise it.
    """
    request = {"path": str(find_version(path, version).absolute()), "signature": signature}
    request["inputs"] = inputs
    return in_a_process(answer_once, request, "The export", TENSORFLOW_ALONE)


def answer_once(read):
    """The part of the other process; see `ask`."""
    request = read()
    return load(request["path"]).ask(request["signature"], request["inputs"])


class Served:
    """A SavedModel with signatures, called with Python values and answering with them.

    TensorFlow computes, and reads the SavedModel alone: neither the model's Python code nor Keras
    has a part in it. A call answers as a server would:

    ```python
    served = keras_seq.export.load("saved_models/dates")
    served("3 May 1979")                          # {"outputs": ["1979-05-03"], "scores": [-0.01]}
    served(["3 May 1979", "4.5.79"], signature="attend")["attention"]
    ```

    Args:
        path: the folder of a version; see `load`.

    Attributes:
        path: the same.
        version: its number, `None` where the folder has another name.
        about: what `signature.json` says about the model, a dict.
        signatures: a dict from the name of each signature to what `signature.json` says about it:
            `about`, `inputs`, `outputs` and `example`. Without that file there are only `inputs`
            and `outputs`, each with `dtype` and `shape`.

    Raises:
        ValueError: when there is no SavedModel that can be read.
    """

    def __init__(self, path: PathLike):
        tf = tensorflow()
        tensorflow_text()  # its kernels
        self.path = pathlib.Path(path)
        name = self.path.absolute().name
        self.version = int(name) if name.isascii() and name.isdigit() else None
        try:
            self._loaded = tf.saved_model.load(str(path))
        except (OSError, tf.errors.OpError) as error:
            raise ValueError(f"{path} is no SavedModel that can be read: {error}") from error
        self._functions = dict(self._loaded.signatures)
        described = read_json(path)
        if described is None:
            signatures = {name: _described(function) for name, function in self._functions.items()}
            described = {"signatures": signatures}
        self.about = described.get("about", {})
        self.signatures = described["signatures"]

    def __call__(self, *values, signature="serving_default", **inputs):
        """Ask a signature.

        Args:
            *values: the value of the input, without its name, where there is only one.
            signature: the name of the signature.
            **inputs: for each input a list of values, one a row; or one value, which every row
                gets.

        Returns:
            A dict from the name of each output to the list of its rows: of str, numbers, or nested
            lists of them.

        Raises:
            ValueError: for a signature that there is not, other inputs than it has, values of
                another type, unequal numbers of rows, and where the graph itself refuses.
        """
        if values:
            names = list(self._specs(signature))
            if len(names) != 1 or len(values) != 1 or inputs:
                raise ValueError(
                    f"The signature {signature} takes {', '.join(names)}: give each by its name."
                )
            inputs = {names[0]: values[0]}
        return self.ask(signature, inputs)

    def ask(self, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Ask a signature, with the inputs as a dict; see `__call__`."""
        arrays = self.run(signature, self.tensors(signature, inputs))
        return {
            name: _plain(array, f"The output {name} of the signature {signature}")
            for name, array in arrays.items()
        }

    def tensors(self, signature, inputs):
        """Return the tensors of Python values: a dict like `inputs`, see `__call__`."""
        specs = self._specs(signature)
        if set(inputs) != set(specs):
            raise ValueError(
                f"The signature {signature} takes {', '.join(specs)}; received "
                f"{', '.join(inputs) or 'nothing'}."
            )
        arrays = {name: _array(name, inputs[name], spec) for name, spec in specs.items()}
        single = {
            name for name, array in arrays.items() if array.ndim == len(specs[name].shape) - 1
        }
        counts = {name: len(array) for name, array in arrays.items() if name not in single}
        if len({*counts.values()}) > 1:
            counts = ", ".join(f"{count} of {name}" for name, count in counts.items())
            raise ValueError(f"Each input must have as many rows; received {counts}.")
        (count,) = {*counts.values()} or {1}
        for name in single:
            arrays[name] = np.repeat(arrays[name][None], count, axis=0)
        return {
            name: tensorflow().constant(array, specs[name].dtype, array.shape)
            for name, array in arrays.items()
        }

    def run(self, signature, tensors):
        """Return the answer to tensors, or to arrays: a dict of arrays, of bytes for strings."""
        tf = tensorflow()
        self._specs(signature)
        try:
            outputs = self._functions[signature](
                **{name: tf.convert_to_tensor(array) for name, array in tensors.items()}
            )
        except (tf.errors.OpError, TypeError) as error:
            raise ValueError(f"The signature {signature} refuses: {_reason(error)}") from error
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    def _specs(self, signature):
        """The specs of the inputs of a signature, by name."""
        if signature not in self._functions:
            raise ValueError(
                f"There is no signature {signature!r} in {self.path}, only "
                f"{', '.join(self._functions) or 'none'}."
            )
        specs = self._functions[signature].structured_input_signature[1]
        return {name: specs[name] for name in sorted(specs)}  # it has them in any order


def _reason(error):
    """What an error of TensorFlow says, without where in the graph it happened."""
    lines = getattr(error, "message", str(error)).splitlines()
    kept = [line for line in lines if line and not line[0].isspace()]
    return " ".join(line for line in kept if not line.startswith(TRACES))


def _described(function):
    """What a graph says of itself."""
    sides = {
        "inputs": function.structured_input_signature[1],
        "outputs": function.structured_outputs,
    }
    return {
        side: {
            name: {"dtype": spec.dtype.name, "shape": list(spec.shape)}
            for name, spec in specs.items()
        }
        for side, specs in sides.items()
    }


def _array(name, value, spec):
    """An array of Python values: rows, or a single one with an axis less."""
    wanted = spec.dtype.name
    if wanted == "string":
        array = np.array(value, object)
        texts = [to_utf8(item) if isinstance(item, str) else item for item in array.flat]
        right = all(isinstance(item, bytes) for item in texts)
        for i, text in enumerate(texts):
            array.flat[i] = text
    else:
        array, right = _numbers(value, spec.dtype.as_numpy_dtype)
    ranks = (len(spec.shape), len(spec.shape) - 1)
    if not right or array.ndim not in ranks or not _fits(array, spec):
        shown = repr(value) if len(repr(value)) < 80 else f"{repr(value)[:80]}..."
        raise ValueError(
            f"`{name}` must be {wanted} of shape {tuple(spec.shape)}, the rows first, or one row; "
            f"received {shown}."
        )
    return array


def _numbers(value, dtype):
    """An array of a dtype, and whether it says what the value says."""
    try:
        array = np.array(value)
        right = array.size == 0 or np.can_cast(array.dtype, dtype, "same_kind")
        cast = array.astype(dtype)
    except (TypeError, ValueError, OverflowError):  # ragged, or no numbers at all
        return np.empty(()), False
    if right and array.dtype.kind in "iu" and cast.dtype.kind in "iu":
        right = np.array_equal(cast, array)
    return cast, right


def _fits(array, spec):
    shape = array.shape if array.ndim == len(spec.shape) else (1, *array.shape)
    return spec.shape.is_compatible_with(shape)


def _plain(array, what):
    """An array as nested lists of Python values."""
    if array.dtype.kind == "V":  # bfloat16
        array = array.astype("float32")
    if array.dtype != object:
        return array.tolist()
    try:
        texts = [text.decode() for text in array.flat]
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} is no UTF-8: {error.object!r}.") from error
    return np.array(texts, object).reshape(array.shape).tolist()
