"""Training commands on several devices."""

import os
import re
import signal
import subprocess
import sys
import time

import keras
import pytest
from checks import free_port

import keras_seq as ks
from keras_seq.cli.training import INTERRUPTED

CLASSIFIER = ("train", "classifier", "--train", "train.tsv", "--units", "4", "--tokens", "word")
CLASSIFIER += ("--out", "o.keras", "--batch-size", "4")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{'so ' * (i % 5)}fine\tgood" if i % 2 else f"dull {i % 3}\tbad" for i in range(22)]
    ks.datasets.write_lines("train.tsv", ["text\tlabel", *rows])
    return tmp_path


MEET = ("--coordinator", "127.0.0.1:1", "--workers", "2")


@pytest.mark.once
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--devices", "100", "--batch-size", "100"),
            "`devices` must be from 1 to [0-9]+",
        ),
        (("--devices", "0"), "`devices` must be from 1 to"),
        (("--devices", "3"), "--batch-size must be a multiple of 3, .*; received 4"),
        (("--workers", "2"), "--workers goes with --coordinator"),
        (("--worker", "0"), "--worker goes with --coordinator"),
        ((*MEET, "--devices", "2", "--worker", "0"), "--devices and --coordinator exclude"),
        (MEET, "--coordinator needs --workers and --worker"),
        ((*MEET, "--worker", "2"), "`worker` must be an integer from 0 to 1, .*; received 2"),
        ((*MEET, "--worker", "0", "--batch-size", "5"), "--batch-size must be a multiple of 2"),
        ((*MEET, "--worker", "0", "--timeout", "0"), "`timeout` must be a finite number above 0"),
        (("--devices", "2", "--out", "train.tsv/o.keras"), "train.tsv/o.keras cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line(run, mistake, folder, words, message):
    run(*CLASSIFIER, *words, status=2)
    assert re.search(message, mistake())
    assert os.listdir() == ["train.tsv"]


def started(index, port, *words):
    """A worker, in a process of its own."""
    command = [sys.executable, "-m", "keras_seq.cli", *CLASSIFIER, *words]
    command += ["--coordinator", f"127.0.0.1:{port}", "--workers", "2", "--worker", str(index)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes)


@pytest.mark.slow
def test_a_coordinator_that_does_not_answer(folder):
    port = free_port()
    worker = started(1, port, "--timeout", "5")
    _, errors = worker.communicate(timeout=600)
    assert worker.returncode not in (0, None)
    assert (
        f"keras-seq: The 2 workers must meet at the coordinator 127.0.0.1:{port}; they did not "
        f"within 5 s: nothing answers at 127.0.0.1:{port}.\n"
    ) in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_files_must_be_the_same(folder):
    (folder / "other").mkdir()
    ks.datasets.write_lines("other.tsv", ["text\tlabel", "fine\tgood", "dull\tbad"])
    port = free_port()
    workers = [started(0, port), started(1, port, "--train", "other.tsv")]
    for worker in workers:
        _, errors = worker.communicate(timeout=600)
        assert worker.returncode == 2
        assert "--train of worker 1 differs from that of worker 0" in errors


def wait_for_an_epoch(folder):
    """Wait until the state of a second epoch is written."""
    deadline, seen = time.monotonic() + 600, set()
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        seen |= {file.stat().st_mtime_ns for file in folder.glob("o.keras.state")}


@pytest.mark.slow
def test_a_killed_worker_ends_the_others_and_all_go_on_until_ctrl_c(folder):
    port = free_port()
    workers = [started(index, port, "--epochs", "100000") for index in range(2)]
    wait_for_an_epoch(folder)
    workers[1].send_signal(signal.SIGKILL)
    began = time.monotonic()
    output, errors = workers[0].communicate(timeout=600)
    assert time.monotonic() - began < 60
    workers[1].communicate()
    assert workers[0].returncode not in (0, None)
    assert "keras-seq: Another worker has ended" in errors or keras.config.backend() == "jax"
    assert "Epoch" in output
    port = free_port()
    workers = [started(index, port, "--epochs", "100000", "--resume") for index in range(2)]
    wait_for_an_epoch(folder)
    workers[1].send_signal(signal.SIGINT)
    outputs = [worker.communicate(timeout=600) for worker in workers]
    ends = [worker.returncode for worker in workers]
    assert ends == [INTERRUPTED, INTERRUPTED], [errors[-3000:] for _, errors in outputs]
    assert "Going on with epoch" in outputs[0][0]
    assert "Stopped. o.keras has the model so far" in outputs[0][0]
    assert "Epoch" not in outputs[1][0] and "Stopped" not in outputs[1][0]  # worker 0 alone speaks
    assert ks.models.load_model("o.keras").classify(["fine"])
    assert (folder / "o.keras.state").exists()


@pytest.mark.slow
def test_devices_of_this_machine(folder):
    words = [*CLASSIFIER, "--epochs", "2", "--devices", "2"]
    command = [sys.executable, "-m", "keras_seq.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Wrote o.keras") == 1
    assert not (folder / "o.keras.state").exists()
    assert ks.models.load_model("o.keras").classify(["fine"])
