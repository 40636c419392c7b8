"""TensorFlow and TensorFlow Text, imported on first use; on the CPU beside another backend."""

import contextlib
import functools
import importlib
import importlib.util
import sys
import types

import numpy as np


@functools.cache
def tensorflow():
    """Import TensorFlow on first use, and keep it off the GPU when another backend computes.

    Returns:
        The module `tensorflow`.
    """
    try:
        import tensorflow as tf
    except ModuleNotFoundError as error:
        raise _missing("TensorFlow", "tensorflow") from error
    import keras  # not above: text in Python does without

    if keras.backend.backend() != "tensorflow":
        # RuntimeError: somebody has started TensorFlow already, and its devices are settled.
        with contextlib.suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
    return tf


@functools.cache
def tensorflow_text():
    """Import TensorFlow Text on first use, after `tensorflow()`.

    Returns:
        The module `tensorflow_text`.
    """
    tensorflow()
    try:
        import tensorflow_text
    except ModuleNotFoundError as error:
        raise _missing("TensorFlow Text", "tensorflow-text") from error
    return tensorflow_text


def _missing(name, package):
    return ImportError(
        f"This needs {name}, which is not installed: `pip install {package}`. Texts in lists, "
        "arrays and tables need none on JAX and PyTorch; `tf.data`, exports, tasks that encode "
        "texts by `encode_tensors` alone, and the backend TensorFlow do."
    )


def to_utf8(text: str) -> bytes:
    """UTF-8 of a str, with U+FFFD for lone surrogates, which UTF-8 cannot hold."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode()


def spare_keras_tensorflow():
    """Let Keras do without TensorFlow where it is installed and nobody has imported it.

    Keras imports it to serialise anything (is it a `tf.TensorShape`?) and to set a seed. As long as
    it is not imported nothing is of its types, and a seed can wait. Keras asks a module that it
    imports once and keeps; that becomes one which answers so, and else imports TensorFlow.
    """
    if "tensorflow" in sys.modules or importlib.util.find_spec("tensorflow") is None:
        return
    import keras

    sys.modules["tensorflow"] = stand_in = _StandIn("tensorflow")
    try:
        keras.saving.serialize_keras_object(np.float32(0))
    finally:
        if sys.modules.get("tensorflow") is stand_in:
            del sys.modules["tensorflow"]


class _StandIn(types.ModuleType):
    """TensorFlow for who has no object of it: imported when anything else than a type is asked."""

    def __getattr__(self, name):
        module = sys.modules.get("tensorflow")
        if module is None or module is self:
            if name in ("TensorShape", "DType", "TypeSpec"):
                return _OfNothing
            if name == "random":
                return _Random()
            if name.startswith("__") and name not in ("__path__", "__version__"):
                raise AttributeError(name)
            sys.modules.pop("tensorflow", None)
            module = importlib.import_module("tensorflow")
        return getattr(module, name)


class _Random:
    """`tensorflow.random`, which sets a seed later, and for anything else is imported."""

    set_seed = staticmethod(lambda seed: _Seed.keep(seed))

    def __getattr__(self, name):
        return getattr(importlib.import_module("tensorflow").random, name)


class _OfNothing:
    """A type without objects."""


class _Seed:
    """Sets a seed when TensorFlow is imported, by whomever: a finder of modules."""

    def __init__(self, seed):
        self.seed = seed

    @classmethod
    def keep(cls, seed):
        """Set this seed later, in the place of one before."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, cls)]
        sys.meta_path.insert(0, cls(seed))

    def find_spec(self, name, path=None, target=None):
        """Find TensorFlow as the finders behind this one do, and seed it once it is executed."""
        if name != "tensorflow" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None:
            return None
        run = spec.loader.exec_module

        def execute(module):
            run(module)
            module.random.set_seed(self.seed)

        spec.loader.exec_module = execute
        return spec
