"""The command that trains, called in this process."""

import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq as ks
from keras_seq.callbacks import StopOnInterrupt
from keras_seq.callbacks.state_file import read_state

TINY = (
    *("--tokens", "char", "--cell", "vanilla", "--attention", "none", "--units", "8"),
    *("--batch-size", "8", "--dropout", "0.2"),
)
KILL = """
import os, signal
from keras_seq.callbacks import Checkpoint
from keras_seq.callbacks.state_file import read_state
from keras_seq.cli import main

def kill(self, batch, logs=None):
    if batch == 1 and read_state(self.path)[0]["epoch"] == 1:
        os.kill(os.getpid(), signal.SIGKILL)

Checkpoint.on_train_batch_end = kill
main()
"""


def command(corpus, out, *more, held_out=False):
    """The words of a training command."""
    words = ["train", "seq2seq", "--source", corpus / "source.txt", "--out", out, *TINY]
    words += ["--target", corpus / "target.txt", *more]
    if held_out:
        words += ["--val-source", corpus / "source.txt", "--val-target", corpus / "target.txt"]
    return [str(word) for word in words]


@pytest.mark.once
def test_options_reach_model_optimizer_and_loss(corpus, run, tmp_path, capsys):
    out = tmp_path / "m.keras"
    options = (
        *("--epochs", 1, "--layers", 2, "--order", "luong", "--attention", "general", "--residual"),
        *("--input-feeding", "--readout", "maxout", "--tie-embeddings", "--stream"),
        *("--label-smoothing", 0.1, "--ema", 0.5, "--weight-decay", 0.01, "--clip", 0.5),
        *("--teacher-forcing-ratio", 0.9, "--score", "chrf"),
    )
    run(*command(corpus, out, *options, held_out=True))
    model = keras.saving.load_model(out)
    config = model.get_config()
    assert config["units"] == 8 and config["num_layers"] == 2 and config["order"] == "luong"
    assert config["input_feeding"] and config["residual"] and config["tie_embeddings"]
    assert config["readout"] == "maxout" and config["teacher_forcing_ratio"] == 0.9
    assert isinstance(model.source_tokenizer, ks.text.CharacterTokenizer)
    assert isinstance(model.sampler, ks.samplers.Beam)
    optimizer = model.optimizer.get_config()
    assert type(model.optimizer).__name__ == "AdamW"  # each backend has its own class
    assert optimizer["use_ema"] and optimizer["ema_momentum"] == 0.5
    assert optimizer["weight_decay"] == 0.01 and optimizer["global_clipnorm"] == 0.5
    assert model.loss.get_config()["label_smoothing"] == 0.1
    printed = capsys.readouterr().out
    assert "val_chrf" in printed
    assert "order luong" in " ".join(printed.split())
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.once
def test_minutes_end_the_training_of_a_pointer_fed_with_its_own_samples(corpus, run, tmp_path):
    out = tmp_path / "m.keras"
    pointer = ("--copy", "--attention", "general", "--order", "luong")
    own = ("--teacher-forcing-ratio", 0.5, "--sampling-level", "step", "--feedback", "sample")
    run(*command(corpus, out, "--minutes", 0.01, "--warmup", 0.2, *pointer, *own))
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]
    config = ks.models.load_model(out).get_config()
    assert config["copy"] and config["teacher_forcing_ratio"] == 0.5
    assert config["sampling_level"] == "step" and config["feedback"] == "sample"


@pytest.mark.once
def test_options_against_overfitting(corpus, run, tmp_path):
    out = tmp_path / "m.keras"
    options = ("--token-dropout", 0.1, "--variational", "--r-drop", 2, "--subword-sampling", 0.3)
    time = ("--minutes", 0.01, "--warmup", 0.1, "--schedule", "cosine")
    run(*command(corpus, out, "--tokens", "subword", "--vocabulary", 12, *options, *time))
    model = ks.models.load_model(out)
    config = model.get_config()
    assert config["token_dropout"] == 0.1 and config["variational"]
    assert model.get_compile_config()["r_drop"] == 2
    assert isinstance(model.source_tokenizer, ks.text.SubwordTokenizer)


@pytest.mark.slow
@pytest.mark.once
def test_a_killed_training_goes_on_bitwise_the_same(corpus, run, tmp_path):
    out, whole = tmp_path / "m.keras", tmp_path / "whole.keras"
    options = ("--epochs", 2, "--ema", 0.9, "--stream")
    ended = subprocess.run([sys.executable, "-c", KILL, *command(corpus, out, *options)])
    assert ended.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras.state"]
    run(*command(corpus, out, *options, "--resume"))
    run(*command(corpus, whole, *options))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.keras", "whole.keras"]
    models = [keras.saving.load_model(path) for path in (out, whole)]
    values = [[*model.weights, *model.optimizer.variables] for model in models]
    for a, b in zip(*values, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@pytest.mark.once
def test_ctrl_c_writes_the_model_and_keeps_the_state(corpus, run, tmp_path, monkeypatch, mistake):
    out = tmp_path / "m.keras"

    def press(self, batch, logs=None):
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(StopOnInterrupt, "on_train_batch_begin", press)
        run(*command(corpus, out), status=130)
    assert signal.getsignal(signal.SIGINT) is before
    assert isinstance(ks.models.load_model(out), ks.models.Seq2Seq)
    assert read_state(tmp_path / "m.keras.state")[0]["epoch"] == 0

    run(*command(corpus, out), status=2)
    assert "a training that is not complete: go on with it by --resume" in mistake()
    run(*command(corpus, out, "--resume", "--learning-rate", 0.1), status=2)
    assert "config.learning_rate was 0.002, is 0.1" in mistake()


@pytest.mark.once
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--cell", "transformer"), "'lstm', 'gru', 'vanilla', 'irnn'"),
        (("--attention", "magic"), "'additive'"),
        (("--units", "0"), "`units` must be an integer above 0; received 0"),
        (("--dropout", "1.5"), "`dropout`"),
        (("--epochs", "0"), "--epochs must be at least 1; received 0"),
        (("--minutes", "-1"), "`minutes` must be above 0"),
        (("--subword-sampling", "0.1"), "`subword_sampling` needs a model with a SubwordTokenizer"),
        (("--score", "bleu"), "--score bleu needs --val-source"),
        (("--out", "/dev/null/m.keras"), "/dev/null/m.keras cannot be written: /dev/null is no"),
        (("--out", "m.h5"), "--out must end in .keras; received m.h5"),
        (("--val-source", "x.txt"), "--val-source and --val-target go together"),
        (("--source", "/no/such/file"), "/no/such/file"),
    ],
)
def test_mistakes_are_one_line(corpus, run, mistake, tmp_path, words, expected):
    run(*command(corpus, tmp_path / "m.keras", *words), status=2)
    assert expected in mistake()
    assert not any(tmp_path.iterdir())


@pytest.mark.once
@pytest.mark.parametrize("more", [(), ("--stream",)])
def test_unequal_files_name_the_line_without_partner(corpus, run, mistake, tmp_path, more):
    lines = ks.datasets.read_lines(corpus / "target.txt")
    ks.datasets.write_lines(tmp_path / "short.txt", lines[:5])
    more = ("--target", tmp_path / "short.txt", *more)
    run(*command(corpus, tmp_path / "m.keras", *more), status=2)
    line = mistake()
    assert "32" in line and "5" in line and "line 6" in line


@pytest.mark.once
def test_patterns_of_files_are_streamed(corpus, run, tmp_path, capsys):
    for name in ("source", "target"):
        lines = ks.datasets.read_lines(corpus / f"{name}.txt")
        for k in range(2):
            ks.datasets.write_lines(tmp_path / "parts" / f"{k}.{name}", lines[k::2])
    parts = [("--" + name, tmp_path / "parts" / f"*.{name}") for name in ("source", "target")]
    words = (word for part in parts for word in part)
    run(*command(corpus, tmp_path / "m.keras", "--epochs", 1, "--stream", *words))
    assert "32 pairs." in capsys.readouterr().out
    vocabulary = keras.saving.load_model(tmp_path / "m.keras").source_tokenizer.vocabulary
    characters = "".join(ks.datasets.read_lines(corpus / "source.txt"))
    assert {*vocabulary[4:]} == {*characters}


@pytest.mark.once
def test_broken_utf8_names_file_and_line(corpus, run, mistake, tmp_path):
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"abc\ncab\n\xff\xfe\n")
    run(*command(corpus, tmp_path / "m.keras", "--source", broken), status=2)
    line = mistake()
    assert str(broken) in line and "line 3" in line and "0xff" in line


@pytest.mark.once
def test_empty_corpus(corpus, run, mistake, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    run(*command(corpus, tmp_path / "m.keras", "--source", empty, "--target", empty), status=2)
    assert "no lines" in mistake()


@pytest.mark.once
def test_spelling_to_phonemes_is_characters_to_words(run, tmp_path, capsys):
    ks.datasets.write_lines(tmp_path / "words.txt", ["cat", "act", "tac", "cc"])
    ks.datasets.write_lines(tmp_path / "sounds.txt", ["K AE T", "AE K T", "T AE K", "K K"])
    out = tmp_path / "m.keras"
    files = ("--source", tmp_path / "words.txt", "--target", tmp_path / "sounds.txt", "--out", out)
    tokens = ("--tokens", "char", "--target-tokens", "word")
    run("train", "seq2seq", *files, *TINY[2:], *tokens, "--epochs", 1)
    assert "Building the char and word vocabularies." in capsys.readouterr().out
    model = ks.models.load_model(out)
    assert isinstance(model.source_tokenizer, ks.text.CharacterTokenizer)
    assert isinstance(model.target_tokenizer, ks.text.WordTokenizer)
    assert {"K", "AE", "T"} <= {*model.target_tokenizer.vocabulary}
    run("train", "seq2seq", *files, *TINY[2:], "--source-tokens", "char", "--epochs", 1)
    model = ks.models.load_model(out)
    assert isinstance(model.target_tokenizer, ks.text.SubwordTokenizer)
    assert isinstance(model.source_tokenizer, ks.text.CharacterTokenizer)
