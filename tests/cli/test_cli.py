"""The commands that use a model, called in this process."""

import json
import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image

import keras_seq as ks
from keras_seq import demo
from keras_seq.cli.show import stdin_batches

# The commands on each backend: test_silence.py.
pytestmark = pytest.mark.once

LINES = ["abc", "", "zzz", "cab"]


@pytest.fixture(scope="module")
def files(corpus):
    """The corpus, and an untrained model beside it."""
    keras.utils.set_random_seed(0)
    texts = ks.datasets.read_parallel(corpus / "source.txt", corpus / "target.txt")
    model = ks.models.Seq2Seq.from_texts(*texts, tokens="char", cell="gru", units=8)
    model.compile(sampler=ks.samplers.Beam(3))
    model.optimizer.build(model.trainable_variables)
    model.save(corpus / "model.keras")
    return corpus


def printed(capsys):
    return capsys.readouterr().out.split("\n")[:-1]


def test_generate_writes_one_line_for_each_line(files, run, capsys):
    stdin = "\n".join(LINES).encode()
    run("generate", files / "model.keras", "--sampler", "greedy", stdin=stdin)
    model = ks.models.load_model(files / "model.keras")
    assert printed(capsys) == model.generate(LINES, sampler="greedy")


def test_a_blank_line_is_answered_by_a_blank_line(files, run, capsys):
    run("generate", files / "model.keras", stdin="ab\n\n \u3000\nb\n".encode())
    found = printed(capsys)
    assert len(found) == 4 and found[1:3] == ["", ""]
    run("generate", files / "model.keras", "--n-best", 2, stdin=b"ab\n\nb\n")
    rows = [line.split("\t") for line in printed(capsys)]
    assert [row[0] for row in rows] == ["1", "1", "2", "3", "3"]
    assert rows[2][1:] == ["0.0000", ""]


def test_n_best_writes_number_score_and_answer(files, run, capsys):
    run("generate", files / "model.keras", "--n-best", 2, stdin=b"abc\ncab\n")
    model = ks.models.load_model(files / "model.keras")
    sampler = ks.samplers.Beam(3, n_best=2)  # the model's own, with the option
    expected = model.generate(["abc", "cab"], sampler=sampler, return_scores=True)
    rows = [line.split("\t") for line in printed(capsys)]
    assert [row[0] for row in rows] == ["1", "1", "2", "2"]
    assert [row[2] for row in rows] == [one["text"] for answers in expected for one in answers]
    assert float(rows[0][1]) == pytest.approx(expected[0][0]["score"], abs=1e-4)


def test_the_best_answer_of_all_with_unknown_tokens_replaced(files, run, capsys):
    command = ("generate", files / "model.keras", "--sampler", "exhaustive", "--max-nodes", 200)
    run(*command, "--replace-unknown", stdin="aé\n".encode())
    model = ks.models.load_model(files / "model.keras")
    sampler = ks.samplers.Exhaustive(max_nodes=200)
    assert printed(capsys) == model.generate(["aé"], sampler=sampler, replace_unknown=True)


def test_random_draws_again_for_each_part_of_a_file(files, run, monkeypatch, capsys):
    command = ("generate", files / "model.keras", "--sampler", "random", "--seed", 3)
    run(*command, "--batch-size", 1, "--top-k", 5, stdin=b"abc\n" * 21)
    first = printed(capsys)
    model = ks.models.load_model(files / "model.keras")
    sampler = ks.samplers.Random(seed=3, top_k=5)
    assert first[:20] == model.generate(["abc"] * 20, sampler=sampler)
    assert first[20] == model.generate(["abc"], sampler=ks.samplers.Random(seed=4, top_k=5))[0]


def test_how_long_answers_are_and_what_ends_them(files, run, capsys):
    command = ("generate", files / "model.keras", "--sampler", "random", "--temperature", 4)
    how = ("--max-length", 9, "--min-length", 2, "--stop-token", "a", "--stop-token", "c")
    run(*command, *how, stdin=b"abc\ncab\nb\n")
    model = ks.models.load_model(files / "model.keras")
    sampler = ks.samplers.Random(4.0, min_length=2)
    options = {"max_length": 9, "stop_tokens": ["a", "c"]}
    expected = model.generate(["abc", "cab", "b"], sampler, **options)
    assert printed(capsys) == expected
    assert all(len(text) > 1 and not set("ac") & set(text[:-1]) for text in expected)
    run(*command, "--max-length", 3, stdin=b"abc\n")
    assert printed(capsys) == model.generate(["abc"], ks.samplers.Random(4.0), max_length=3)


def test_an_option_of_another_sampler(files, run, mistake):
    run("generate", files / "model.keras", "--sampler", "greedy", "--top-k", 5, status=2)
    assert "--top-k is an option of --sampler random; received --sampler greedy" in mistake()


def test_evaluate_scores_what_generate_writes(files, run, capsys):
    run(
        *("evaluate", files / "model.keras", "--source", files / "source.txt"),
        *("--target", files / "target.txt", "--out", files / "scores.json"),
    )
    scores = json.loads((files / "scores.json").read_text())
    model = ks.models.load_model(files / "model.keras")
    sources, targets = ks.datasets.read_parallel(files / "source.txt", files / "target.txt")
    answers = model.generate(sources)
    assert scores["exact_match"] == np.mean([a == b for a, b in zip(answers, targets, strict=True)])
    assert scores["texts"] == len(sources)
    expected = model.evaluate(sources, targets, verbose=0, return_dict=True)["perplexity"]
    assert scores["perplexity"] == pytest.approx(expected, rel=1e-4)
    assert "chrf" in capsys.readouterr().out


def test_info_names_cell_and_tokenizers(files, run, capsys):
    run("info", files / "model.keras")
    out = capsys.readouterr().out
    assert "GRUCell" in out and "CharacterTokenizer, 7 ids" in out
    assert "input feeding" not in out  # what is as always is left out


def test_damaged_and_foreign_models(files, run, mistake, tmp_path):
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes((files / "model.keras").read_bytes()[:1000])
    run("info", damaged, status=2)
    assert "damaged" in mistake()

    foreign = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(foreign)
    run("info", foreign, status=2)
    assert "not a keras_seq task model" in mistake()

    run("info", tmp_path / "missing.keras", status=2)
    assert "There is no file" in mistake()


def test_unknown_sampler(files, run, mistake):
    run("generate", files / "model.keras", "--sampler", "oracle", status=2)
    assert "'greedy', 'beam'" in mistake()


def test_broken_utf8_on_standard_input(files, run, mistake):
    run("generate", files / "model.keras", stdin=b"abc\n\xff\n", status=2)
    assert "standard input, line 2: byte 0xff" in mistake()


def test_typed_lines_are_answered_one_by_one(monkeypatch):
    typed = types.SimpleNamespace(isatty=lambda: True, buffer=[b"a\n", b"b\r\n"])
    monkeypatch.setattr(sys, "stdin", typed)
    assert list(stdin_batches(64)) == [["a"], ["b"]]


@pytest.mark.slow
def test_demo_writes_model_and_figures(tmp_path, monkeypatch, run, capfd):
    monkeypatch.setattr(demo, "UNSEEN", 20)
    run("demo", "--out", tmp_path, "--pairs", 100, "--epochs", 1)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["attention.png", "dates.keras", "saved_models", "training.png"]
    assert Image.open(tmp_path / "attention.png").size[0] > 300
    answer = keras.saving.load_model(tmp_path / "dates.keras").generate("27 September 2016")
    assert isinstance(answer, str)
    out, err = capfd.readouterr()
    assert err == "" and "Exact match on 20 unseen dates: 0." in out
    assert "Asked in a fresh process, the export answers:" in out
    assert "Best exact match that any model can reach on them: 1.0000." in out
