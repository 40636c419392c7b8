"""Read the public surface of the package, and compare it with what was written down of it.

The surface is everything a user's script or command may name: `python_surface` reads the names,
classes and signatures, `command_surface` the options of every command, `help_pages` their help as
it is printed. All are plain nests of dicts, lists and text, as they stand in `public.json`,
`commands.json` and `help.txt`.
"""

import ast
import contextlib
import enum
import functools
import importlib
import inspect
import io
import json
import os
import pathlib
import pkgutil
import re
import sys
import types
import typing
from unittest import mock

import keras

import keras_seq

HERE = pathlib.Path(__file__).parent
HELP = HERE / "help.txt"
PAGE = "$ {} --help\n"
HOOKS = {
    *("__call__", "__contains__", "__enter__", "__eq__", "__exit__", "__getitem__"),
    *("__iter__", "__len__", "__next__"),
}
KERAS = (
    keras,
    keras.callbacks,
    keras.initializers,
    keras.layers,
    keras.losses,
    keras.metrics,
    keras.utils,
)


# --- Python ---------------------------------------------------------------------------------------


def python_surface(known, configs):
    """Everything public in the package, by module.

    Args:
        known: an earlier surface; members of classes that it has are looked for in the base
            classes of Keras too.
        configs: the keys of `get_config`, by the name of the class.
    """
    for module in pkgutil.walk_packages(keras_seq.__path__, "keras_seq."):
        if not module.name.startswith("keras_seq.backend") and "__main__" not in module.name:
            importlib.import_module(module.name)  # what is registered is known only afterwards
    surface = {}
    for name in sorted({*_public_modules(), *known} - {"registered"}):
        with contextlib.suppress(ModuleNotFoundError):
            module = importlib.import_module(name)
            surface[name] = {
                one: _described(getattr(module, one), known.get(name, {}).get(one, {}), configs)
                for one in sorted(getattr(module, "__all__", ()))
            }
    registered = keras.saving.get_custom_objects()
    surface["registered"] = sorted(one for one in registered if one.startswith("keras_seq>"))
    return surface


@functools.cache
def _public_modules():
    packages = [m.name for m in pkgutil.iter_modules(keras_seq.__path__) if m.ispkg]
    public = [name for name in packages if name in (*keras_seq.__all__, "cli")]
    return ["keras_seq", *(f"keras_seq.{name}" for name in public)]


def _described(thing, known, configs):
    """A public name's kind and what can be said about it."""
    if inspect.ismodule(thing):
        return {"kind": "module"}
    if inspect.isclass(thing):
        return _described_class(thing, known, configs)
    if callable(thing):
        return {"kind": "function", "signature": signature(thing)}
    if isinstance(thing, (dict, list, tuple, set, frozenset)):
        return {"kind": type(thing).__name__, "items": sorted(map(str, thing))}
    return {"kind": type(thing).__name__}


def _described_class(kind, known, configs):
    own = [base for base in kind.__mro__ if base.__module__.startswith("keras_seq")]
    names = {name for base in own for name in vars(base) if name[0] != "_" or name in HOOKS}
    names |= {name for name in known.get("members", ()) if hasattr(kind, name)}
    description = {
        "kind": "class",
        "bases": [base.__name__ for base in kind.__mro__[1:] if _is_public(base)],
        "constructor": signature(kind.__init__, bound=True),
        "members": {name: _member(kind, name) for name in sorted(names)},
    }
    registered = keras.saving.get_registered_name(kind)
    if registered.startswith("keras_seq>"):
        description["registered"] = registered
    if kind.__name__ in configs:
        description["config"] = configs[kind.__name__]
    return description


def _is_public(base):
    if base.__module__.startswith("keras_seq"):
        return any(
            getattr(sys.modules[name], base.__name__, None) is base for name in _public_modules()
        )
    if base.__module__ == "builtins":
        return base is not object
    return any(getattr(module, base.__name__, None) is base for module in KERAS)


def _member(kind, name):
    found = inspect.getattr_static(kind, name)
    if isinstance(found, (property, functools.cached_property)):
        return "property"
    if isinstance(found, classmethod):
        return f"classmethod{signature(getattr(kind, name))}"
    if isinstance(found, staticmethod):
        return f"staticmethod{signature(getattr(kind, name))}"
    if callable(found) and not inspect.isclass(found):
        return signature(found, bound=True)
    return "attribute"


def signature(function, bound=False):
    """The parameters with their defaults, without annotations; `bound` is without the first."""
    parameters = list(inspect.signature(function).parameters.values())[bool(bound) :]
    bare = [
        parameter.replace(
            annotation=inspect.Parameter.empty,
            default=parameter.default
            if parameter.default is inspect.Parameter.empty
            else _Written(parameter.default),
        )
        for parameter in parameters
    ]
    return str(inspect.Signature(bare))


class _Written:
    """A default as it is written down: never with an address or the path of a module."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        if isinstance(self.value, (bool, int, float, str, bytes, type(None), list, tuple, dict)):
            return repr(self.value)
        if hasattr(self.value, "__name__"):
            return self.value.__name__
        return f"{type(self.value).__name__}()"


def config_keys(made):
    """The keys of `get_config` of instances, by the names of their classes."""
    return {type(one).__name__: sorted(one.get_config()) for one in made}


# --- The command line -----------------------------------------------------------------------------


def commands():
    """The commands of `keras-seq` as objects of its parser, by the words that call them."""
    import typer

    from keras_seq.cli.app import app

    def walk(words, command):
        found = {words: command}
        for name, inner in getattr(command, "commands", {}).items():
            found |= walk(f"{words} {name}", inner)
        return found

    return walk("keras-seq", typer.main.get_command(app))


def command_surface():
    """The arguments and options of every command."""
    return {
        words: {
            "arguments": " ".join(
                one.name for one in command.params if one.param_type_name == "argument"
            ),
            "options": {one.opts[0]: _option(one) for one in command.params},
        }
        for words, command in sorted(commands().items())
    }


def _option(option):
    annotation = option.type_descriptor.annotation
    choices = None
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        annotation, choices = str, [one.value for one in annotation]
    elif typing.get_origin(annotation) is typing.Literal:
        annotation, choices = str, [*typing.get_args(annotation)]
    default = option.default
    return {
        "flags": [*option.opts, *option.secondary_opts],
        "type": str(annotation)
        if isinstance(annotation, types.GenericAlias)
        else annotation.__name__,
        "required": option.required,
        "default": default.value if isinstance(default, enum.Enum) else default,
        "choices": choices,
        "range": [option.min, option.max],
        "multiple": option.multiple,
    }


def help_pages():
    """What `--help` of every command prints, 100 columns wide and without colour."""
    return {words: _printed([*words.split(), "--help"]) for words in commands()}


def _printed(words):
    from keras_seq import cli

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with (
        mock.patch.dict(os.environ, COLUMNS="100", NO_COLOR="1"),
        mock.patch.object(sys, "argv", words),
        mock.patch.object(sys, "stdout", out),
        contextlib.suppress(SystemExit),
    ):
        cli.main()
    out.seek(0)
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.read())
    lines = re.sub(r"Usage: .*keras-seq", "Usage: keras-seq", text).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip() + "\n"


def read_help(text):
    """The pages of `help.txt`, by the words that call the command."""
    pages = re.split(r"^\$ (.*) --help\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(pages[::2], pages[1::2], strict=True))


def written_help(pages):
    """The text of `help.txt`."""
    return "\n".join(PAGE.format(words) + page for words, page in sorted(pages.items()))


def flags(page):
    """The options that a page of help names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", page))


# --- Comparing ------------------------------------------------------------------------------------


def compare(before, now, path=""):
    """What is gone or different, and what is new, as two lists of sentences.

    Dicts may have more keys and lists more items than before; a signature may have more parameters
    if they have defaults, and a parameter may get one; everything else stays as it is.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        lost = [f"{_inside(path, key)} is gone" for key in before if key not in now]
        added = [f"{_inside(path, key)} is new" for key in now if key not in before]
        for key in before.keys() & now.keys():
            inner = compare(before[key], now[key], _inside(path, key))
            lost, added = lost + inner[0], added + inner[1]
        return sorted(lost), sorted(added)
    if isinstance(before, list) and isinstance(now, list) and not path.endswith(".range"):
        lost = [f"{path}: `{item}` is gone" for item in before if item not in now]
        return lost, [f"{path}: `{item}` is new" for item in now if item not in before]
    if _is_signature(before) and _is_signature(now):
        return _compare_signatures(before, now, path)
    same = type(before) is type(now) and before == now
    return ([] if same else [f"{path} was {before!r}, and is {now!r}"]), []


def _inside(path, key):
    """The name of what has the name `key` in what `path` leads to."""
    if key in ("public", "commands", "members", "options", "signature", "constructor"):
        return path
    return key if not path else f"{path}{' ' if key.startswith('--') else '.'}{key}"


def _is_signature(text):
    return isinstance(text, str) and re.match(r"(classmethod|staticmethod)?\(", text) is not None


def _compare_signatures(before, now, path):
    if before.partition("(")[0] != now.partition("(")[0]:
        return [f"{path} was {before}, and is {now}"], []
    old, new = _parameters(before), _parameters(now)
    lost, added = [], []
    for name, (place, default) in old.items():
        if name not in new:
            lost.append(f"{path}: parameter `{name}` is gone")
            continue
        new_place, new_default = new[name]
        if new_place != place and (place != "keyword" or not isinstance(new_place, int)):
            lost.append(
                f"{path}: parameter `{name}` was {_place(place)}, and is {_place(new_place)}"
            )
        if default is None and new_default is not None:
            added.append(f"{path}: parameter `{name}` has a default")
        elif default != new_default:
            lost.append(
                f"{path}: the default of parameter `{name}` was {default}, and is "
                f"{'none' if new_default is None else new_default}"
            )
    for name, (_, default) in new.items():
        if name not in old and default is None:
            lost.append(f"{path}: the new parameter `{name}` has no default")
        elif name not in old:
            added.append(f"{path}: parameter `{name}` is new")
    return lost, added


def _place(place):
    return f"at place {place + 1}" if isinstance(place, int) else place


def _parameters(text):
    """The parameters of a signature: {name: (place, default)}, where either is text.

    The place is a number for one that may be given by position.
    """
    arguments = ast.parse(f"def f{text[text.index('(') :]}: pass").body[0].args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    found = {
        one.arg: (place, None if default is None else ast.unparse(default))
        for place, (one, default) in enumerate(zip(positional, defaults, strict=True))
    }
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[one.arg] = ("keyword", None if default is None else ast.unparse(default))
    # Names of these two mean nothing to a caller.
    if arguments.vararg:
        found["*args"] = ("any number", "()")
    if arguments.kwarg:
        found["**kwargs"] = ("any names", "{}")
    return found


# --- Files ----------------------------------------------------------------------------------------


def read():
    """Today's surface, as it would stand in each of the two files."""
    from cases import INITIALIZERS, LAYERS, METRICS, SAMPLERS, tokenizer

    first = {case.name.partition("-")[0]: case for case in reversed(LAYERS)}
    made = [case.make() for case in first.values()]
    made += [*INITIALIZERS, *SAMPLERS, *(metric() for metric in METRICS), tokenizer()]
    surface = {
        "public": python_surface(load("public"), config_keys(made)),
        "commands": command_surface(),
    }
    return json.loads(json.dumps(surface))  # with lists for tuples, as in the files


def load(name):
    """A surface as it was written down; an empty one where it never was."""
    file = HERE / f"{name}.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def save(name, surface):
    """Write a surface down, each signature and each option in one line."""
    (HERE / f"{name}.json").write_text(_json(surface) + "\n", "utf-8")


def _json(nest, indent=""):
    line = json.dumps(nest, ensure_ascii=False)
    deep = isinstance(nest, dict) and any(isinstance(one, dict) for one in nest.values())
    option = isinstance(nest, dict) and "flags" in nest
    if not isinstance(nest, (dict, list)) or option or (len(indent + line) < 90 and not deep):
        return line
    more = indent + "  "
    if isinstance(nest, list):
        return "[\n" + ",\n".join(more + _json(one, more) for one in nest) + f"\n{indent}]"
    lines = [f"{more}{json.dumps(key)}: {_json(value, more)}" for key, value in nest.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
