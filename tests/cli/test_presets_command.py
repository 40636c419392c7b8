"""The list of presets, and their names in the place of a model file."""

import json
import subprocess
import sys

import keras
import pytest

import keras_seq as ks

pytestmark = pytest.mark.once
TEXTS, LABELS = ["a fine film", "so dull"] * 4, ["good", "bad"] * 4


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder with a translator and a classifier, in which the commands run."""
    keras.utils.set_random_seed(0)
    translator = ks.models.Seq2Seq.from_texts(TEXTS, LABELS, tokens="char", cell="gru", units=4)
    translator.compile("adam", sampler="greedy")
    translator.save_to_preset(tmp_path / "shelf" / "verdicts")
    critic = ks.models.TextClassifier.from_texts(TEXTS, LABELS, units=4)
    critic.compile("adam")
    critic.save_to_preset(tmp_path / "shelf" / "critic")
    (tmp_path / "shelf" / "critic" / "README.md").write_text("# critic\n\nGood\nor bad.\n\nMore.")
    monkeypatch.setenv("KERAS_SEQ_PRESETS", str(tmp_path / "shelf"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_presets_are_listed(shelf, run, capsys):
    (shelf / "shelf" / "verdicts" / "model.keras").write_text("no model")
    run("presets")
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert {"critic", "dates", "verdicts"} <= {*rows}
    assert rows["critic"].split(maxsplit=4)[1] == "TextClassifier"
    assert rows["critic"].endswith(" MB  Good or bad.")
    assert "(damaged)" in rows["verdicts"]


def test_a_name_stands_where_a_file_may(shelf, run, capsys):
    run("generate", "verdicts", stdin=b"a fine film\n")
    answer = ks.models.Task.from_preset("verdicts").generate("a fine film")
    assert capsys.readouterr().out == f"{answer}\n"
    run("predict", "critic", stdin=b"so dull\n")
    assert capsys.readouterr().out.strip() in ("good", "bad")
    rows = [f"{text}\t{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    ks.datasets.write_lines("test.tsv", ["text\tlabel", *rows])
    run("evaluate", "critic", "--data", "test.tsv", "--out", "scores.json")
    assert json.loads((shelf / "scores.json").read_text())["texts"] == 8
    capsys.readouterr()
    run("info", "critic")
    assert "model          TextClassifier" in capsys.readouterr().out


@pytest.mark.slow
def test_a_preset_is_exported(shelf, run):
    run("export", "verdicts", "served", "--example", "a fine film")
    answer = ks.models.Task.from_preset("verdicts").generate("a fine film")
    assert ks.export.ask(shelf / "served", {"text": ["a fine film"]})["outputs"] == [answer]


def test_mistakes(shelf, run, mistake, monkeypatch):
    for command in ("info", "predict", "generate", "evaluate", "export"):
        more = ("served",) if command == "export" else ()
        run(command, "critics", *more, status=2)
        expected = "There is no file critics, and no preset of that name. The presets, the nearest"
        assert f"{expected} first: critic, " in mistake()
    run("generate", "critic", status=2)
    assert "critic holds a TextClassifier, which writes no text: the command for it is pr" in (
        mistake()
    )
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    run("info", "hf://anna/dates", status=2)
    assert "hf://anna/dates needs huggingface_hub: pip install huggingface_hub" in mistake()


def test_the_list_loads_no_backend():
    script = (
        "import sys; sys.argv = ['keras-seq', 'presets']; from keras_seq.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'keras', 'numpy', 'tensorflow', 'torch', 'jax'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    *rows, loaded = done.stdout.splitlines()
    assert loaded == "[]" and done.stderr == "" and any(row.startswith("dates ") for row in rows)
