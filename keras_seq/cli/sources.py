"""Signatures and docstrings, read from the source: the help of a command imports nothing for it."""

import ast
import functools
import inspect
import pathlib
import re
import typing

from keras_seq import _registry

PACKAGE = pathlib.Path(__file__).parent.parent
KINDS = {"bool": bool, "int": int, "float": float, "str": str}
# What an argument takes besides, and a shell cannot say.
_OBJECTS = re.compile(
    r",?( or| a| an| the| its)* (config|instance)( of( a)? (`[^`]*`|[^,.]*))?(?=,|\.)"
)
_TABLE = re.compile(r'(`"\w+"`,? )+or another name in `ks\.\w+\.(\w+)`')
_MARKS = re.compile(r"; see `[^`]*`|[;,] `None` for [^.]*|[`\"]")


class Argument(typing.NamedTuple):
    """An argument of a constructor or function."""

    name: str
    kind: type | None  # None where no word of a shell could be it
    default: typing.Any
    text: str  # what the docstring says

    @property
    def help(self):
        """The first sentence of the text, as a command's help says it."""
        text = _TABLE.sub(
            lambda table: f'"{_registry.listed(getattr(_registry, table[2].upper()))}"', self.text
        )
        text = _OBJECTS.sub("", text).replace("where `None`", "if not set")
        if self.kind is str:
            text = text.replace("`None`", "none")
        sentence = re.split(r"(?<=\.)\s", text)[0]
        words = _MARKS.sub("", sentence).removesuffix(".")
        first = words[:1].upper() if sentence[:1] == words[:1] else words[:1]
        return f"{first}{words[1:]}."


def arguments(path):
    """Return the arguments of a class, dataclass or function, a dict by their names.

    Args:
        path: where it is, from the package on, such as `"models.Seq2Seq.from_texts"`.
    """
    return _arguments(*_definition(path))


def _arguments(file, node):
    texts = _texts(ast.get_docstring(node) or "")
    function = _member(node, "__init__") if isinstance(node, ast.ClassDef) else node
    if function is None:
        fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
        return _named((f.target.id, f.annotation, f.value, texts) for f in fields)
    args = function.args
    places = [*args.posonlyargs, *args.args]
    defaults = [*[None] * (len(places) - len(args.defaults)), *args.defaults, *args.kw_defaults]
    pairs = zip([*places, *args.kwonlyargs], defaults, strict=True)
    named = _named((arg.arg, arg.annotation, default, texts) for arg, default in pairs)
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", None) == "hands_on":
            name, kind = decorator.args
            without = {name.value, *named}
            without.update(*(ast.literal_eval(word.value) for word in decorator.keywords))
            handed = _arguments(*_inside(file, [kind.id]))
            named |= {key: handed[key] for key in handed if key not in without}
            del named[name.value]
    return named


def _named(parts):
    named = {}
    for name, annotation, default, texts in parts:
        try:
            value = ast.literal_eval(default) if default is not None else inspect.Parameter.empty
        except ValueError:  # an expression
            continue
        types = ast.unparse(annotation).strip("'").split(" | ") if annotation else []
        kinds = [KINDS[name] for name in types if name in KINDS] or [type(value)]
        kind = kinds[0] if kinds[0] in KINDS.values() else None
        named[name] = Argument(name, kind, value, texts.get(name, ""))
    return named


def _texts(docstring):
    """What a docstring says of each argument, in one line."""
    section = re.search(r"^(Args|Attributes):\n((?:[ ]{4}.*\n?|\n)*)", docstring, re.MULTILINE)
    texts, names = {}, []
    for line in section[2].splitlines() if section else ():
        entry = re.match(r"    (\w+(?:, \w+)*): (.*)", line)
        if entry:
            names = entry[1].split(", ")
            texts |= dict.fromkeys(names, entry[2])
        elif line.strip():
            texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
    return texts


def _definition(path, package=None):
    """The file and the node of a name, wherever the packages on its way import it from."""
    package = package or PACKAGE
    first, *rest = path.split(".")
    if rest and (package / first).is_dir():
        return _definition(".".join(rest), package / first)
    if rest and (package / f"{first}.py").is_file():
        return _inside(package / f"{first}.py", rest)
    return _inside(package / "__init__.py", [first, *rest])


def _inside(file, names):
    """The file and the node of a name, or of a member of a class, which a base class may have."""
    first, *rest = names
    node = _member(_parsed(file), first)
    if isinstance(node, ast.ImportFrom):
        module = PACKAGE.parent.joinpath(*node.module.split("."))
        file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
        return _inside(file, names) if file.is_relative_to(PACKAGE) else (file, None)
    if node is None or not rest:
        return file, node
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    places = [(file, _member(node, *rest)), *(_inside(file, [base, *rest]) for base in bases)]
    return next((place for place in places if place[1] is not None), (file, None))


@functools.cache
def _parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def _member(node, name):
    for item in node.body:
        named = [getattr(item, "name", None), *(alias.name for alias in getattr(item, "names", ()))]
        targets = getattr(item, "targets", ()) or [getattr(item, "target", None)]
        if name in named or name in [getattr(target, "id", None) for target in targets]:
            return item
    return None
