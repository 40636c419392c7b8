"""The command that compares architectures, called in this process."""

import json

import pytest
from PIL import Image

import keras_seq as ks
from keras_seq.experiments import measure

pytestmark = pytest.mark.once
ROWS = [("a fine film", "1"), ("dull and long", "0"), ("", "0"), ("so fine", "1")] * 6
PLAIN = ("--text-column", 0, "--label-column", 1)
QUICK = ("--architectures", "bag_of_words", "--no-isolate")


@pytest.fixture(autouse=True)
def _few_timed(monkeypatch):
    monkeypatch.setattr(measure, "TIMED_TEXTS", 10)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Labelled files: with names of columns, and one without them and with a strange label."""
    folder = tmp_path_factory.mktemp("compared")
    lines = ["\t".join(row) for row in ROWS]
    ks.datasets.write_lines(folder / "train.tsv", lines)
    ks.datasets.write_lines(folder / "test.tsv", lines[:4])
    ks.datasets.write_lines(folder / "strange.tsv", [*lines[:2], "so so\t2"])
    return folder


def test_rows_table_results_and_figure(files, run, capsys, tmp_path):
    run(
        *("compare", "--train", files / "train.tsv", "--test", files / "test.tsv", *PLAIN, *QUICK),
        *("--val", files / "test.tsv", "--seeds", "0,1", "--units", 5, "--minutes", 0.5),
        *("--tokens", "char", "--lowercase"),
        *("--out", tmp_path / "r.json", "--plot", tmp_path / "c.png"),
    )
    results = json.loads((tmp_path / "r.json").read_text())
    assert [(run["name"], run["seed"]) for run in results] == [
        ("bag_of_words", 0),
        ("bag_of_words", 1),
    ]
    assert results[0]["accuracy"] == 1.0 and results[0]["settings"]["test_texts"] == 4
    settings = results[0]["settings"]
    assert (settings["units"], settings["tokens"], settings["minutes"]) == (5, "char", 0.5)
    assert settings["lowercase"] and not settings["isolate"]
    printed = capsys.readouterr().out.splitlines()
    assert "24 texts of 2 classes." in printed
    (line,) = [line for line in printed if line.startswith("bag_of_words, seed 1: accuracy 1.0000")]
    assert f"{results[1]['parameters']} parameters" in line
    head, row = printed[-3:-1]
    assert head.split()[:3] == ["architecture", "accuracy", "macro"]
    assert row.split()[:4] == ["bag_of_words", "1.0000", "±", "0.0000"]
    with Image.open(tmp_path / "c.png") as image:
        assert image.width > 500


def test_without_other_files_a_tenth_is_held_out(files, run, tmp_path):
    run("compare", "--train", files / "train.tsv", *PLAIN, *QUICK, "--out", tmp_path / "r.json")
    (result,) = json.loads((tmp_path / "r.json").read_text())
    sizes = [result["settings"][f"{part}_texts"] for part in ("train", "dev", "test")]
    assert sizes == [20, 2, 2]  # of twelve texts of each class one, and one again


def test_a_task_is_a_table_by_length(run, capsys, tmp_path):
    run(
        *("compare", "--task", "recall", "--lengths", "9,6", "--rows", 300, *QUICK),
        *("--out", tmp_path / "r.json", "--plot", tmp_path / "c.png"),
    )
    results = json.loads((tmp_path / "r.json").read_text())
    assert [one["length"] for one in results] == [9, 6] and results[0]["solved"]
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["accuracy", "at", "length", "6", "9"] in printed
    assert ["bag_of_words", *(f"{one['accuracy']:.4f}" for one in results[::-1])] in printed
    assert ["chance", "0.1000", "0.1000"] in printed
    assert ["best", "possible", "1.0000", "1.0000"] in printed
    assert (tmp_path / "c.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "either --train FILE or --task NAME; give one"),
        (("--train", "train.tsv", "--task", "recall"), "either --train FILE or --task NAME"),
        (("--train", "train.tsv", "--architectures", "elmo"), "'elmo'. Choose from bag_of_words"),
        (("--train", "train.tsv", "--architectures", ","), "--architectures names nothing"),
        (("--train", "train.tsv", "--seeds", "one"), "--seeds takes whole numbers"),
        (("--train", "train.tsv", "--epochs", "0"), "`epochs`"),
        (("--train", "train.tsv", "--rows", "9"), "--rows goes with --task"),
        (("--train", "train.tsv", "--out", "train.tsv/r.json"), "train.tsv is no folder"),
        (("--train", "train.tsv", "--plot", "r.docx"), "must end in .png, .pdf, .svg"),
        (("--train", "train.tsv", "--separator", "||"), "`delimiter` must be one character"),
        (("--train", "train.tsv", "--test", "strange.tsv"), "strange.tsv, line 3: there is no lab"),
        (("--train", "test.tsv", *QUICK), "4 texts of 2 classes are too few"),
        (("--task", "recall", "--val", "test.tsv"), "--val goes with --train"),
        (("--task", "chess"), "Unknown task 'chess'"),
        (("--task", "recall", "--lengths", "long"), "--lengths takes whole numbers"),
        (("--task", "adding_problem"), "tasks of words with one class a row"),
    ],
)
def test_mistakes_are_one_line(files, run, mistake, monkeypatch, words, message):
    monkeypatch.chdir(files)
    run("compare", *words, *PLAIN, status=2)
    assert message in mistake()
