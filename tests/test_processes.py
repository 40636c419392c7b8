"""What a new process answers, and what memory it says it has."""

import io
import json
import sys

import numpy as np
import pytest

from keras_seq._processes import answer, forget_largest, largest_memory


def double(read):
    value = read()
    if value < 0:
        raise ValueError(f"expected no debts; received {value}")
    return 2 * value


@pytest.mark.parametrize(
    ("given", "expected"),
    [(3, {"result": 6}), (-1, {"error": "expected no debts; received -1"})],
)
def test_an_answer_is_the_last_line(monkeypatch, capsys, given, expected):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(given)))
    print("a backend says something", end="")
    answer(f"{__name__}:double")
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="nobody says there")
def test_the_largest_memory_is_kept_after_it_is_given_back():
    before = forget_largest()
    rows = np.ones(2**23)  # 64 MiB
    rows *= 2
    with_rows = largest_memory()
    del rows
    assert largest_memory() > with_rows - 8  # what processors hold back is not counted at once
    if sys.platform == "linux":
        assert 56 < with_rows - before < 200
    assert with_rows >= before > 0
