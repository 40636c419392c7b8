"""The lessons: a notebook is its script, was run, and says no number that no cell has found."""

import ast
import json
import pathlib
import re
import runpy

import pytest

TUTORIALS = pathlib.Path(__file__).parent.parent / "tutorials"
SCRIPTS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
MOST_LINES = 120

pytestmark = pytest.mark.once
each_lesson = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def cells_of_script(script):
    """Pairs of a kind and a source, as jupytext reads the percent format."""
    cells = []
    for part in re.split(r"^# %%", script.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, source = part.partition("\n")
        kind = "markdown" if "[markdown]" in head else "code"
        lines = source.strip("\n").split("\n")
        if kind == "markdown":
            lines = [line[2:] if line != "#" else "" for line in lines]
        cells.append((kind, "\n".join(lines), "solution" in head))
    return cells


def notebook_of(script):
    return json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))


def text_of(cell):
    return "".join(cell["source"])


@each_lesson
def test_the_notebook_is_the_script(script):
    cells = notebook_of(script)["cells"]
    header, install = cells[1:3]
    assert "colab.research.google.com" in text_of(header)
    assert "Minutes of computing" in text_of(header)
    assert "pip install" in text_of(install)
    del cells[1:3]
    made = [(cell["cell_type"], text_of(cell)) for cell in cells]
    assert made == [(kind, source) for kind, source, _ in cells_of_script(script)]
    folded = [cell["metadata"].get("jupyter", {}).get("source_hidden", False) for cell in cells]
    assert folded == [solution for *_, solution in cells_of_script(script)]


@each_lesson
def test_the_notebook_was_run_without_noise(script):
    notebook = notebook_of(script)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert {output["name"] for output in outputs if "name" in output} == {"stdout"}
    said = [text_of({"source": output.get("text", "")}) for output in outputs]
    assert not any("not asserted in a small run" in text for text in said)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    page = re.search(r'href="?https?://|src="?https?://', json.dumps(outputs))
    assert page is None, "an output asks another host"


@each_lesson
def test_lessons_are_short(script):
    """Lines of code, without imports, the claims, and solutions."""
    count = 0
    for kind, source, solution in cells_of_script(script):
        if kind == "markdown" or solution:
            continue
        aside = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.Import, ast.ImportFrom)) or (
                isinstance(node, ast.Expr) and ast.unparse(node).startswith("claims.")
            ):
                aside |= {*range(node.lineno, node.end_lineno + 1)}
        for number, line in enumerate(source.split("\n"), 1):
            count += (
                bool(line.strip()) and not line.lstrip().startswith("#") and number not in aside
            )
    assert count <= MOST_LINES


@each_lesson
def test_lessons_have_their_parts(script):
    text = script.read_text(encoding="utf-8")
    for part in ("**You will learn**", "**Before this lesson**", "**Predict:**", "## Exercises"):
        assert part in text, part
    assert "## What we claimed, what we measured" in text and "claims.check()" in text
    assert "## To read" in text
    assert any(solution for *_, solution in cells_of_script(script))


@each_lesson
def test_numbers_in_the_prose_come_from_a_cell(script):
    """A number with decimals stands in the code, in an output, or is the year or name of a link."""
    cells = notebook_of(script)["cells"]
    known = " ".join(text_of(cell) for cell in cells if cell["cell_type"] == "code")
    for cell in cells:
        for output in cell.get("outputs", ()):
            known += " " + "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
    for cell in cells:
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"\]\([^)]*\)", "]", text_of(cell))
            unknown = [n for n in re.findall(r"\d+\.\d+", prose) if n not in known]
            assert not unknown or "Minutes of computing" in prose, unknown


def test_the_index_has_every_lesson():
    text = (TUTORIALS / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert {path.with_suffix(".ipynb").name for path in SCRIPTS} <= set(links)
    local = [link for link in links if not link.startswith("http")]
    assert [link for link in local if not (TUTORIALS / link).exists()] == []


def test_a_run_that_fails_keeps_what_it_put_out(monkeypatch, tmp_path):
    for name in ("jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(name)
    run = runpy.run_path(str(TUTORIALS / "build.py"))["run"]
    monkeypatch.setitem(run.__globals__, "FAILED", tmp_path / "failed")
    script = tmp_path / "13_fails.py"
    script.write_text('# %% [markdown]\n# # 13. Fails\n\n# %%\nprint("so far")\n\n# %%\n1 / 0\n')
    with pytest.raises(Exception, match="ZeroDivisionError"):
        run(script, times_only=False)
    cells = json.loads((tmp_path / "failed" / "13_fails.ipynb").read_text("utf-8"))["cells"]
    assert "so far" in str(cells[3]["outputs"]) and not script.with_suffix(".ipynb").exists()


@pytest.mark.slow
@each_lesson
def test_lessons_run_small(script, monkeypatch, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    with matplotlib.rc_context():
        names = runpy.run_path(str(script), run_name="__main__")
    assert len(names["claims"].rows) >= 5 and not names["claims"].failed
