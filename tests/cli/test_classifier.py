"""The commands for classifiers, called in this process."""

import json
import shutil
import signal
import types

import keras
import pytest
from commands import run_command

import keras_seq as ks
from keras_seq.callbacks import StopOnInterrupt
from keras_seq.callbacks.state_file import differences, flatten
from keras_seq.cli.training import settings

# The commands on each backend: test_silence.py.
pytestmark = pytest.mark.once

ROWS = [("a fine film", "good"), ("dull and long", "bad"), ("fine", "good"), ("so dull", "bad")] * 6
TINY = ("--cell", "vanilla", "--units", 8, "--batch-size", 8, "--learning-rate", 0.03)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Labelled files, and a classifier that was trained on one by the command line."""
    folder = tmp_path_factory.mktemp("labelled")
    lines = ["\t".join(row) for row in ROWS]
    ks.datasets.write_lines(folder / "train.tsv", ["sentence\tlabel", *lines])
    ks.datasets.write_lines(folder / "plain.tsv", lines)
    marks = [f"{label}|long,{text}" for text, label in ROWS]
    ks.datasets.write_lines(folder / "marks.csv", ["tags,text", *marks])
    with pytest.MonkeyPatch.context() as patch:
        words = command(folder, folder / "m.keras", "--val", folder / "train.tsv", "--epochs", 4)
        run_command(patch, *words)
    return folder


def command(folder, out, *more):
    """The words of a training command."""
    named = ("--train", folder / "train.tsv", "--text-column", "sentence")
    return ["train", "classifier", *named, "--out", out, *TINY, *more]


def printed(capsys):
    return capsys.readouterr().out.split("\n")[:-1]


def test_a_trained_model_answers(files, run, capsys):
    model = ks.models.load_model(files / "m.keras")
    assert model.class_names == ["bad", "good"] and model.get_config()["units"] == 8
    assert not (files / "m.keras.state").exists()
    texts = ["so dull", "", "a fine film"]
    run("predict", files / "m.keras", stdin="\n".join(texts).encode())
    assert model.classify(texts)[1] is None
    assert printed(capsys) == [label or "" for label in model.classify(texts)]
    run("predict", files / "m.keras", "--probabilities", stdin=b"so dull\n")
    (line,) = printed(capsys)
    label, *ranked = line.split("\t")
    probabilities = model.classify("so dull", return_probabilities=True)["probabilities"]
    assert label == ranked[0] == "bad" and ranked[2] == "good"
    assert float(ranked[1]) == pytest.approx(probabilities["bad"], abs=1e-4)


def test_marks_and_encodings_of_standard_input_change_no_answer(files, run, capsys):
    command = ("predict", files / "m.keras", "--probabilities")
    text = "dull film\r\n\r\nfine\u2028and long\x85\rgood\nso dull"
    run(*command, stdin=text.encode())
    expected = printed(capsys)
    assert len(expected) == 4
    for stdin in (text.encode("utf-8-sig"), text.encode("utf-16"), text.encode() + b"\r\n"):
        run(*command, stdin=stdin)
        assert printed(capsys) == expected
    run(*command, stdin="dull\u00e9\n".encode())
    expected = printed(capsys)
    run(*command, "--encoding", "cp1252", stdin=b"dull\xe9\n")
    assert printed(capsys) == expected
    run(*command, stdin=b"")
    assert printed(capsys) == []


def test_files_of_spreadsheets_in_each_command(files, run, mistake, capsys, tmp_path):
    texts, labels = zip(*ROWS, strict=True)
    rows = [f"{text};{label};" for text, label in zip(texts, labels, strict=True)]
    table = "\r\n".join(["text;label;", *rows, ";;", ""])
    (tmp_path / "a.csv").write_bytes(table.encode("utf-16"))
    (tmp_path / "b.csv").write_bytes(table.replace("dull", "d\u00fcll").encode("cp1252"))
    run("evaluate", files / "m.keras", "--data", tmp_path / "a.csv", "--out", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["accuracy"] == 1.0
    capsys.readouterr()
    data = ("--data", tmp_path / "b.csv")
    run("evaluate", files / "m.keras", *data, status=2)
    assert "b.csv, line 3: byte 0xfc" in (told := mistake()) and "`--encoding`" in told
    run("evaluate", files / "m.keras", *data, "--encoding", "cp1252", "--separator", ";")
    run("evaluate", files / "m.keras", *data, "--encoding", "latin", "--separator", "\\t", status=2)
    assert "divided at tabs" in mistake()
    run("evaluate", files / "m.keras", *data, "--encoding", "x", status=2)
    assert "`encoding` must be the name of an encoding" in mistake()
    out = tmp_path / "m.keras"
    train = ("--train", tmp_path / "b.csv", "--encoding", "cp1252", "--epochs", 1, "--not-quoted")
    run("train", "classifier", *train, "--val", tmp_path / "b.csv", "--out", out, *TINY)
    assert "d\u00fcll" in ks.models.load_model(out).tokenizer.vocabulary


def test_settings_of_a_training_are_those_of_older_states(files):
    given = types.SimpleNamespace(
        **{"train": files / "train.tsv", "encoding": None, "separator": None, "quoted": None},
        **{"units": 8, "out": "m.keras"},
    )
    size = (files / "train.tsv").stat().st_size
    old = flatten({"train": f"{size} bytes", "units": 8}, "config")
    assert differences(old, flatten(settings(given), "config")) == []
    given.separator = ";"
    found = differences(old, flatten(settings(given), "config"))
    assert found == ['config.separator was absent, is ";"']


def test_evaluate_writes_what_the_model_finds(files, run, capsys):
    run(
        *("evaluate", files / "m.keras", "--data", files / "plain.tsv", "--out", files / "s.json"),
        *("--text-column", 0, "--label-column", 1),
    )
    scores = json.loads((files / "s.json").read_text())
    model = ks.models.load_model(files / "m.keras")
    texts, labels = zip(*ROWS, strict=True)
    expected = model.evaluate(texts, labels, verbose=0, return_dict=True)
    assert scores["texts"] == 24
    assert scores["accuracy"] == pytest.approx(expected["accuracy"])
    assert scores["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    assert scores["accuracy"] == scores["macro_f1"] == 1.0  # four texts, seen often
    assert scores["classes"]["bad"] == {"texts": 12, "f1": 1.0}
    assert "macro f1" in capsys.readouterr().out


def test_any_number_of_labels_from_options_to_answers(files, run, capsys, tmp_path):
    out = tmp_path / "m.keras"
    options = (
        *("--train", files / "marks.csv", "--label-column", "tags", "--label-separator", "|"),
        *("--text-column", "text", "--val", files / "marks.csv", "--score", "f1", "--epochs", 1),
        *("--pooling", "attention", "--layers", 2, "--unidirectional", "--tokens", "char"),
        *("--ema", 0.5, "--label-smoothing", 0.1),
    )
    run("train", "classifier", "--out", out, *TINY, *options)
    model = ks.models.load_model(out)
    assert model.multi_label and model.class_names == ["bad", "good", "long"]
    assert isinstance(model.pooling, ks.layers.AttentionPooling)
    config = model.get_config()
    assert config["num_layers"] == 2 and not config["bidirectional"]
    assert model.loss.get_config()["label_smoothing"] == 0.1
    assert "val_f1" in capsys.readouterr().out
    run("predict", out, "--threshold", 1e-9, stdin=b"fine\n")
    assert printed(capsys) == ["bad|good|long"]
    data = ("--data", files / "marks.csv", "--label-column", "tags")
    run("evaluate", out, *data, "--out", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["classes"]["long"]["texts"] == 24


def test_info_names_classes_and_pooling(files, run, capsys):
    run("info", files / "m.keras")
    shown = " ".join(capsys.readouterr().out.split())
    assert "classes bad, good" in shown and "pooling AttentionPooling" in shown
    assert "tokenizer WordTokenizer, 11 ids" in shown


def test_an_interrupted_training_goes_on_bitwise_the_same(files, run, tmp_path, monkeypatch):
    out, whole = tmp_path / "m.keras", tmp_path / "whole.keras"

    def press(self, batch, logs=None):
        if batch == 1 and self.model.optimizer.iterations > 3:  # in the second epoch
            signal.raise_signal(signal.SIGINT)

    options = ("--epochs", 2, "--balanced", "--dropout", 0.3)
    with monkeypatch.context() as patch:
        patch.setattr(StopOnInterrupt, "on_train_batch_begin", press)
        run(*command(files, out, *options), status=130)
    assert (tmp_path / "m.keras.state").exists()
    run(*command(files, out, *options, "--resume"))
    run(*command(files, whole, *options))
    models = [keras.saving.load_model(path) for path in (out, whole)]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--cell", "transformer"), "'lstm', 'gru', 'vanilla', 'irnn'"),
        (("--text-column", "text"), "train.tsv, line 1: expected the names of the columns"),
        (("--score", "f1"), "--score f1 is for --label-separator"),
        (("--balanced", "--label-separator", "|"), "--balanced is for one label a text"),
        (("--out", "m.h5"), "--out must end in .keras; received m.h5"),
        (("--epochs", 0), "--epochs must be at least 1; received 0"),
        (("--train", "/no/such/file"), "/no/such/file"),
    ],
)
def test_mistakes_are_one_line(files, run, mistake, tmp_path, words, expected):
    run(*command(files, tmp_path / "m.keras", *words), status=2)
    assert expected in mistake()
    assert not any(tmp_path.iterdir())


def test_a_label_never_seen_in_training_names_file_and_line(files, run, mistake, tmp_path):
    strange = tmp_path / "strange.tsv"
    ks.datasets.write_lines(strange, ["sentence\tlabel", "fine\tgood", "fine\tgreat"])
    run(*command(files, tmp_path / "m.keras", "--val", strange), status=2)
    expected = "strange.tsv, line 3: there is no label 'great'; there are 'bad', 'good'"
    assert expected in mistake()
    run("evaluate", files / "m.keras", "--data", strange, "--text-column", "sentence", status=2)
    assert expected in mistake()


def test_each_kind_of_model_has_its_commands(files, run, mistake, capsys, tmp_path):
    run("generate", files / "m.keras", stdin=b"fine\n", status=2)
    assert (
        "holds a TextClassifier, which writes no text: the command for it is predict" in mistake()
    )
    run("evaluate", files / "m.keras", "--source", files / "train.tsv", status=2)
    assert "A classifier is evaluated on --data" in mistake()

    texts, labels = zip(*ROWS, strict=True)
    translator = ks.models.Seq2Seq.from_texts(texts, labels, tokens="char", cell="gru", units=4)
    translator.compile("adam")
    translator.save(tmp_path / "t.keras")
    run("predict", tmp_path / "t.keras", stdin=b"fine\n", status=2)
    assert "holds a Seq2Seq, which has no classes: the command for it is generate" in mistake()
    run("evaluate", tmp_path / "t.keras", status=2)
    assert "A translator is evaluated on --source and --target, or on --data" in mistake()
    shutil.copy(files / "plain.tsv", tmp_path / "pairs.tsv")
    columns = ("--text-column", 0, "--label-column", 1, "--sampler", "greedy")
    run("evaluate", tmp_path / "t.keras", "--data", tmp_path / "pairs.tsv", *columns)
    assert "perplexity" in capsys.readouterr().out
