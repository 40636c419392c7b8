"""Names, parameters, flags and defaults stay: a user's script and saved file may rest on each.

What is public stands in `tests/snapshots/`, and may only grow.
"""

import pytest
from snapshots import surface

pytestmark = pytest.mark.once

ACCEPT = "python -m tests.snapshots.update"


@pytest.fixture(scope="module")
def now():
    return surface.read()


@pytest.fixture(scope="module")
def pages():
    return surface.help_pages()


@pytest.mark.parametrize("name", ["public", "commands"])
def test_nothing_public_is_gone_or_different(now, name):
    lost, added = surface.compare(surface.load(name), now[name])
    assert not lost, "what was public must stay (as an alias, if it moved):\n" + "\n".join(lost)
    assert not added, f"to accept what is new, run `{ACCEPT}`:\n" + "\n".join(added)


def test_the_help_still_names_every_option(pages):
    before = surface.read_help(surface.HELP.read_text("utf-8"))
    assert before.keys() <= pages.keys()
    for words, page in before.items():
        missing = surface.flags(page) - surface.flags(pages[words])
        assert not missing, f"`{words} --help` does not name {sorted(missing)}"


def test_every_command_and_option_has_help():
    for words, command in surface.commands().items():
        assert (command.help or "").strip(), f"`{words}` has no help"
        for option in command.params:
            assert (option.help or "").strip(), f"`{words} {option.opts[0]}` has no help"


@pytest.mark.parametrize(
    ("before", "after", "lost", "added"),
    [
        ("(x, y=1)", "(x, y=1, z=None, *, w=2)", [], ["parameter `z` is new", "`w` is new"]),
        ("(x, y=1)", "(x=0, y=1)", [], ["parameter `x` has a default"]),
        ("(x, *, y=1)", "(x, y=1)", [], []),
        ("(x, **kwargs)", "(x, y=1, **options)", [], ["parameter `y` is new"]),
        ("(x, y=1)", "(x)", ["parameter `y` is gone"], []),
        ("(x, y=1)", "(x, **kwargs)", ["parameter `y` is gone"], ["`**kwargs` is new"]),
        ("(x, y=1)", "(x, y=2)", ["the default of parameter `y` was 1, and is 2"], []),
        ("(x, y=1)", "(x, y)", ["the default of parameter `y` was 1, and is none"], []),
        ("(x, y=1)", "(x, *, y=1)", ["`y` was at place 2, and is keyword"], []),
        ("(x, y=1)", "(x, z=1, y=1)", ["`y` was at place 2, and is at place 3"], ["`z` is new"]),
        ("(x)", "(x, z)", ["the new parameter `z` has no default"], []),
        ("(x, **kwargs)", "(x)", ["parameter `**kwargs` is gone"], []),
        ("(x)", "classmethod(x)", ["was (x), and is classmethod(x)"], []),
        ("(x)", "property", ["was '(x)', and is 'property'"], []),
        ({"--a": {"default": 1}}, {}, [" --a is gone"], []),
        ({"--a": {"default": 1}}, {"--a": {"default": 1.0}}, ["--a.default was 1, and is 1.0"], []),
        ({"--a": {"range": [1, 3]}}, {"--a": {"range": [1, 2]}}, ["--a.range was [1, 3]"], []),
        (["a"], ["b", "a"], [], ["`b` is new"]),
        (["a", "b"], ["b"], ["`a` is gone"], []),
        ({"choices": None}, {"choices": ["a"]}, ["choices was None, and is ['a']"], []),
    ],
)
def test_what_counts_as_a_change(before, after, lost, added):
    found = surface.compare(before, after, "thing")
    for expected, sentences in zip((lost, added), found, strict=True):
        assert len(sentences) == len(expected)
        for part in expected:
            assert any(part in sentence for sentence in sentences), sentences
