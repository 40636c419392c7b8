"""The code in the README runs as it stands, on less data."""

import pathlib
import re

import pytest

import keras_seq as ks

README = pathlib.Path(__file__).parent.parent / "README.md"


@pytest.fixture
def few_dates(monkeypatch):
    all_dates = ks.datasets.dates
    monkeypatch.setattr(ks.datasets, "dates", lambda n, seed: all_dates(300, seed=seed))


@pytest.mark.slow
@pytest.mark.once
def test_python_of_the_readme_runs(few_dates, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 16
    names = {}
    for block in blocks:
        if block.startswith("import grpc"):
            continue  # it asks a server: tests/export/test_grpc_client.py
        names["keras"] = __import__("keras")
        exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "dates.keras").exists() and (tmp_path / "attention.png").exists()
    assert (tmp_path / "saved_models" / "dates" / "1" / "saved_model.pb").exists()
    assert (tmp_path / "flow.png").exists() and (tmp_path / "norms.png").exists()
    sources, targets = names["sources"], names["targets"]
    names["model"].compile()
    loss = names["model"].fit(sources, targets, epochs=2, verbose=0).history["loss"]
    assert loss[1] < loss[0]
