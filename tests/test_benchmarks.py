"""What the benchmarks share, and the translator that they measure against."""

import doctest
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from benchmarks import timing
from benchmarks.captions import PAIRS, captions


def test_functions_take_turns_and_the_warm_up_is_dropped():
    calls = []
    found = timing.interleaved(
        {name: lambda name=name: calls.append(name) for name in "abc"}, repeats=3, warmup=2
    )
    assert {name: len(seconds) for name, seconds in found.items()} == {"a": 3, "b": 3, "c": 3}
    assert all(second >= 0 for seconds in found.values() for second in seconds)
    rounds = [calls[k : k + 3] for k in range(0, len(calls), 3)]
    assert len(rounds) == 5 and all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert [one[0] for one in rounds] == ["a", "b", "c", "a", "b"]


def test_a_function_may_say_which_seconds_count():
    counted = iter([1.0, 2.0, 4.0])
    assert timing.interleaved({"f": lambda: next(counted)}, repeats=2) == {"f": [2.0, 4.0]}


def test_a_table_puts_words_to_the_left_and_numbers_to_the_right():
    found = timing.table(["name", "n"], [["one", 1], ["twelve", 1234567], ["none", None]])
    assert found.splitlines() == [
        "name            n",
        "------  ---------",
        "one             1",
        "twelve  1,234,567",
        "none",
    ]


def test_the_example_of_a_table_runs():
    found = doctest.testmod(timing)
    assert found.attempted and not found.failed


def test_a_report_that_fails_leaves_the_one_before(tmp_path):
    path = tmp_path / "speed.json"
    timing.write_json(path, {"ms": [1.5, None]})
    with pytest.raises(TypeError, match="not JSON serializable"):
        timing.write_json(path, {"ms": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ms": [1.5, None]}
    assert [file.name for file in tmp_path.iterdir()] == ["speed.json"]


def test_a_report_holds_the_machine_and_what_was_added(tmp_path, capsys):
    path = tmp_path / "speed.json"
    options = timing.parser("Speed.", 3).parse_args(["--json", str(path), "--quick"])
    report = timing.Report("speed", options, gemm=False)
    report.add("LSTM", ["system", "ms"], [["ours", 1.25]], [{"system": "ours", "seconds": 0.00125}])
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["machine"]["backend"] == keras.config.backend()
    assert written["machine"]["cores"] >= 1 and written["machine"]["keras"] == keras.__version__
    assert written["options"]["quick"] and written["options"]["repeats"] == 3
    assert written["results"] == [{"system": "ours", "seconds": 0.00125}]
    assert "ours    1.25" in capsys.readouterr().out


def test_without_the_files_sentences_are_as_long_as_those_of_multi30k(monkeypatch):
    monkeypatch.delenv("KERAS_SEQ_DATA", raising=False)
    *columns, origin = captions("val")
    assert "KERAS_SEQ_DATA is not set" in origin
    lengths = np.array([[len(text.split()) for text in texts] for texts in columns])
    assert lengths.shape == (2, PAIRS["val"])
    np.testing.assert_allclose(lengths.mean(axis=1), [12.6, 13.1], rtol=0.1)
    assert np.corrcoef(lengths)[0, 1] > 0.4


on_torch = pytest.mark.skipif(keras.config.backend() != "torch", reason="PyTorch alone")


@on_torch
def test_the_peer_learns_to_copy():
    import torch

    from benchmarks.peers.torch_translator import TorchTranslator, train_step

    torch.manual_seed(0)
    model = TorchTranslator(7, 7, embedding=8, hidden=16, layers=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    labels = torch.randint(3, 7, (16, 3))
    fed = torch.cat([torch.ones(16, 1, dtype=torch.long), labels[:, :-1]], dim=1)
    losses = [train_step(model, optimizer, labels, fed, labels) for _ in range(60)]
    assert losses[-1] < losses[0] / 2


@on_torch
def test_padding_of_a_source_changes_nothing_for_the_peer():
    import torch

    from benchmarks.peers.torch_translator import TorchTranslator

    model = TorchTranslator(7, 9, embedding=4, hidden=5, layers=2)
    source, fed = torch.tensor([[3, 4, 5], [6, 2, 0]]), torch.tensor([[1, 3, 4, 8], [1, 5, 7, 2]])
    logits = model(source, fed, torch.tensor([3, 2]))
    assert logits.shape == (2, 4, 9)
    for row, length in enumerate((3, 2)):
        alone = model(source[row : row + 1, :length], fed[row : row + 1])
        torch.testing.assert_close(logits[row], alone[0])


@pytest.mark.slow
@pytest.mark.once
def test_the_script_for_a_gpu_runs_on_a_cpu(tmp_path):
    root = pathlib.Path(__file__).parents[1]
    script = root / "benchmarks" / "gpu" / "run.sh"
    environment = {**os.environ, "BACKENDS": "torch", "PYTHON": sys.executable}
    command = ["sh", str(script), "--quick", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    speed = json.loads((tmp_path / "speed_torch.json").read_text(encoding="utf-8"))
    systems = {result["system"] for result in speed["results"]}
    assert {"keras_seq", "Keras", "torch packed", "luong, beam 5"} <= systems
    numbers = json.loads((tmp_path / "numbers_torch.json").read_text(encoding="utf-8"))
    assert len(numbers["differences"]) > 50 and max(numbers["differences"].values()) < 1e-5
    # Numbers that are not those of the reference are listed, and the script says so.
    with np.load(tmp_path / "cpu.npz") as reference:
        arrays = dict(reference)
    arrays["large LSTM/000"][0, 0, 0] += 0.01
    np.savez(tmp_path / "other.npz", **arrays)
    part = ["-m", "benchmarks.gpu.numbers", "--read", str(tmp_path / "other.npz"), "--only", "LSTM"]
    command = [sys.executable, "-W", "ignore", *part, "--short"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 1 and "large LSTM: 1.0e-02" in done.stdout
