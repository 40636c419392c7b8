"""The reference: a page for each public module, of layers and models one for each name too."""

import functools
import pathlib
import re

import griffe

ROOT = pathlib.Path(__file__).parents[2]
SPLIT = ("layers", "models")  # modules with a page for each of their names


@functools.cache
def _package():
    return griffe.load("keras_seq", search_paths=[str(ROOT)])


@functools.cache
def _modules():
    """The public modules, by name, and what each is about."""
    names = sorted(name for name in exports(_package()) if _is_module(_package()[name]))
    return {name: _package()[name] for name in names}


def exports(module):
    """The names in `__all__` of a module."""
    return [str(getattr(name, "name", name)).strip("'\"") for name in module.exports]


def _is_module(thing):
    return (thing.final_target if thing.is_alias else thing).is_module


def navigation():
    """The entry of the reference in the navigation."""
    entries = ["reference/index.md"]
    for module in _modules():
        if module in SPLIT:
            names = sorted(exports(_modules()[module]), key=str.lower)
            pages = [{name: f"reference/{module}/{name}.md"} for name in names]
            entries.append({module: [f"reference/{module}/index.md", *pages]})
        else:
            entries.append({module: f"reference/{module}.md"})
    return entries


def pages():
    """The pages, from path to Markdown."""
    table = "\n".join(
        f"| [`keras_seq.{name}`]({name}{'/index' if name in SPLIT else ''}.md) "
        f"| {first_sentence(module)} |"
        for name, module in _modules().items()
    )
    rest = [name for name in exports(_package()) if name not in _modules() and name[0] != "_"]
    blocks = "\n\n".join(_entry(f"keras_seq.{name}", 2) for name in rest)
    text = "`import keras_seq as ks`: each module is imported with its first use."
    page = f"# Reference\n\n{text}\n\n| module | |\n|---|---|\n{table}\n\n{blocks}\n"
    written = {"reference/index.md": page}
    for name, module in _modules().items():
        written |= _split(name, module) if name in SPLIT else _whole(name, module)
    return written


def _whole(name, module):
    names = sorted(exports(module), key=str.lower)
    blocks = [_entry(_path(module, one), 2) for one in names]
    text = "\n\n".join([f"# {name}", _about(module), *blocks])
    return {f"reference/{name}.md": f"{text}\n"}


def _split(name, module):
    names = sorted(exports(module), key=str.lower)
    things = {one: _package()[_path(module, one).partition(".")[2]] for one in names}
    rows = [f"| [`{one}`]({one}.md) | {first_sentence(things[one])} |" for one in names]
    table = "\n".join(["| name | |", "|---|---|", *rows])
    written = {f"reference/{name}/index.md": f"# {name}\n\n{_about(module)}\n\n{table}\n"}
    for one in names:
        written[f"reference/{name}/{one}.md"] = _entry(_path(module, one), 1)
    return written


def _path(module, name):
    """The path of a public name: of a module, or of what stands in a file of the same name."""
    path = f"{module.path}.{name}"
    return f"{path}.{name}" if _is_module(module[name]) and name in module[name].members else path


def _entry(path, level):
    return f"::: {path}\n    options:\n      heading_level: {level}\n"


def _about(module):
    return module.docstring.value if module.docstring else ""


def first_sentence(thing):
    """The first sentence of a docstring, fit for a table."""
    thing = thing.final_target if thing.is_alias else thing
    if thing.docstring is None:
        return ""
    paragraph = " ".join(thing.docstring.value.split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z`])", paragraph)[0].replace("|", "\\|")
