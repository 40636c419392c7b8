"""What signature.json says."""

import json
import pathlib

import pytest
from tiny_export import ABOUT, SIGNATURES, served, tiny

from keras_seq.export import Field, Signature
from keras_seq.export.description import as_json, describe, predictions, read_json, write_json


def test_it_says_what_goes_in_and_what_comes_out():
    found = read_json(pathlib.Path(tiny()) / "3")
    assert found["about"] == ABOUT
    assert list(found["signatures"]) == ["serving_default", "attend", "weigh"]
    plain = found["signatures"]["serving_default"]
    assert plain["about"] == "Says it louder."
    assert plain["inputs"] == {
        "text": {"dtype": "string", "shape": [None], "about": "the texts, UTF-8"}
    }
    assert found["signatures"]["attend"]["outputs"]["attention"]["shape"] == [None, None]


def test_examples_are_those_of_the_rest_api():
    found = read_json(pathlib.Path(tiny()) / "3")["signatures"]
    assert found["serving_default"]["example"] == {
        "request": {
            "signature_name": "serving_default",
            "instances": [{"text": "a naïve 日本 😀"}, {"text": "b"}],
        },
        "response": {
            "predictions": [
                {"outputs": "A NAÏVE 日本 😀", "scores": -4.0},
                {"outputs": "B", "scores": -0.333333},
            ]
        },
    }
    assert found["attend"]["example"]["response"]["predictions"][1] == {
        "tokens": ["b", "", "", ""],
        "attention": [1.0, 0.0, 0.0, 0.0],
    }
    # a single output: its values alone
    assert found["weigh"]["example"] == {
        "request": {
            "signature_name": "weigh",
            "instances": [{"number": 7, "factor": 2}, {"number": 1, "factor": 0.1}],
        },
        "response": {"predictions": [14.0, 0.1]},
    }


def test_the_file_is_read_by_people_too(tmp_path):
    description = read_json(pathlib.Path(tiny()) / "3")
    text = write_json(tmp_path, description).read_text(encoding="utf-8")
    assert json.loads(text) == description == read_json(tmp_path)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100 and len(lines) > 30
    assert '"text": {"dtype": "string", "shape": [null], "about": "the texts, UTF-8"}' in text
    assert "naïve 日本 😀" in text


def test_what_json_has_not():
    found = as_json({"a": [float("nan"), -float("inf"), 1e-20, 123456.789, True], "b": "\ud800"})
    assert found == {"a": [None, None, 1e-20, 123457.0, True], "b": "\ufffd"}
    assert predictions({"outputs": [float("inf")]}) == {"predictions": [None]}
    assert predictions({"outputs": []}) == {"predictions": []}


def test_an_example_that_the_export_refuses():
    one = SIGNATURES[2]
    broken = Signature(
        *(one.name, one.about, one.function, one.inputs),
        {"weights": Field("float32", "the product")},
        {"number": [-1], "factor": [1.0]},
    )
    with pytest.raises(ValueError, match=r"weigh refuses: .*a negative number"):
        describe([broken], ABOUT, served())


def test_a_file_that_says_nothing(tmp_path):
    assert read_json(tmp_path) is None
    for text, message in (("{", "is no JSON"), ("[]", "must be an object with `signatures`")):
        (tmp_path / "signature.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            read_json(tmp_path)
