"""The command line, called in this process."""

import io
import json
import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image

import keras_seq as ks
from keras_seq import cli, demo

SOURCES = ["abc", "cab", "bca", "aab", "cc", "b", "acb", "bb"] * 4
TARGETS = [text[::-1] for text in SOURCES]
TINY = [
    "--tokens",
    "char",
    "--cell",
    "gru",
    "--units",
    "8",
    "--batch-size",
    "8",
    "--epochs",
    "1",
    "--dropout",
    "0",
]


def run(monkeypatch, *words, stdin=b"", fails=False):
    """Run `keras-seq words`; return nothing, or fail where the exit status is not as expected."""
    monkeypatch.setattr(sys, "argv", ["keras-seq", *map(str, words)])
    text = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", text)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert bool(end.value.code) == fails


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of pairs, and a model trained on them by the command."""
    folder = tmp_path_factory.mktemp("cli")
    ks.datasets.write_lines(folder / "source.txt", SOURCES)
    ks.datasets.write_lines(folder / "target.txt", TARGETS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        run(
            monkeypatch,
            *("train", "seq2seq", "--source", folder / "source.txt"),
            *("--target", folder / "target.txt", "--val-source", folder / "source.txt"),
            *("--val-target", folder / "target.txt", "--out", folder / "model.keras", *TINY),
        )
    return folder


def test_trained_file_is_a_model_with_the_options_given(files):
    model = keras.saving.load_model(files / "model.keras")
    config = model.get_config()
    assert config["units"] == 8
    assert config["cell"]["class_name"] == "GRUCell"
    assert isinstance(model.source_tokenizer, ks.text.CharacterTokenizer)
    assert isinstance(model.sampler, ks.samplers.Beam)
    assert sorted(path.name for path in files.iterdir()) == [
        "model.keras",
        "source.txt",
        "target.txt",
    ]


def test_generate_writes_one_line_for_each_line(files, monkeypatch, capsys):
    lines = ["abc", "", "zzz", "cab"]
    run(
        monkeypatch,
        *("generate", files / "model.keras", "--sampler", "greedy"),
        stdin="\n".join(lines).encode(),
    )
    expected = ks.models.load_model(files / "model.keras").generate(lines, sampler="greedy")
    assert capsys.readouterr().out.split("\n")[:-1] == expected


def test_evaluate_scores_what_generate_writes(files, monkeypatch, capsys):
    run(
        monkeypatch,
        *("evaluate", files / "model.keras", "--source", files / "source.txt"),
        *("--target", files / "target.txt", "--out", files / "scores.json"),
    )
    scores = json.loads((files / "scores.json").read_text())
    (files / "scores.json").unlink()
    model = ks.models.load_model(files / "model.keras")
    answers = model.generate(SOURCES)
    assert scores["exact_match"] == np.mean([a == b for a, b in zip(answers, TARGETS, strict=True)])
    assert scores["texts"] == len(SOURCES)
    expected = model.evaluate(SOURCES, TARGETS, verbose=0, return_dict=True)["perplexity"]
    assert scores["perplexity"] == pytest.approx(expected, rel=1e-4)
    assert "chrf" in capsys.readouterr().out


def test_info_names_cell_and_tokenizers(files, monkeypatch, capsys):
    run(monkeypatch, "info", files / "model.keras")
    printed = capsys.readouterr().out
    assert "GRUCell" in printed and "CharacterTokenizer, 7 ids" in printed


def test_minutes_end_the_training(files, monkeypatch, tmp_path):
    words = [word for word in TINY if word not in ("--epochs", "1")]
    run(
        monkeypatch,
        *("train", "seq2seq", "--source", files / "source.txt"),
        *("--target", files / "target.txt", "--out", tmp_path / "m.keras", *words),
        *("--minutes", 0.02),
    )
    assert (tmp_path / "m.keras").exists()


def train(files, **changes):
    """The words of a training command with some options changed."""
    options = {
        "--source": files / "source.txt",
        "--target": files / "target.txt",
        "--out": files / "other.keras",
        **changes,
    }
    words = [word for pair in options.items() for word in pair]
    return ["train", "seq2seq", *TINY, *words]


def one_line(capsys):
    """The single line on standard error."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("keras-seq:")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"--cell": "transformer"}, "'vanilla', 'lstm', 'gru'"),
        ({"--attention": "magic"}, "'additive'"),
        ({"--units": "0"}, "`units` must be an integer above 0; received 0"),
        ({"--dropout": "1.5"}, "`dropout`"),
        ({"--minutes": "-1"}, "`minutes` must be above 0"),
        ({"--out": "/no/such/folder/m.keras"}, "/no/such/folder/m.keras cannot be written"),
        ({"--val-source": "x.txt"}, "--val-source and --val-target go together"),
        ({"--source": "/no/such/file"}, "/no/such/file"),
    ],
)
def test_mistakes_are_one_line(files, monkeypatch, capsys, changes, expected):
    run(monkeypatch, *train(files, **changes), fails=True)
    assert expected in one_line(capsys)
    assert not (files / "other.keras").exists()


def test_unequal_files_name_the_line_without_partner(files, monkeypatch, capsys, tmp_path):
    ks.datasets.write_lines(tmp_path / "short.txt", TARGETS[:5])
    run(monkeypatch, *train(files, **{"--target": tmp_path / "short.txt"}), fails=True)
    line = one_line(capsys)
    assert "32" in line and "5" in line and "line 6" in line


def test_broken_utf8_names_file_and_line(files, monkeypatch, capsys, tmp_path):
    broken = tmp_path / "broken.txt"
    broken.write_bytes("\n".join(SOURCES[:2]).encode() + b"\n\xff\xfe\n")
    run(monkeypatch, *train(files, **{"--source": broken}), fails=True)
    line = one_line(capsys)
    assert str(broken) in line and "line 3" in line and "0xff" in line
    run(monkeypatch, "generate", files / "model.keras", stdin=b"abc\n\xff\n", fails=True)
    assert "standard input, line 2: byte 0xff" in one_line(capsys)


def test_empty_corpus(files, monkeypatch, capsys, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    empty = {"--source": tmp_path / "empty.txt", "--target": tmp_path / "empty.txt"}
    run(monkeypatch, *train(files, **empty), fails=True)
    assert "empty" in one_line(capsys)


def test_damaged_and_foreign_models(files, monkeypatch, capsys, tmp_path):
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes((files / "model.keras").read_bytes()[:1000])
    run(monkeypatch, "info", damaged, fails=True)
    assert "damaged" in one_line(capsys)

    foreign = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(foreign)
    run(monkeypatch, "info", foreign, fails=True)
    assert "not a keras_seq task model" in one_line(capsys)

    run(monkeypatch, "info", tmp_path / "missing.keras", fails=True)
    assert "There is no file" in one_line(capsys)


def test_unknown_sampler(files, monkeypatch, capsys):
    run(monkeypatch, "generate", files / "model.keras", "--sampler", "oracle", fails=True)
    assert "'greedy', 'beam'" in one_line(capsys)


def test_typed_lines_are_answered_one_by_one(monkeypatch):
    typed = types.SimpleNamespace(isatty=lambda: True, buffer=[b"a\n", b"b\r\n"])
    monkeypatch.setattr(sys, "stdin", typed)
    assert list(cli.stdin_batches(64)) == [["a"], ["b"]]


def test_demo_writes_model_and_figures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "UNSEEN", 20)
    exact = demo.run(tmp_path, pairs=100, epochs=1)
    assert 0 <= exact <= 1
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["attention.png", "dates.keras", "training.png"]
    assert Image.open(tmp_path / "attention.png").size[0] > 300
    answer = keras.saving.load_model(tmp_path / "dates.keras").generate("27 September 2016")
    assert isinstance(answer, str)
    printed = capsys.readouterr().out
    assert f"Exact match on 20 unseen dates: {exact:.4f}" in printed
    assert "Best exact match that any model can reach on them: 1.0000." in printed
