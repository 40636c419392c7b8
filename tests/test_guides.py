"""The README and the guides: their code runs as it stands, on less data; their links lead on."""

import json
import pathlib
import re

import pytest

import keras_seq as ks

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINKED = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"))]
COMMANDS = json.loads((ROOT / "tests" / "snapshots" / "commands.json").read_text("utf-8"))
# A comment before a block says why it is not run, as in `<!-- not run: it asks a server -->`.
BLOCKS = re.compile(r"(<!-- not run: .+? -->\n+)?```python\n(.*?)```", re.DOTALL)
WRITTEN = {  # what the code of a page leaves behind
    "README.md": ["dates.keras"],
    "docs/guides/translator.md": ["attention.png", "tree.png", "ensemble.keras"],
    "docs/guides/gradients.md": ["flow.png", "norms.png"],
    "docs/guides/serving.md": ["saved_models/dates/1/saved_model.pb"],
    "docs/guides/step_graphs.md": ["steps/dates/encode.onnx", "steps/lstm/manifest.json"],
    "docs/guides/own-files.md": ["best.keras"],
}


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def text_of(page):
    return page.read_text(encoding="utf-8")


def python_of(page):
    return "\n".join(code for reason, code in BLOCKS.findall(text_of(page)) if not reason)


WITH_CODE = [page for page in PAGES if python_of(page)]


@pytest.fixture
def few_dates(monkeypatch):
    all_dates = ks.datasets.dates
    monkeypatch.setattr(ks.datasets, "dates", lambda n, seed: all_dates(300, seed=seed))


@pytest.fixture
def cells():
    """The names of cells, which are afterwards what they were before."""
    before = dict(ks.layers.CELLS)
    yield
    ks.layers.CELLS.clear()
    ks.layers.CELLS.update(before)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_python_of_the_pages_runs(page, few_dates, cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(python_of(page), name_of(page), "exec"), names)
    for name in WRITTEN.get(name_of(page), ()):
        assert (tmp_path / name).exists()


@pytest.mark.once
def test_what_is_not_run_is_little():
    blocks = [
        (name_of(page), reason) for page in PAGES for reason, _ in BLOCKS.findall(text_of(page))
    ]
    assert len(blocks) > 25 and {*WRITTEN} <= {name for name, _ in blocks}
    elsewhere = re.compile("server|notebook")
    assert all("coming-from" in name or elsewhere.search(why) for name, why in blocks if why)


def anchors(text):
    """The anchors of the headings of a page, as Markdown makes them."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", heading).strip().lower() for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.once
@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_lead_on(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(page), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target.is_relative_to(ROOT / "docs" / "reference"):
            continue  # made with the site
        assert target.is_file(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(text_of(target)), f"{link} has no such heading"


@pytest.mark.once
def test_every_page_is_in_the_navigation():
    navigation = text_of(ROOT / "mkdocs.yml").split("\nnav:\n")[1].split("\n\n")[0]
    listed = re.findall(r"([\w/-]+\.md)\s*$", navigation, re.MULTILINE)
    written = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:]]
    assert sorted(set(written)) == sorted({*listed} & {*written})
    assert len(listed) == len({*listed})


@pytest.mark.once
@pytest.mark.parametrize("page", [*PAGES, ROOT / "benchmarks" / "RESULTS.md"], ids=name_of)
def test_commands_have_these_options(page):
    scripts = re.findall(r"```sh\n(.*?)```", text_of(page), re.DOTALL)
    for line in "\n".join(scripts).replace("\\\n", " ").splitlines():
        line = line.split(" #")[0].partition("keras-seq ")[2]
        if not line:
            continue
        words = f"keras-seq {line}".split()
        command = next(" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in COMMANDS)
        options = COMMANDS[command]["options"].values()
        known = {flag for option in options for flag in option["flags"]}
        for option in re.findall(r"(?<![\w-])--[\w-]+", line):
            assert option in known, f"{command} has no {option}"
