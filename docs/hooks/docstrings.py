"""Docstrings as the reference shows them: formulas as LaTeX, sections with their headings.

A griffe extension. It knows the sections of this project's docstrings, of which griffe's own parser
reads `Args`, `Attributes` and `Raises`, and shows what `hands_on` adds to a constructor.
"""

import ast
import pathlib
import re
import sys
import textwrap

import griffe

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import formulas

SECTION = re.compile(r"^([A-Z][A-Za-z ]+):\n(?=\n?(?:    |>>>|```))", re.MULTILINE)
BLOCK = re.compile(r"(?:\A|\n)\n((?:(?:    [^\n]*)?\n)*?    [^\n]*)(?=\n\S|\n\n(?!    )|\n*\Z)")
EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.MULTILINE)
PARSED = ("Args", "Attributes", "Raises")


class Docstrings(griffe.Extension):
    """Rewrites each docstring, as soon as it is read."""

    def on_package(self, *, pkg, **kwargs):
        """Rewrite all docstrings of the package."""
        self._rewrite(pkg)

    def _rewrite(self, thing):
        if thing.is_alias:
            return
        if thing.is_class:
            _hand_on(thing)
        if thing.is_function:
            for parameter in thing.parameters:
                if str(parameter.annotation).startswith("Unpack["):
                    parameter.annotation = None  # for type checkers alone
        if thing.docstring is not None:
            times = r"\odot " if ".layers." in thing.path else r"\cdot "
            thing.docstring.value = rewritten(thing.docstring.value, times) + _names_in(thing)
        for member in list(getattr(thing, "members", {}).values()):
            self._rewrite(member)


def _names_in(thing):
    """The names in a table of them, as a sentence."""
    if not thing.is_attribute:
        return ""
    value = thing.value if thing.value is not None else ""
    names = getattr(value, "keys", None) or getattr(value, "elements", ())
    return "\n\n" + ", ".join(f"`{name}`" for name in names) if names else ""


def rewritten(text, times=r"\cdot "):
    """Return a docstring as Markdown, but for the sections that griffe reads."""
    first, *parts = SECTION.split(text)
    written = [_with_formulas(first, times)]
    for name, content in zip(parts[::2], parts[1::2], strict=True):
        written.append(_section(name, content))
    return "\n\n".join(part.strip("\n") for part in written)


def _with_formulas(text, times):
    def replaced(match):
        return "\n\n" + (formulas.as_latex(textwrap.dedent(match[1]), times) or _code(match[1]))

    return BLOCK.sub(replaced, text)


def _code(block):
    return f"```python\n{textwrap.dedent(block)}\n```"


def _section(name, content):
    if name in PARSED:
        return f"{name}:\n{content.rstrip()}"
    if name == "Call arguments":
        return f"Other Parameters: Call arguments\n{content.rstrip()}"
    body = textwrap.dedent(content.strip("\n"))
    if name == "Example":
        body = EXAMPLE.sub(lambda code: f"```pycon\n{code[0]}\n```", body)
    # What follows a section, without indentation, is text again.
    return f"**{name}**\n\n{body}"


def _hand_on(kind):
    """Put the options of another class in the place of the argument that is a dict for them."""
    for decorator in kind.decorators:
        call = ast.parse(str(decorator.value)).body[0].value
        if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "hands_on":
            continue
        argument, other = call.args[0].value, call.args[1].id
        without = [name for word in call.keywords for name in ast.literal_eval(word.value)]
        other = kind.module[other].final_target
        own = kind["__init__"].parameters
        taken = {*(parameter.name for parameter in own), *without}
        handed = [one for one in other["__init__"].parameters if _is_option(one, taken)]
        entries = _entries(other.docstring.value)
        text = "".join(f"    {one.name}: {entries[one.name]}\n" for one in handed)
        own_entries = _entries(kind.docstring.value)
        kind.docstring.value = kind.docstring.value.replace(
            f"    {argument}: {own_entries[argument]}\n", text
        )
        kind["__init__"].parameters = griffe.Parameters(*_expanded(own, argument, handed))


def _is_option(parameter, taken):
    return parameter.name not in taken and "variadic" not in parameter.kind.value


def _entries(text):
    section = re.search(r"^Args:\n((?: .*\n?)+)", text, re.MULTILINE)
    return dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section[1], re.MULTILINE))


def _expanded(own, argument, handed):
    """The parameters, those that are keyword-only last."""
    for parameter in own:
        if parameter.kind is griffe.ParameterKind.var_keyword:
            yield from (one for one in handed if one.kind is griffe.ParameterKind.keyword_only)
        if parameter.name == argument:
            yield from (one for one in handed if one.kind is not griffe.ParameterKind.keyword_only)
        else:
            yield parameter
