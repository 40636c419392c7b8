"""The examples of CONTRIBUTING.md fit the files that they change."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"### (.+?)\n(.*?)(?=\n### |\Z)", TEXT, re.DOTALL)
NEW = "dev/null"


def parts(diff):
    """The files of a diff: `(path, kept)`, with the lines that are there before."""
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        first, *lines = part.splitlines()
        path = re.sub(r"^(a|b)/", "", first.lstrip("/"))
        if path == NEW:
            path = lines[0].removeprefix("+++ b/")
            yield path, None
        else:
            yield path, [line[1:] for line in lines if line[:1] in (" ", "-")]


@pytest.mark.once
@pytest.mark.parametrize("name, text", EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples_fit(name, text):
    diffs = re.findall(r"```diff\n(.*?)```", text, re.DOTALL)
    assert diffs
    for diff in diffs:
        for path, kept in parts(diff):
            if kept is None:
                assert not (ROOT / path).exists(), f"{path} is there already"
                continue
            source = (ROOT / path).read_text(encoding="utf-8").splitlines()
            missing = [line for line in kept if line not in source]
            assert not missing, f"{path} no longer has these lines: {missing}"


@pytest.mark.once
def test_every_folder_of_the_package_has_its_floor():
    folders = {path.parent.name for path in (ROOT / "keras_seq").glob("*/__init__.py")}
    table = TEXT.split("## The floors")[1].split("\n## ")[0]
    assert folders == set(re.findall(r"`(\w+)/`", table)) - {"base"}
