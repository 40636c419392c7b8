"""The command that measures gradients."""

import json

import pytest
from PIL import Image

from keras_seq.cli.gradients import table_lines
from keras_seq.experiments import gradient_experiment

pytestmark = pytest.mark.once


@pytest.mark.slow
def test_runs_table_and_figure_are_written(tmp_path, run, capsys):
    command = ("gradients", "--task", "recall", "--cells", "vanilla:radius=0.9", "--length", 6)
    run(*command, "--seeds", 1, "--units", 8, "--steps", 3, "--out", tmp_path / "new")
    folder = tmp_path / "new"
    assert sorted(path.name for path in folder.iterdir()) == [
        "gradients.png",
        "runs.json",
        "table.txt",
    ]
    record = json.loads((folder / "runs.json").read_text())
    assert record["task"] == "recall" and record["settings"]["units"] == 8
    (row,) = record["runs"]
    assert row["cell"] == "vanilla:radius=0.9" and row["steps"] == 3 and len(row["end_flow"]) == 6
    # The process of its own made the same run as this one does.
    (inside,) = gradient_experiment("recall", ["vanilla:radius=0.9"], [6], 1, units=8, steps=3)
    measured = {"seconds", "peak_memory"}
    assert list(row) == list(inside)
    assert {key for key in row if row[key] != inside[key]} <= measured
    head, line = (folder / "table.txt").read_text().splitlines()
    assert head.split()[0] == "cell" and line.split()[:2] == ["vanilla:radius=0.9", "6"]
    assert line in capsys.readouterr().out
    with Image.open(folder / "gradients.png") as image:
        assert image.width > 500


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "chess"), "Unknown task 'chess'"),
        (("--cells", "vanilla:depth=3"), "knows radius"),
        (("--cells", ","), "--cells names nothing"),
        (("--length", "ten"), "--length takes whole numbers"),
        (("--length", "1"), "length"),
        (("--length", "0"), "length"),
        (("--learning-rate", "0"), "learning_rate"),
        (("--optimizer", "magic"), "magic"),
    ],
)
def test_mistakes_are_one_line_before_anything_runs(tmp_path, run, mistake, words, message):
    run("gradients", *words, "--out", tmp_path / "new", status=2)
    assert message in mistake()
    assert not (tmp_path / "new").exists()


def test_a_table_shows_failures():
    row = {
        **{"cell": "lstm", "length": 9, "parameters": 1234, "start_ratio": 1e-9, "end_ratio": 0.5},
        **{"score": 0.75, "solved": 2, "seeds": 3, "broken": 1, "steps": 250.0, "seconds": 1.25},
        "peak_memory": None,
    }
    head, line = table_lines([row])
    assert " ".join(line.split()) == "lstm 9 1,234 1.0e-09 5.0e-01 0.750 2/3 1 250 1.2"
    assert len(head) == len(line)
