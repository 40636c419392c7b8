"""Import the modules that define a model's custom classes."""

import importlib

import keras

OWN = ("keras", "keras_seq", "builtins")


def custom_modules(config, modules=()):
    """Return the names of the modules that must be imported before a model can be loaded.

    Args:
        config: a nest of what Keras has serialised.
        given: names of more of them, or modules.

    Raises:
        ValueError: for something else than modules, and for a class or function that was defined in
            the script that runs, where no other process can import it from.
    """
    modules = [modules] if isinstance(modules, str) or hasattr(modules, "__file__") else modules
    names = [_name(module) for module in modules]
    for what, module in sorted(_used(config)):
        if module == "__main__":
            raise ValueError(
                f"{what} is defined in the script that runs (__main__), where the process that "
                "exports cannot import it from: move it to a module of its own, a file beside the "
                "script, and import it from there."
            )
        if module.split(".")[0] not in OWN and module not in names:
            names.append(module)
    return names


def import_modules(names):
    """Import modules by their names, so that what they define is registered.

    Raises:
        ValueError: for one that cannot be imported.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ValueError(
                f"The module {name}, which the model needs, cannot be imported: {error}. It must "
                "lie where Python finds it, such as beside the script."
            ) from error


def _name(module):
    name = getattr(module, "__name__", module)
    if not isinstance(name, str) or name == "__main__":
        raise ValueError(
            "`custom_modules` must hold the names of modules that can be imported; received "
            f"{module!r}."
        )
    return name


def _used(config):
    """The pairs `(name, module)` of what a serialised object is made of."""
    if isinstance(config, dict):
        pairs = {pair for value in config.values() for pair in _used(value)}
        if "class_name" in config and isinstance(config.get("config"), (dict, str)):
            pairs |= _origin(config)
        return pairs
    if isinstance(config, (list, tuple)):
        return {pair for value in config for pair in _used(value)}
    return set()


def _origin(config):
    """The pair of one serialised class or function."""
    name = config.get("registered_name") or config["class_name"]
    registered = keras.saving.get_registered_object(name)
    module = config.get("module")
    if registered is not None:
        module = registered.__module__
    elif config["class_name"] == "function" and isinstance(config["config"], str):
        name = config["config"]
        registered = keras.saving.get_registered_object(name)
        module = getattr(registered, "__module__", module)
    return {(name, module)} if isinstance(module, str) else set()
