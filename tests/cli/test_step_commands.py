"""Commands that step graphs answer, and lines of a pipe, which are answered as they come."""

import os
import pathlib
import select
import subprocess
import sys
import types

import pytest

import keras_seq as ks
from keras_seq.cli import use_steps
from keras_seq.cli.show import stdin_batches
from keras_seq.cli.use_steps import step_folder
from keras_seq.export import load_step

STEPS = pathlib.Path(__file__).parents[2] / "saved_models" / "dates" / "step"
DATES = ["le 27 septembre 2016", "3.10.98", "May 3, 1979", "12 de agosto de 2001", ""]
pytestmark = pytest.mark.once
COMMAND = [sys.executable, "-m", "keras_seq.cli", "generate"]


@pytest.fixture(scope="module")
def model():
    return ks.models.Seq2Seq.from_preset("dates")


def unnamed(tmp_path):
    """An environment in which no backend is named."""
    environment = {name: x for name, x in os.environ.items() if name != "KERAS_BACKEND"}
    return {**environment, "KERAS_HOME": str(tmp_path)}


def test_the_steps_that_ship_are_those_of_the_model(model):
    steps, texts = load_step(STEPS), DATES + ks.datasets.dates(20, seed=7)[0]
    expected = model.generate(texts, return_scores=True)
    for one, other in zip(expected, steps.generate(texts, return_scores=True), strict=True):
        assert one["text"] == other["text"]
        assert abs(one["score"] - other["score"]) < 1e-4
    example = steps.manifest["example"]
    assert steps.generate(example["text"]) == example["answer"]["text"]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--n-best", 3, "--sampler", "beam"),
        ("--sampler", "random", "--seed", 5, "--batch-size", 1, "--temperature", 3),
        pytest.param(("--max-length", 4, "--stop-token", "0"), marks=pytest.mark.slow),
    ],
)
def test_a_folder_answers_as_the_model_does(options, model, run, capsys, tmp_path):
    model.save(tmp_path / "dates.keras")
    lines = "\n".join(DATES * 6).encode()  # more than a part of 20 lines
    printed = []
    for place in (STEPS, tmp_path / "dates.keras"):
        run("generate", place, *options, stdin=lines)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] and printed[0].count("\n") >= 29


def test_a_preset_is_answered_by_its_steps_where_no_backend_is_named(tmp_path):
    script = (
        "import sys; from keras_seq import cli; sys.argv = ['keras-seq', 'generate', 'dates']\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    print(end.code)\n"
        "print({'keras', 'tensorflow', 'torch', 'jax'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="le 27 septembre 2016\n",
        capture_output=True,
        text=True,
        env=unnamed(tmp_path),
    )
    assert done.stdout.splitlines() == ["2016-09-27", "0", "set()"], done.stderr


def test_where_the_steps_of_a_preset_do_not_answer(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert step_folder("dates") is None
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert step_folder("dates") == STEPS and step_folder(STEPS.parent) == STEPS
    assert step_folder("dates", "exhaustive") is None
    file = tmp_path / "keras.json"
    file.write_text('{"backend": "tensorflow"}')  # as Keras itself writes it
    assert step_folder("dates") == STEPS
    file.write_text('{"backend": "jax"}')
    assert step_folder("dates") is None
    file.unlink()
    assert step_folder("pos_en") is None  # it reads from both sides
    assert step_folder(STEPS.parent / "model.keras") is None
    monkeypatch.setattr(use_steps.importlib.util, "find_spec", lambda name: None)
    assert step_folder("dates") is None
    assert step_folder(STEPS) == STEPS


def test_what_step_graphs_do_not_do(run, mistake):
    run("predict", STEPS, stdin=b"a\n", status=2)
    assert "has the steps of a Seq2Seq, which has no classes" in mistake()


def test_options_that_step_graphs_do_not_have(run, mistake):
    run("generate", STEPS, "--prompt", "a", status=2)
    assert "--prompt is for a language model; the model is a translator" in mistake()


def test_lines_of_a_pipe_are_answered_as_they_come():
    command = subprocess.Popen([*COMMAND, STEPS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with command:
        for text, answer in (("le 27 septembre 2016", "2016-09-27"), ("May 3, 1979", "1979-05-03")):
            command.stdin.write(f"{text}\n".encode())
            command.stdin.flush()
            assert select.select([command.stdout], [], [], 60)[0], "nothing is answered"
            assert command.stdout.readline().decode() == f"{answer}\n"
        command.stdin.close()
        assert command.stdout.read() == b""
    assert command.returncode == 0


def batches_of_a_pipe(monkeypatch, pieces, size=1):
    """The batches that the commands read while these pieces come."""
    read, write = os.pipe()
    with open(read, "rb") as file:
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: False, buffer=file))
        batches, pieces = stdin_batches(size), list(pieces)
        while True:
            if pieces:
                os.write(write, pieces.pop(0))
            else:
                os.close(write)
                yield from batches
                return
            batch = next(batches)
            yield batch


def test_what_is_there_of_a_pipe_is_a_batch(monkeypatch):
    pieces = [b"a\nb\n", b"c\r\nhalf of "]
    batches = batches_of_a_pipe(monkeypatch, pieces)
    assert next(batches) == ["a", "b"]
    assert next(batches) == ["c"]
    assert list(batches) == [["half of "]]


def test_a_batch_ends_with_its_part(monkeypatch):
    """A part, which has a seed of its own, is 20 lines here."""
    lines = [f"{i}\n".encode() for i in range(50)]
    batches = batches_of_a_pipe(monkeypatch, [b"".join(lines[:15]), b"".join(lines[15:])])
    assert [len(batch) for batch in batches] == [15, 5, 20, 10]
