"""`generate` and `predict` from files into a folder: killed and begun again, and by two at once."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

import keras_seq as ks
from keras_seq.datasets import read_lines, write_lines

STEPS = pathlib.Path(__file__).parents[2] / "saved_models" / "dates" / "step"
COMMAND = [sys.executable, "-m", "keras_seq.cli", "generate", STEPS, "--sampler", "greedy"]
DATES = ks.datasets.dates(30, seed=7)[0]
pytestmark = pytest.mark.once


def whole(folder):
    return [line for path in sorted(folder.glob("*.txt")) for line in read_lines(path)]


def texts(tmp_path, lines, name="in.txt"):
    write_lines(tmp_path / name, lines)
    return "--input", tmp_path / name, "--output", tmp_path / "out"


@pytest.fixture
def from_stdin(run, capsys):
    """What `keras-seq words` writes for lines of standard input."""

    def answers(*words, lines):
        capsys.readouterr()
        run(*words, stdin="\n".join(lines).encode())
        return capsys.readouterr().out.split("\n")[:-1]

    return answers


@pytest.mark.parametrize(
    ("options", "times"),
    [
        (("--sampler", "greedy"), 1),
        (("--sampler", "beam", "--n-best", 2), 2),
        # Parts of 20 lines, each with noise of its own, lie across the blocks of 7.
        (("--sampler", "random", "--temperature", 3, "--batch-size", 1), 1),
    ],
)
def test_files_are_answered_as_standard_input_is(options, times, from_stdin, run, tmp_path):
    lines = [*DATES[:20], "", "  ", *DATES[20:]]
    expected = from_stdin("generate", STEPS, *options, lines=lines)
    files = texts(tmp_path, lines, "in.txt.gz")
    for shard in ("1/2", "2/2"):
        run("generate", STEPS, *options, *files, "--block-size", 7, "--shard", shard)
    assert whole(tmp_path / "out" / "in.txt.gz") == expected
    assert len(expected) == times * 30 + 2  # what is blank has one answer
    assert sum(not line.split("\t")[-1] for line in expected) == 2


def test_a_preset_and_a_model_file(from_stdin, run, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # the model itself answers, not its step graphs
    expected = from_stdin("generate", "dates", lines=DATES[:12])
    run("generate", "dates", *texts(tmp_path, DATES[:12]), "--block-size", 5)
    assert whole(tmp_path / "out" / "in.txt") == expected
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4 and said[0].endswith("000000000.txt: 5 lines")
    run("generate", "dates", *texts(tmp_path, DATES[:12]), "--block-size", 5, status=2)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    path = tmp_path_factory.mktemp("tagger") / "tagger.keras"
    model = ks.models.TextTagger.from_texts(["Bo saw"], ["P V"], units=4, embedding_dim=4)
    model.save(path)
    return path


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "classifier.keras"
    model = ks.models.TextClassifier.from_texts(["fine", "dull"], ["a", "b"], units=4)
    model.save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "options"),
    [("tagger", ()), ("tagger", ("--format", "conll")), ("classifier", ("--probabilities",))],
)
def test_classes_and_tags_of_files(kind, options, request, from_stdin, run, tmp_path):
    model, lines = request.getfixturevalue(kind), ["Bo saw", "", "fine saw dull", "Bo"]
    expected = from_stdin("predict", model, *options, lines=lines)
    run("predict", model, *options, *texts(tmp_path, lines), "--block-size", 3)
    assert whole(tmp_path / "out" / "in.txt") == expected


def test_killed_and_begun_again(from_stdin, tmp_path):
    """A SIGKILL half-way loses the block in work; two shards go on at once."""
    lines = [line for i in range(8) for line in (*DATES, "", f"{i + 1} May 1979")]
    expected = from_stdin("generate", STEPS, "--sampler", "greedy", lines=lines)
    command = [*COMMAND, *texts(tmp_path, lines), "--block-size", "16"]
    out = tmp_path / "out" / "in.txt"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        for _ in range(6000):
            if len([*out.glob("0*.txt")]) >= 4 or process.poll() is not None:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in sorted(out.glob("0*.txt"))}
    assert 4 <= len(before) < 16
    for i, path in enumerate(before):  # each is whole
        assert read_lines(path) == expected[16 * i : 16 * i + 16]
    shards = [
        subprocess.Popen([*command, "--shard", f"{i}/2"], stdout=subprocess.PIPE, text=True)
        for i in (1, 2)
    ]
    said = [process.communicate(timeout=300)[0].splitlines() for process in shards]
    assert [process.returncode for process in shards] == [0, 0]
    assert sum(len(rows) - 1 for rows in said) == 16 - len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before  # none was made anew
    assert whole(out) == expected and len(expected) == len(lines)
    assert sorted(os.listdir(out)) == [f"{i:09}.txt" for i in range(16)]


def test_another_start_is_refused(run, mistake, tmp_path):
    files = texts(tmp_path, DATES[:3])
    run("generate", STEPS, "--sampler", "greedy", *files)
    run("generate", STEPS, "--sampler", "beam", *files, status=2)
    assert "begun with --sampler 'greedy'; received 'beam'" in mistake()
    run("generate", STEPS, "--sampler", "greedy", "--block-size", 2, *files, status=2)
    assert "begun with block_size 10000; received 2" in mistake()
    run("generate", STEPS.parent / "model.keras", "--sampler", "greedy", *files, status=2)
    assert "begun with model " in mistake()
    write_lines(tmp_path / "in.txt", DATES[:4])
    run("generate", STEPS, "--sampler", "greedy", *files, status=2)
    assert "answers to other texts: the file in.txt was changed since" in mistake()


def test_what_files_cannot_be(run, mistake, tmp_path):
    files = texts(tmp_path, DATES[:3])
    run("generate", STEPS, *files[:2], status=2)
    assert mistake() == "keras-seq: --input must be given together with --output."
    run("generate", STEPS, *files[2:], status=2)
    assert mistake() == "keras-seq: --output must be given together with --input."
    run("predict", "none.keras", "--shard", "1/2", status=2)
    assert mistake() == "keras-seq: --shard must be given together with --input."
    run("generate", STEPS, *files, "--shard", "3/2", status=2)
    assert mistake() == "keras-seq: `shard` must be I/N, with I from 1 to N; received '3/2'."
    run("generate", STEPS, *files, "--prompt", "27", status=2)
    assert "--prompt and --input are two sources" in mistake()
    run("generate", STEPS, "--input", tmp_path / "*.gz", *files[2:], status=2)
    assert "There is no file" in mistake()
    run("generate", STEPS, *files[:3], tmp_path / "in.txt" / "out", status=2)
    assert "out cannot be written to" in mistake()
    run("generate", STEPS, *files[:3], tmp_path, status=2)
    assert "There is no file" in (said := mistake()) and f"outside of {tmp_path}" in said
    write_lines(tmp_path / "other" / "notes.txt", [])
    run("generate", STEPS, *files[:3], tmp_path / "other", status=2)
    assert "must be a new folder" in mistake()
    run("generate", "none.keras", *files, status=2)
    assert "none.keras" in mistake()
    run("predict", STEPS, *files, status=2)
    assert "has no classes" in mistake()
    assert not (tmp_path / "out").exists()  # nothing is begun before the model is there
