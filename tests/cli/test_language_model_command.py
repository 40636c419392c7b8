"""Language models from the command line: train, go on, write, score."""

import json
import math

import pytest

import keras_seq as ks

# The commands on each backend: test_silence.py.
pytestmark = pytest.mark.once

TEXT = "a rose is a rose\nis a rose\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a text and a trained model."""
    folder = tmp_path_factory.mktemp("language_model")
    (folder / "train.txt").write_text(TEXT * 8)
    (folder / "val.txt").write_text(TEXT)
    return folder


SMALL = ("--units", 8, "--window", 9, "--batch-size", 4, "--cell", "gru")


@pytest.fixture
def trained(files, run):
    """The model, trained by the command once."""
    if not (files / "m.keras").exists():
        data = ("--train", files / "train.txt", "--val", files / "val.txt")
        run("train", "lm", *data, "--out", files / "m.keras", "--epochs", 2, *SMALL)
        assert not (files / "m.keras.state").exists()
    return files / "m.keras"


def test_a_prompt_is_gone_on_from(trained, run, capsys):
    capsys.readouterr()
    search = ("--sampler", "random", "--seed", 4, "--max-length", 12)
    run("generate", trained, "--prompt", "a r", "--count", 2, *search)
    model = ks.models.load_model(trained)
    sampler = ks.samplers.Random(seed=4)
    expected = model.generate(["a r"] * 2, sampler, 12)
    assert capsys.readouterr().out == "".join(text + "\n" for text in expected)


def test_each_line_of_standard_input_is_a_prompt(trained, run, capsys):
    capsys.readouterr()
    run("generate", trained, "--sampler", "greedy", "--max-length", 9, stdin=b"a\nis a\n")
    model = ks.models.load_model(trained)
    expected = [" ".join(t.splitlines()) for t in model.generate(["a", "is a"], "greedy", 9)]
    assert capsys.readouterr().out.splitlines() == expected


def test_evaluate_scores_the_text_and_the_samples(trained, files, run):
    data = ("--data", files / "val.txt", "--reference", files / "train.txt", "--samples", 2)
    run("evaluate", trained, *data, "--out", files / "s.json")
    scores = json.loads((files / "s.json").read_text())
    found = ks.models.load_model(trained).score(TEXT)
    assert scores["perplexity"] == pytest.approx(found["perplexity"], rel=1e-5)
    assert scores["cross_entropy"] == pytest.approx(math.log(found["perplexity"]), rel=1e-5)
    assert scores["bits_per_character"] == pytest.approx(found["bits_per_character"], rel=1e-5)
    assert 0 <= scores["samples_known_words"] <= 1
    run("evaluate", trained, "--data", files / "val.txt", "--lines", "--out", files / "l.json")
    assert json.loads((files / "l.json").read_text())["texts"] == 2


def test_info_says_what_it_is(trained, run, capsys):
    run("info", trained)
    assert "LanguageModel" in capsys.readouterr().out


def test_mistakes_are_one_line(trained, files, run, mistake):
    run("predict", trained, stdin=b"a\n", status=2)
    assert "holds a LanguageModel, which has no classes" in mistake()
    run("evaluate", trained, "--source", files / "val.txt", status=2)
    assert "evaluated on --data" in mistake()
    run("generate", trained, "--replace-unknown", "--prompt", "a", status=2)
    assert "for a translator" in mistake()
    run("generate", trained, "--count", 2, status=2)
    assert "--count counts texts from one --prompt" in mistake()
    (files / "empty.txt").write_text("\n")
    run("train", "lm", "--train", files / "empty.txt", "--out", files / "e.keras", status=2)
    assert "has no text" in mistake()
