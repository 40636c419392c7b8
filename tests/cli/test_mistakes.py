"""What somebody new to the command line does: one line of error, the right exit status."""

import errno
import gzip
import io
import os
import sys
import types

import pytest

import keras_seq as ks
from keras_seq.cli import app
from keras_seq.cli.show import check_writable, stdin_batches

pytestmark = pytest.mark.once
TEXTS, LABELS = ["a fine film", "so dull"] * 4, ["good", "bad"] * 4
TINY = {"cell": "vanilla", "units": 3}


@pytest.fixture(scope="module")
def models():
    """A model of each kind, by the name of the file that it is said to be in."""
    tags = [" ".join("N" * len(text.split())) for text in TEXTS]
    kinds = ks.models
    found = {
        "c.keras": kinds.TextClassifier.from_texts(TEXTS, LABELS, **TINY),
        "t.keras": kinds.TextTagger.from_texts(TEXTS, tags, **TINY),
        "l.keras": kinds.LanguageModel.from_texts(TEXTS, **TINY),
        "s.keras": kinds.Seq2Seq.from_texts(TEXTS, TEXTS, tokens="char", cell="gru", units=3),
    }
    for model in found.values():
        model.compile("adam")
    return found


@pytest.fixture
def folder(models, tmp_path, monkeypatch):
    """A folder to work in, with files that are right, and the models as if they were there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ks.models, "load_model", lambda path: models[str(path)])
    rows = [f"{text}\t{label}" for text, label in zip(TEXTS, LABELS, strict=True)]
    ks.datasets.write_lines("good.tsv", ["text\tlabel", *rows])
    ks.datasets.write_lines("good.txt", TEXTS)
    ks.datasets.write_conll("good.col", [(["fine", "film"], ["A", "N"])])
    return tmp_path


LM = ("train", "lm", "--train", "good.txt", "--out", "o.keras")
BAD = {  # what a file holds, and what is said of it
    "missing": (None, "There is no file"),
    "folder": ("folder", "is a folder"),
    "empty": (b"", "has no"),
    "a mark alone": (b"\xef\xbb\xbf", "has no"),
    "Latin-1": ("schön\tgut\n".encode("latin-1"), "line 1: byte 0xf6 at offset 3 is not valid UTF"),
    "bytes": (b"\x80\x02}q\0.", "line 1: byte 0x80 at offset 0"),
    "a workbook": (b"PK\x03\x04\x14\0\x06\0", "is a zip archive, as workbooks (.xlsx) are"),
    "gzip by another name": (gzip.compress(b"a"), "is gzip: expected text, or a file whose name"),
    "UTF-16 without a mark": ("text\tlabel\n".encode("utf-16-le"), "as in UTF-16"),
}
READING = [
    *(("evaluate", model, "--data") for model in ("c.keras", "t.keras", "l.keras", "s.keras")),
    ("evaluate", "s.keras", "--source", "good.txt", "--target"),
    ("train", "classifier", "--out", "o.keras", "--train"),
    ("train", "classifier", "--out", "o.keras", "--train", "good.tsv", "--val"),
    ("train", "tagger", "--out", "o.keras", "--train"),
    ("train", "lm", "--out", "o.keras", "--train"),
    ("train", "lm", "--out", "o.keras", "--train", "good.txt", "--val"),
    ("train", "seq2seq", "--out", "o.keras", "--source", "good.txt", "--target"),
    ("train", "seq2seq", "--out", "o.keras", "--stream", "--target", "good.txt", "--source"),
    ("compare", "--train"),
    ("compare", "--train", "good.tsv", "--test"),
]


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=[*BAD])
def test_every_command_tells_of_a_bad_file(folder, run, capsys, content, message):
    bad = folder / "ein Ordner" / "schön.tsv"
    bad.parent.mkdir()
    if content == "folder":
        bad.mkdir()
    elif content is not None:
        bad.write_bytes(content)
    before = sorted(os.listdir())
    for command in READING:
        run(*command, bad, status=2)
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == 1 and errors[0].startswith("keras-seq: "), (command, errors)
        expected = (
            "must have as many lines" if message == "has no" and "good.txt" in command else message
        )
        if "lm" in command and message == "has no":
            expected = "has no text"
        assert expected in errors[0] and "schön.tsv" in errors[0], (command, errors)
    assert sorted(os.listdir()) == before


def test_files_that_may_not_be_read(folder, run, mistake, monkeypatch):
    usual = open

    def refuse(path, *words, **options):
        if str(path) == "good.tsv":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return usual(path, *words, **options)

    monkeypatch.setattr("builtins.open", refuse)
    run("evaluate", "c.keras", "--data", "good.tsv", status=2)
    assert mistake() == "keras-seq: good.tsv: Permission denied"


def test_a_path_that_holds_no_model(run, mistake, tmp_path):
    (tmp_path / "text.keras").write_text("no model")
    for name, message in (
        ("none.keras", "There is no file"),
        ("text.keras", "is not a .keras file"),
        ("", "is a folder: expected a .keras file"),
    ):
        for command in ("info", "predict", "generate", "evaluate", "export"):
            more = (tmp_path / "out",) if command == "export" else ()
            run(command, tmp_path / name, *more, status=2)
            assert message in mistake()
    run("serve-check", tmp_path / "none", status=2)
    assert "There is no folder" in mistake()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("generate", "c.keras"), "holds a TextClassifier, which writes no text: the command"),
        (("predict", "s.keras"), "holds a Seq2Seq, which has no classes: the command for it"),
        (("generate", "s.keras", "--prompt", "a"), "--prompt is for a language model; the"),
        (("generate", "s.keras", "--count", 2), "--count is for a language model; the"),
        (("generate", "l.keras", "--replace-unknown"), "--replace-unknown is for a translator"),
        (("generate", "l.keras", "--count", 2), "--count counts texts from one --prompt"),
        (("predict", "c.keras", "--format", "conll"), "--format is for a tagger; the model"),
        (("predict", "t.keras", "--threshold", 0.5), "--threshold is for a classifier; the model"),
        (("predict", "t.keras", "--label-separator", ";"), "--label-separator is for a cl"),
        (("evaluate", "c.keras", "--scheme", "BIO"), "--scheme is for a tagger; the model"),
        (("evaluate", "c.keras", "--comment", "#"), "--comment is for a tagger"),
        (("evaluate", "t.keras", "--quoted"), "--quoted is for a translator or a classifier; the"),
        (("evaluate", "l.keras", "--separator", ";"), "--separator is for a translator or a class"),
        (("evaluate", "s.keras", "--lines"), "--lines is for a language model; the model"),
        (("evaluate", "c.keras", "--sampler", "beam"), "--sampler is for a translator or a"),
        (("evaluate", "t.keras", "--data", "good.txt"), "received 2, ['so', 'dull']"),
        (
            ("evaluate", "c.keras", "--data", "good.tsv", "--out", "good.tsv"),
            "good.tsv is read fro",
        ),
        (("evaluate", "c.keras", "--data", "good.tsv", "--out", "."), "it is a folder; a file nam"),
        (("export", "c.keras", "c.onnx"), 'ends in .onnx, which goes with format="onnx"'),
        (("predict", "c.keras", "--batch-size", 0), "--batch-size must be at least 1; received 0"),
        (
            ("generate", "s.keras", "--batch-size", -1),
            "--batch-size must be at least 1; received -1",
        ),
        (("evaluate", "l.keras", "--batch-size", 0), "--batch-size must be at least 1; received 0"),
        ((*LM, "--batch-size", 0), "--batch-size must be at least 1; received 0"),
        ((*LM, "--patience", 0), "--patience must be at least 1; received 0"),
        ((*LM, "--learning-rate", -1), "--learning-rate must be above 0; received -1.0"),
        ((*LM, "--learning-rate", "nan"), "--learning-rate must be above 0; received nan"),
        ((*LM, "--clip", -1), "--clip must be at least 0; received -1.0"),
        ((*LM, "--weight-decay", -1), "--weight-decay must be at least 0; received -1.0"),
    ],
)
def test_options_that_have_no_meaning(folder, run, mistake, words, message):
    before = sorted(os.listdir())
    run(*words, stdin=b"a\n", status=2)
    assert message in mistake()
    assert sorted(os.listdir()) == before and (folder / "good.tsv").read_text().startswith("text\t")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("predict", "c.keras", "--probabilites"), "Possible options: --probabilities"),
        (("predikt", "c.keras"), "No such command 'predikt'"),
        (("predict",), "Missing argument"),
        (("train", "lm", "--train", "good.txt"), "Missing option '--out'"),
        (("train", "classifier", "--tokens", "words"), "'words' is not one of"),
        (("predict", "c.keras", "--batch-size", "many"), "Invalid value for '--batch-size'"),
        (("demo", "--pairs", 0), "Invalid value for '--pairs'"),
    ],
)
def test_misspelt_words_are_told_with_the_usage(run, capsys, words, message):
    run(*words, status=2)
    shown = capsys.readouterr()
    assert message in " ".join(shown.err.split()) and shown.out == ""


def test_no_words_show_the_help(run, capsys):
    run(status=2)
    assert "predict" in capsys.readouterr().out
    run("--help")
    shown = capsys.readouterr().out
    assert "--version" in shown and "serve-check" in shown
    for command in ("train classifier", "train tagger", "evaluate", "compare", "predict"):
        run(*command.split(), "--help")
        shown = capsys.readouterr().out
        assert "--encoding" in shown
        assert ("--separator" in shown.replace("--label-separator", "")) == (command != "predict")
        assert ("--comment" in shown) == (command in ("train tagger", "evaluate"))


def test_version(run, capsys):
    run("--version")
    assert capsys.readouterr().out == f"keras-seq {ks.__version__}\n"


def test_file_names_with_blanks_and_umlauts(folder, run, capsys):
    os.rename("good.tsv", "ä ö.tsv")
    out = folder / "größe 1" / "mein modell.keras"
    command = ("train", "classifier", "--train", "ä ö.tsv", "--out", out, "--epochs", 1)
    run(*command, "--units", 3, "--cell", "vanilla")
    assert capsys.readouterr().out.endswith(f"Wrote {out}.\n") and out.is_file()
    run("evaluate", "c.keras", "--data", "ä ö.tsv", "--out", "neu/ü.json")
    assert os.path.isfile("neu/ü.json")


def test_the_prompt_of_a_file_has_no_mark(folder, run, capsys):
    command = ("generate", "l.keras", "--max-length", 4, "--sampler", "greedy", "--prompt")
    run(*command, "so")
    expected = capsys.readouterr().out
    run(*command, "\ufeffso")
    assert capsys.readouterr().out == expected


def test_ctrl_c(folder, run, monkeypatch):
    def press(*texts, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ks.models.TextClassifier, "classify", press)
    run("predict", "c.keras", stdin=b"a\n", status=130)


def output(monkeypatch, descriptor):
    """Let standard output be that of a descriptor, in an encoding that is not UTF-8."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.FileIO(descriptor, "w"), "ascii"))


def test_a_reader_that_went_away_is_no_mistake(folder, run, capsys, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    output(monkeypatch, write)
    run("predict", "c.keras", stdin=b"a\n", status=1)  # each line is written at once
    read, write = os.pipe()
    os.close(read)
    output(monkeypatch, write)
    run("evaluate", "c.keras", "--data", "good.tsv", status=1)  # at the end
    sys.stdout.flush()
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told(folder, run, mistake, monkeypatch):
    for command in (("predict", "c.keras"), ("evaluate", "c.keras", "--data", "good.tsv")):
        output(monkeypatch, os.open("/dev/full", os.O_WRONLY))
        run(*command, stdin=b"a\n", status=2)
        assert "No space left on device" in mistake()


def test_output_is_utf8_whatever_the_locale(folder, run, monkeypatch):
    read, write = os.pipe()
    output(monkeypatch, write)
    run("predict", "t.keras", stdin="schön \u2028日本\n".encode())
    sys.stdout.close()
    with open(read, "rb") as written:
        assert written.read().decode() == "schön/N \u2028日本/N\n"


def test_without_streams(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="There is no standard input"):
        next(stdin_batches(1))
    app.tell(OSError(errno.EACCES, "Permission denied", "a"))
    app.tell(ValueError("two\n  lines"))
    assert capsys.readouterr().err == "keras-seq: a: Permission denied\nkeras-seq: two lines\n"
    monkeypatch.setattr(sys, "stderr", None)
    app.tell(ValueError("a"))
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "stdout", None)
    assert app.flushed(0) == 0


def test_a_terminal_is_told_what_is_waited_for(monkeypatch, capsys):
    typed = types.SimpleNamespace(isatty=lambda: True, buffer=[b"a\n", b"b"])
    monkeypatch.setattr(sys, "stdin", typed)
    assert list(stdin_batches(64)) == [["a"], ["b"]]
    assert capsys.readouterr().err == "Texts are read from the keyboard, one a line.\n"


def test_what_is_read_is_not_overwritten(folder):
    os.symlink("good.tsv", "link")
    with pytest.raises(ValueError, match="link is read from: it would be overwritten"):
        check_writable(folder / "link", None, folder / "good.tsv")
    check_writable(folder / "new", None, folder / "good.tsv", folder / "none")
