"""What a worker does with each kind of model, and what it refuses; the engines are elsewhere."""

import pathlib

import pytest

import keras_seq as ks
from keras_seq.distributed.answering import load, locate

DATES = pathlib.Path(__file__).parents[2] / "saved_models" / "dates"
TEXTS = ["le 27 septembre 2016", "", "3.10.98", "12 de agosto de 2001", " ", "May 3, 1979"]
ANSWERS = ["2016-09-27", "", "1998-10-03", "2001-08-12", "", "1979-05-03"]
pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("model", "kind", "options"),
    [
        ("dates", "keras", {"sampler": "greedy"}),
        (DATES / "model.keras", "keras", {"max_length": 12}),
        (DATES / "step", "steps", {"sampler": "beam", "width": 2}),
        (DATES, "saved_model", {}),
        (DATES / "1", "saved_model", {}),
    ],
    ids=str,
)
def test_each_kind_of_model_answers(model, kind, options, monkeypatch, tmp_path):
    place = locate(model)
    assert place[0] == kind
    monkeypatch.chdir(tmp_path)  # a worker may be anywhere
    answer = load(*place, {"batch_size": 2, **options})
    assert answer(TEXTS) == ANSWERS
    assert answer([]) == []


def test_places_do_not_depend_on_the_folder(monkeypatch):
    monkeypatch.chdir(DATES)
    assert locate("step") == ("steps", str(DATES / "step"))
    assert locate("1") == ("saved_model", str(DATES / "1"))
    assert locate("model.keras") == ("keras", str(DATES / "model.keras"))
    assert locate("dates") == ("keras", "dates")  # each machine has presets of its own


@pytest.mark.parametrize("model", ["none.keras", "no-preset", "no/folder", ""])
def test_a_model_that_is_not_there(model):
    with pytest.raises(ValueError, match="There is no"):
        locate(model)


@pytest.mark.parametrize("model", ["dates", DATES / "step"])
def test_no_sampler_that_draws(model):
    with pytest.raises(ValueError, match="by a sampler that does not draw"):
        load(*locate(model), {"batch_size": 64, "sampler": "random"})


def test_what_a_model_must_be():
    with pytest.raises(ValueError, match=r"must be a model that writes texts; .* a TextTagger"):
        load(*locate("pos_en"), {"batch_size": 64})
    with pytest.raises(ValueError, match="searches as it was exported; received sampler, width"):
        load(*locate(DATES), {"batch_size": 64, "sampler": "beam", "width": 2})


def test_what_a_data_set_must_be():
    with pytest.raises(ValueError, match=r"`dataset` must be .*; received list"):
        ks.distributed.generate(["3 May 1979"], "dates")
