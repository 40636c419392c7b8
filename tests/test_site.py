"""What the site makes of docstrings, notebooks and the help of the commands."""

import ast
import base64
import importlib.util
import json
import pathlib
import re
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parent.parent
pytestmark = pytest.mark.once


def hook(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "hooks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("h_t = phi(W x_t + U h_(t-1) + b)", r"h_{t} = \phi (W x_{t} + U h_{t-1} + b)"),
        (
            "softmax_s(q_t . k_s / sqrt(d))",
            r"\operatorname{softmax}_{s}(q_{t} \cdot  k_{s} / \sqrt{d})",
        ),
        ("sum_y' exp s(x, y')", r"\sum_{y'}  \exp  s(x, y')"),
        ("alpha_(t-1)j", r"\alpha _{t-1, j}"),
        ("p(y_t | y_<t)", r"p(y_{t} \mid  y_{<t})"),
        ("y* = arg max_y p(y)", r"y^{*} =\ \operatorname*{arg\,max}_{y} p(y)"),
        ("if `return_state` and l > 1", r"\text{if}\ \texttt{return\_state}\ \text{and}\ l > 1"),
        ("2^(-8 h / heads)", r"2^{-8 h /\ \text{heads}}"),
    ],
)
def test_formulas(text, latex):
    assert hook("formulas").math(text) == latex


def test_blocks():
    formulas = hook("formulas")
    block = "dot:      q . k         one size\n          -(q . k)\nwide:     z_t * y"
    rows = formulas.as_latex(block, r"\odot ").splitlines()[2:-2]
    assert [row.count("&") for row in rows] == [2, 2, 2]
    assert rows[0].startswith(r"\displaystyle \text{dot}:") and rows[1].startswith(
        r"\displaystyle  &"
    )
    assert r"z_{t} \odot  y" in rows[2]
    assert formulas.as_latex("def call(self, x):\n    return x_t") is None
    assert formulas.as_latex("the keys to the cabinet   ->   plural") is None


def test_docstrings_have_formulas():
    """The indented blocks that a class of layers begins with are read, but for code."""
    formulas, read = hook("formulas"), 0
    for path in (ROOT / "keras_seq" / "layers").rglob("*.py"):
        kinds = [
            node
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.ClassDef)
        ]
        for kind in kinds:
            about = re.split("^[A-Z][a-z ]+:$", ast.get_docstring(kind) or "", flags=re.MULTILINE)[
                0
            ]
            for block in re.findall(r"\n\n((?:    [^\n]+\n)+)", about):
                if not re.match("    (class|crf|with) ", block):
                    latex = formulas.as_latex(textwrap.dedent(block))
                    assert latex and latex.count("{") == latex.count("}"), block
                    read += 1
    assert read > 30


def test_notebooks(tmp_path):
    picture = b"\x89PNG"
    cells = [
        {"cell_type": "markdown", "source": ["# A lesson\n", "\n", "Of $h_t$."]},
        {
            "cell_type": "code",
            "metadata": {},
            "source": "print(1)",
            "outputs": [
                {"output_type": "stream", "text": ["\x1b[1m1\x1b[0m\n"]},
                {
                    "output_type": "display_data",
                    "data": {"image/png": base64.b64encode(picture).decode()},
                },
                {"output_type": "execute_result", "data": {"text/html": "<table></table>"}},
            ],
        },
        {"cell_type": "code", "source": "", "outputs": [], "metadata": {}},
        {
            "cell_type": "code",
            "source": "print(2)",
            "outputs": [],
            "metadata": {"jupyter": {"source_hidden": True}},
        },
    ]
    path = tmp_path / "01_lesson.ipynb"
    path.write_text(json.dumps({"cells": cells}), "utf-8")
    notebooks = hook("notebooks")
    text, pictures = notebooks.as_page(path)
    assert notebooks.title(path) == "A lesson"
    assert text.startswith("# A lesson\n") and "(01_lesson.ipynb)" in text and "Of $h_t$." in text
    assert "```python\nprint(1)\n```" in text and "```{ .text .output }\n1\n```" in text
    assert pictures == {"01_lesson/1_1.png": picture} and "(01_lesson/1_1.png)" in text
    assert '??? note "Solution"\n\n    ```python\n    print(2)\n    ```' in text
    assert '<div class="output"><table></table></div>' in text


def test_commands():
    """Every option of every command has its row, with a type and a sentence."""
    sections = re.split(r"^## (.+)$", hook("commands").as_markdown(), flags=re.MULTILINE)[1:]
    pages = dict(zip(sections[::2], sections[1::2], strict=True))
    known = json.loads((ROOT / "tests" / "snapshots" / "commands.json").read_text("utf-8"))
    assert pages.keys() == known.keys()
    for command, page in pages.items():
        rows = re.findall(r"^\| (`.+`) \| (.*?) \| (.+) \|$", page, re.MULTILINE)
        listed = {name for names, _, _ in rows for name in re.findall("`(.+?)`", names)}
        options = known[command]["options"].values()
        assert {flag for option in options for flag in option["flags"]} <= listed, command
        assert all(kind for names, kind, _ in rows if "--" in names)
