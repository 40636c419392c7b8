"""Executed notebooks as pages: their text, code, and what the code printed and drew."""

import base64
import functools
import json
import re
import textwrap

ANSI = re.compile(r"\x1b\[[0-9;]*m")
PICTURES = {"image/png": "png", "image/svg+xml": "svg"}


@functools.cache
def _cells(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def title(path):
    """The first heading of a notebook."""
    texts = [_text(cell["source"]) for cell in _cells(path) if cell["cell_type"] == "markdown"]
    heading = re.search(r"^#\s+(.+)$", "\n".join(texts), re.MULTILINE)
    return heading[1].strip() if heading else path.stem


def as_page(path):
    """Return the Markdown of a notebook, and its pictures, from paths beside it to their bytes."""
    blocks, pictures = [], {}
    for number, cell in enumerate(_cells(path)):
        source = _text(cell["source"])
        if cell["cell_type"] == "markdown":
            blocks.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            parts = [_fenced(source, "python")]
            for i, output in enumerate(cell["outputs"]):
                parts.append(_output(output, f"{path.stem}/{number}_{i}", pictures))
            block = "\n\n".join(part for part in parts if part)
            hidden = cell["metadata"].get("jupyter", {}).get("source_hidden")
            blocks.append(_folded(block) if hidden else block)
    link = f"[This lesson as a notebook]({path.name}){{ .lesson }}"
    text = "\n\n".join(block for block in blocks if block)
    heading, rest = re.match(r"(.*?^# [^\n]*\n|)(.*)", text, re.DOTALL | re.MULTILINE).groups()
    return f"{heading}\n{link}\n\n{rest}\n", pictures


def _text(source):
    return source if isinstance(source, str) else "".join(source)


def _fenced(text, language):
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", text))])
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _folded(block):
    return '??? note "Solution"\n\n' + textwrap.indent(block, "    ")


def _output(output, name, pictures):
    """One output of a cell; a picture is noted by its path."""
    if output["output_type"] == "stream":
        return _printed(_text(output["text"]))
    if output["output_type"] == "error":
        return _printed("\n".join(output["traceback"]))
    data = output["data"]
    for kind, ending in PICTURES.items():
        if kind in data:
            content = _text(data[kind])
            is_text = ending == "svg"
            file = f"{name}.{ending}"
            pictures[file] = content.encode() if is_text else base64.b64decode(content)
            return f"![What the code above draws]({file})"
    if "text/html" in data:
        return f'<div class="output">{_text(data["text/html"])}</div>'
    for kind in ("text/markdown", "text/latex"):
        if kind in data:
            return _text(data[kind])
    return _printed(_text(data.get("text/plain", "")))


def _printed(text):
    text = ANSI.sub("", text).rstrip()
    return _fenced(text, "{ .text .output }") if text else ""
