"""Register the classes of saved files as soon as Keras is imported, though the package is lazy.

Keras finds the class of a saved object by its registration alone and imports nothing for it. So an
import hook waits until Keras is imported, by whomever, and then imports the parts that register.
"""

import functools
import importlib
import sys
import threading
from typing import TypeVar

Kind = TypeVar("Kind", bound=type)

REGISTERING = ("initializers", "layers", "samplers", "text", "models")


_waiting: list[type] = []  # classes that were made before Keras was imported
_keras_is_there = threading.Event()


def registered(kind: Kind) -> Kind:
    """Register a class with Keras as `keras_seq>Name`, as soon as Keras is there; a decorator.

    What does without Keras, as tokenizers do, imports it for no decorator either.
    """
    _waiting.append(kind)
    if _keras_is_there.is_set():
        _register_waiting()
    return kind


def _register_waiting():
    import keras

    while _waiting:
        keras.saving.register_keras_serializable(package="keras_seq")(_waiting.pop(0))


def register():
    """Import what registers classes with Keras, and register what was waiting."""
    _keras_is_there.set()
    _register_waiting()
    importlib.import_module("keras_seq._tensorflow").spare_keras_tensorflow()
    for name in REGISTERING:
        importlib.import_module(f"keras_seq.{name}")


def register_with_keras():
    """Register at once where Keras is imported, else as soon as it is."""
    hook = _Hook()
    sys.meta_path.insert(0, hook)
    if "keras" in sys.modules:
        sys.meta_path.remove(hook)
        register()


class _Hook:
    """Counts the imports in progress in which Keras may be, and registers at the end of the last.

    Before that end Keras, TensorFlow (which imports it) or a part of this package may be half
    imported.
    """

    def __init__(self):
        self.running = 0
        self.lock = threading.Lock()

    def find_spec(self, name, path, target=None):
        """Find a module as the finders behind this one do, and let its execution be counted."""
        if name not in ("keras", "tensorflow") and not name.startswith("keras_seq."):
            return None
        finders = [*sys.meta_path]
        finders = finders[finders.index(self) + 1 :] if self in finders else finders
        specs = (finder.find_spec(name, path, target) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(self.execute, spec.loader)
        return spec

    def execute(self, loader, module):
        """Execute a module; behind the last one in progress, register if Keras is there."""
        vars(loader).pop("exec_module", None)  # the loader is as it was
        with self.lock:
            self.running += 1
        try:
            loader.exec_module(module)
        finally:
            with self.lock:
                self.running -= 1
        with self.lock:
            last = not self.running and "keras" in sys.modules and self in sys.meta_path
            if last:
                sys.meta_path.remove(self)
        if last:
            # The module is whole: no other thread shall wait for it, this one may wait for theirs.
            module.__spec__._initializing = False
            register()
