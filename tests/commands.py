"""How tests run a command of `keras-seq`."""

import io
import sys

import pytest

from keras_seq import cli


def run_command(monkeypatch, *words, stdin=b"", status=0):
    """Run `keras-seq words` in this process, and check the exit status."""
    monkeypatch.setattr(sys, "argv", ["keras-seq", *map(str, words)])
    text = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", text)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (end.value.code or 0) == status
