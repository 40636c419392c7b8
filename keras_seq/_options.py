"""Arguments of constructors: their names, and those of one class that another one hands on."""

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

Owner = TypeVar("Owner", bound=type)


def options(kind: type) -> dict[str, inspect.Parameter]:
    """Return what the constructor of a class takes, a dict from names to `inspect.Parameter`.

    Where it takes `**kwargs`, those of its base classes follow, but not those of Keras's.
    """
    found = {}
    for one in kind.__mro__:
        if one.__module__.startswith("keras."):
            break
        if "__init__" in vars(one):
            _, *parameters = inspect.signature(one.__init__).parameters.values()
            found |= {p.name: p for p in parameters if not (_open(p) or p.name in found)}
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return found


def hands_on(argument: str, kind: type, without: Sequence[str] = ()) -> Callable[[Owner], Owner]:
    """Let a constructor take the options of another class, each by its name; a class decorator.

    The constructor has an argument that is a dict for `kind`. In its place users see, and give, the
    options of `kind`: in the signature, where those that are keyword-only come last, and in the
    docstring, instead of what that says of `argument`. An option is then written in `kind` alone.

        @hands_on("part_options", Part, without=("size",))
        class Whole:
            def __init__(self, width, part_options):
                self.part = Part(size=width, **part_options)

    Args:
        argument: the name of the argument.
        kind: the class whose options these are, with a docstring that has `Args:`.
        without: options that the decorated class sets itself, besides those that it has too.
    """

    def decorate(owner):
        init = owner.__init__
        signature = inspect.signature(init)
        taken = {*signature.parameters, *without}
        handed = {name: p for name, p in options(kind).items() if name not in taken}
        signature = _expanded(signature, argument, handed)

        @functools.wraps(init)
        def constructor(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            values = bound.arguments
            values[argument] = {name: values.pop(name) for name in handed}
            more = [values.pop(p.name) for p in signature.parameters.values() if _open(p)]
            init(**values, **(more[0] if more else {}))

        constructor.__signature__ = signature
        owner.__init__ = constructor
        about = described(kind)
        lines = "".join(f"    {name}: {about[name]}\n" for name in handed)
        before, after = inspect.cleandoc(owner.__doc__).split(_entry(argument, described(owner)))
        owner.__doc__ = before + lines + after
        return owner

    return decorate


def described(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says under `Args:`, a dict from names to texts."""
    section = re.search(r"^Args:\n((?: .*\n?)+)", inspect.cleandoc(kind.__doc__), re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section[1], re.MULTILINE)
    return dict(entries)


def _entry(name, about):
    return f"    {name}: {about[name]}\n"


def _open(parameter):
    """Whether it takes any number of arguments."""
    return parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _expanded(signature, argument, handed):
    """The signature with parameters in the place of one."""
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            parameters += [p for p in handed.values() if p.kind is p.KEYWORD_ONLY]
        if parameter.name == argument:
            parameters += [p for p in handed.values() if p.kind is not p.KEYWORD_ONLY]
        else:
            parameters.append(parameter)
    return signature.replace(parameters=parameters)
