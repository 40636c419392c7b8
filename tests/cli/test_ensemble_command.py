"""The command that makes one model of several, and the commands that use it."""

import json

import numpy as np
import pytest
from checks import array

import keras_seq as ks

# The commands on each backend: test_silence.py.
pytestmark = pytest.mark.once

SOURCES = ["abc", "cab", "bca", "aab"]
TARGETS = [text[::-1] for text in SOURCES]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, units in (("a", 4), ("b", 4), ("c", 5)):
        model = ks.models.Seq2Seq.from_texts(
            SOURCES, TARGETS, tokens="char", units=units, cell="gru"
        )
        model.compile(sampler="beam")
        model.save(folder / f"{name}.keras")
    ks.datasets.write_lines(folder / "source.txt", SOURCES)
    ks.datasets.write_lines(folder / "target.txt", TARGETS)
    return folder


def test_several_models_become_one_that_is_used_like_them(files, run, capsys):
    out = files / "all.keras"
    run("ensemble", files / "a.keras", files / "c.keras", "--out", out)
    assert f"Wrote {out}: 2 models" in capsys.readouterr().out
    model = ks.models.load_model(out)
    assert isinstance(model, ks.models.Ensemble) and isinstance(model, ks.models.Seq2Seq)
    run("generate", out, stdin="\n".join(SOURCES).encode())
    assert capsys.readouterr().out.splitlines() == model.generate(SOURCES)
    pair = ("--source", files / "source.txt", "--target", files / "target.txt")
    run("evaluate", out, *pair, "--out", files / "scores.json")
    perplexity = model.evaluate(SOURCES, TARGETS, verbose=0, return_dict=True)["perplexity"]
    scores = json.loads((files / "scores.json").read_text())
    assert scores["perplexity"] == pytest.approx(float(perplexity), rel=1e-5)
    capsys.readouterr()
    run("info", out)
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (shown["model"], shown["models"], shown["sampler"][:4]) == (
        "Seq2SeqEnsemble",
        "2",
        "Beam",
    )


def test_the_weights_of_several_files_are_averaged(files, run):
    paths = [files / "a.keras", files / "b.keras"]
    run("ensemble", *paths, "--average", "--out", files / "mean.keras")
    found, *models = map(ks.models.load_model, (files / "mean.keras", *paths))
    assert type(found) is ks.models.Seq2Seq
    for weight, *others in zip(found.weights, *(model.weights for model in models), strict=True):
        expected = np.mean([array(other) for other in others], axis=0)
        np.testing.assert_allclose(array(weight), expected, atol=1e-7)


def test_mistakes(files, run, mistake):
    run("ensemble", files / "a.keras", files / "no.keras", "--out", files / "x.keras", status=2)
    assert "There is no file" in mistake()
    run("ensemble", files / "a.keras", "--out", files / "a.keras", status=2)
    assert "is read from" in mistake()
    paths = files / "a.keras", files / "c.keras"
    run("ensemble", *paths, "--average", "--out", files / "x.keras", status=2)
    assert "differ in cell, units" in mistake()
    assert not (files / "x.keras").exists()
