"""The numbers that the explorer's engine is held to are those of today's keras_seq."""

import pathlib
import subprocess
import sys

import pytest

MAKE = pathlib.Path(__file__).parent.parent / "explorer" / "fixtures" / "make.py"


@pytest.mark.once
def test_the_fixtures_are_what_keras_seq_computes():
    command = [sys.executable, "-W", "ignore", MAKE, "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
