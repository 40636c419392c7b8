"""What the tests of the command line share: files, and a way to run a command."""

import pytest
from commands import run_command

import keras_seq as ks

SOURCES = ["abc", "cab", "bca", "aab", "cc", "b", "acb", "bb"] * 4
TARGETS = [text[::-1] for text in SOURCES]


@pytest.fixture
def run(monkeypatch):
    """Run `keras-seq words`, and check the exit status."""

    def command(*words, stdin=b"", status=0):
        run_command(monkeypatch, *words, stdin=stdin, status=status)

    return command


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """A folder with source.txt and target.txt."""
    folder = tmp_path_factory.mktemp("corpus")
    ks.datasets.write_lines(folder / "source.txt", SOURCES)
    ks.datasets.write_lines(folder / "target.txt", TARGETS)
    return folder


@pytest.fixture
def mistake(capsys):
    """The single line on standard error."""

    def line():
        errors = capsys.readouterr().err.splitlines()
        (found,) = [line for line in errors if line.startswith("keras-seq:")]
        return found

    return line
