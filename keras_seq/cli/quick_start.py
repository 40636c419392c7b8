"""What makes a command faster: fewer imports, memory that stays, a cache of what JAX has compiled.

A command is a process of its own, so that it may leave out what Keras imports in case somebody has
a use for it.
"""

import contextlib
import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import platform
import sys
import types

from keras_seq._memory import keep_memory

# Keras takes each of these where it is installed, for wrappers, figures and tables of others, and
# does without it where it is not; JAX too where it is not the backend.
OPTIONAL = ("matplotlib", "pandas", "sklearn")
CACHE_SIZE = 2**30  # bytes
FEW = 8  # texts


def start_quickly():
    """Leave out what Keras does not need, and keep memory, and what JAX compiles.

    Where Keras is imported already it is not a process of our own.
    """
    if "keras" in sys.modules:
        return
    if named_backend() in ("jax", "torch"):
        keep_memory()
    sys.meta_path.insert(0, _Fewer())
    with contextlib.suppress(RuntimeError):  # there is no home
        cache = {
            "JAX_COMPILATION_CACHE_DIR": str(cache_folder() / f"jax-{_machine()}"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        if importlib.util.find_spec("filelock"):  # what JAX needs to delete what is old
            cache["JAX_COMPILATION_CACHE_MAX_SIZE"] = str(CACHE_SIZE)
        for name, value in cache.items():
            os.environ.setdefault(name, value)


def prepared(batches):
    """Give batches of texts; while there is one of few texts nothing is compiled by XLA.

    To compile takes a second or two for each length, which a file of many lines wins again.
    """
    from keras_seq.backend import portable

    for texts in batches:
        with portable() if len(texts) <= FEW else contextlib.nullcontext():
            yield texts


def cache_folder():
    """Return the folder for what can be made again: `keras_seq` in the user's cache."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or pathlib.Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = pathlib.Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "keras_seq"


def _machine():
    """A name for the kind of processor: what is compiled for one may not run on another."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [f"flags {platform.processor()}"]
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return hashlib.sha256(f"{platform.machine()} {flags}".encode()).hexdigest()[:12]


def named_backend():
    """The backend that the environment names, or else Keras's file; `None` where neither does."""
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    with contextlib.suppress(OSError, ValueError, AttributeError, RuntimeError):
        home = os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras"
        return json.loads(pathlib.Path(home, "keras.json").read_text()).get("backend")
    return None


def _imports_keras():
    """Whether Keras is being imported, and not there yet."""
    spec = getattr(sys.modules.get("keras"), "__spec__", None)
    return getattr(spec, "_initializing", False)


class _Fewer:
    """A finder of modules that Keras does without, while it is imported."""

    def find_spec(self, name, path=None, target=None):
        if not _imports_keras():
            return None
        if name in OPTIONAL or (name == "jax" and named_backend() not in ("jax", None)):
            raise ModuleNotFoundError(f"{name} is left out", name=name)
        if name == "torch._dynamo":
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        return _Dynamo(spec.name)

    def exec_module(self, module):
        """Nothing is in it."""


class _Dynamo(types.ModuleType):
    """PyTorch's compiler, imported when something else is asked than what Keras does at first.

    That marks two functions as not to be compiled, which matters where something is compiled.
    """

    def __getattr__(self, name):
        if name == "disable" and _imports_keras():
            return lambda: _not_compiled
        if _imports_keras() or (name.startswith("__") and name != "__path__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _not_compiled(function):
    """What `torch._dynamo.disable()` does, once PyTorch's compiler is imported."""

    @functools.cache
    def disabled(compiler):
        return compiler.disable()(function)

    @functools.wraps(function)
    def called(*args, **kwargs):
        compiler = sys.modules.get("torch._dynamo")
        there = compiler is not None and not isinstance(compiler, _Dynamo)
        return (disabled(compiler) if there else function)(*args, **kwargs)

    return called
