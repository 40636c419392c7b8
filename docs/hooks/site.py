"""What the site is made of besides the pages in `docs/`: an mkdocs hook.

It adds the files of the repository that are pages too, the lessons, the reference, the figures and
KaTeX; leads links between files of the repository to the pages that they have become; and puts the
help of the commands in its place.
"""

import itertools
import pathlib
import posixpath
import re
import sys

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import commands
import notebooks
import reference

ROOT = pathlib.Path(__file__).parents[2]
KATEX = ROOT / ".venv" / "katex"
# Files of the repository that are pages, and where.
PAGES = {
    "benchmarks/RESULTS.md": "results.md",
    "tutorials/README.md": "lessons/index.md",
    "saved_models/README.md": "project/saved_models.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
}
LESSONS, REFERENCE = "Lessons", "Reference"
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]*)(#[^)\s]*)?\)")
# A list behind a line of text, which Markdown of Python wants an empty line before.
LIST = re.compile(r"^((?![-*+] |\d+\. |[ |#>])\S.*\n)(?=(?:[-*+]|\d+\.) \S)", re.MULTILINE)
BADGE = re.compile(r"!\[([^\]]*)\]\(https?://[^)]*\)")


def on_config(config):
    """Put the lessons and the reference into the navigation."""
    lessons = [{title: page} for title, page in _lessons()]
    if (ROOT / "tutorials/README.md").is_file():
        lessons.insert(0, "lessons/index.md")
    pages = {LESSONS: lessons, REFERENCE: reference.navigation()}
    config.nav = [
        {title: pages.get(title, page)}
        for entry in config.nav
        for title, page in entry.items()
        if pages.get(title, page)
    ]
    return config


def on_files(files, config):
    """Add the pages that are not in `docs/`, and what they show."""
    for path, page in PAGES.items():
        if (ROOT / path).is_file():
            files.append(File.generated(config, page, content=(ROOT / path).read_text("utf-8")))
    for path in _notebooks():
        page = f"lessons/{path.stem}.md"
        text, figures = notebooks.as_page(path)
        files.append(File.generated(config, page, content=text))
        files.append(File.generated(config, f"lessons/{path.name}", abs_src_path=str(path)))
        for name, content in figures.items():
            files.append(File.generated(config, f"lessons/{name}", content=content))
    figures = [(ROOT / "tutorials").rglob(f"*.{ending}") for ending in ("png", "svg")]
    for path in sorted(itertools.chain(*figures)):
        name = path.relative_to(ROOT / "tutorials").as_posix()
        files.append(File.generated(config, f"lessons/{name}", abs_src_path=str(path)))
    for page, text in reference.pages().items():
        files.append(File.generated(config, page, content=text))
    if not KATEX.is_dir():
        raise PluginError("KaTeX is not there: build the site with `make docs`.")
    for path in sorted(KATEX.rglob("*")):
        if path.is_file():
            name = f"assets/katex/{path.relative_to(KATEX).as_posix()}"
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Lead links to the pages, and show no picture of another host."""
    if page.file.src_uri == "guides/command-line.md":
        markdown = markdown.replace("<!-- help -->", commands.as_markdown())
    origins = {page: path for path, page in PAGES.items()}
    uri = page.file.src_uri
    origin = origins.get(uri, _origin(uri))
    code = re.split(r"(```.*?```|~~~.*?~~~)", BADGE.sub(r"\1", markdown), flags=re.DOTALL)
    for i in range(0, len(code), 2):
        text = LIST.sub(r"\1\n", code[i])
        code[i] = LINK.sub(lambda link: _lead(link, origin, uri, files), text)
    return "".join(code)


def _notebooks():
    return sorted((ROOT / "tutorials").glob("[0-9][0-9]_*.ipynb"))


def _lessons():
    return [(notebooks.title(path), f"lessons/{path.stem}.md") for path in _notebooks()]


def _origin(uri):
    """The path in the repository of what is a page of this path in the site."""
    if uri.startswith("lessons/"):
        return "tutorials/" + uri.removeprefix("lessons/")
    return f"docs/{uri}"


def _lead(link, origin, uri, files):
    """A link to a file of the repository, as one to its page; only its text, where it has none."""
    text, path, anchor = link[1], link[2], link[3] or ""
    if not path or re.match(r"\w+:", path):
        return link[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
    if target.startswith("docs/"):
        target = target.removeprefix("docs/")
    elif target in PAGES:
        target = PAGES[target]
    elif target.startswith("tutorials/"):
        target = "lessons/" + re.sub(r"\.(ipynb|py)$", ".md", target.removeprefix("tutorials/"))
    if files.get_file_from_path(target) is not None:
        return f"[{text}]({posixpath.relpath(target, posixpath.dirname(uri))}{anchor})"
    is_lesson = re.match(r"lessons/\d\d_", target)  # which may be still to come
    there = (ROOT / posixpath.dirname(origin) / path).exists()
    if not (there or is_lesson):
        raise PluginError(f"{origin} links to {path}, which is not there.")
    return text
