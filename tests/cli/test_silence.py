"""Standard error has the command's own words and nothing of any library."""

import os
import subprocess
import sys

import keras
import pytest

# All in one process: most of the time goes into starting it.
COMMANDS = """
import sys
from keras_seq.cli import main
folder = sys.argv[1]
model, files = f"{folder}/m.keras", [f"{folder}/source.txt", "--target", f"{folder}/target.txt"]
for words in (
    ["train", "seq2seq", "--source", *files, "--out", model, "--epochs", "1", "--units", "4"]
    + ["--tokens", "char", "--cell", "gru"],
    ["generate", model, "--sampler", "greedy", "--max-length", "3"],
    ["evaluate", model, "--source", *files, "--sampler", "greedy"],
    ["info", model],
    ["export", model, f"{folder}/saved", "--example", "ab"],
    ["predict", model],
):
    sys.argv = ["keras-seq", *words]
    try:
        main()
    except SystemExit as end:
        print("status", end.code, flush=True)
"""


def process(*words, stdin=None):
    """Run Python with words in a process whose shell has set nothing."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment["KERAS_BACKEND"] = keras.config.backend()
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True)


@pytest.mark.slow
def test_the_commands_are_silent(corpus, tmp_path):
    for name in ("source.txt", "target.txt"):
        (tmp_path / name).symlink_to(corpus / name)
    done = process("-c", COMMANDS, tmp_path, stdin="ab\n")
    assert done.stderr == (
        f"keras-seq: {tmp_path}/m.keras holds a Seq2Seq, which has no classes: the command for it "
        "is generate.\n"
    )
    status = [line for line in done.stdout.splitlines() if line.startswith("status")]
    assert status == ["status 0"] * 5 + ["status 2"]
    assert (tmp_path / "saved" / "1").is_dir()


SILENT = """
import logging, os, signal, sys, warnings
from keras_seq._silence import silence
with silence():
    os.write(2, b"I0000 00:00:1.5 port.cc:153] oneDNN custom operations are on.\\n")
    warnings.warn("a warning")
    logging.error("an error")
    print("word", file=sys.stderr)
    os.write(2, b"F0000 Check failed\\n")
    {end}
os.write(2, b"again")
"""


@pytest.mark.once
@pytest.mark.parametrize(
    ("end", "shown"),
    [
        ("pass", ["word", "again"]),
        ("os.abort()", ["word", "F0000 Check failed"]),
        ("os.kill(os.getpid(), signal.SIGSEGV)", ["word", "F0000 Check failed"]),
        ("raise RuntimeError('broken')", ["word", "F0000 Check failed", "RuntimeError: broken"]),
        ("sys.exit(3)", ["word"]),
    ],
)
def test_only_a_crash_shows_what_was_caught(end, shown):
    done = process("-c", SILENT.replace("{end}", end))
    lines = done.stderr.splitlines()
    traceback = [line for line in lines if line.startswith(("Traceback", "  "))]
    assert [line for line in lines if line not in traceback] == shown
    assert bool(traceback) == ("raise" in end)


@pytest.mark.once
def test_warnings_that_somebody_asks_for_are_shown():
    done = process("-W", "default", "-c", SILENT.replace("{end}", ""))
    assert "UserWarning: a warning" in done.stderr


@pytest.mark.once
def test_without_standard_error():
    script = "import os; os.close(2); import sys; sys.stderr = None\n" + SILENT
    script = script.replace("os.write(2,", "id(").replace("{end}", "print('done')")
    done = process("-c", script)
    assert done.stdout == "word\ndone\n" and done.returncode == 0


HELP = """
import sys, time
from keras_seq.cli import main
sys.argv = ["keras-seq", *sys.argv[1:], "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
heavy = {"babel", "jax", "keras", "matplotlib", "numpy", "sacrebleu", "sklearn", "tensorflow"}
print(sorted({*heavy, "torch"} & {*sys.modules}), time.process_time())
"""


@pytest.mark.once
@pytest.mark.parametrize("command", ["", "generate", "train seq2seq"])
def test_help_is_there_at_once(command):
    for _ in range(3):  # other processes may be in the way
        done = process("-c", HELP, *command.split())
        assert "Usage: keras-seq" in done.stdout and done.stderr == ""
        modules, seconds = done.stdout.splitlines()[-1].rsplit(" ", 1)
        assert modules == "[]"
        if float(seconds) < 0.5:
            return
    raise AssertionError(f"the help took {seconds} seconds of the processor")
