"""What a process without Python reads out of an export is what the trained model answers."""

import numpy as np
import pytest
from c_program import ask

import keras_seq as ks

pytestmark = pytest.mark.slow

TEXTS = ["ein Mann läuft", "die Größe", "東京 日本", "ok 😀", "", "zebra ¿qué? ☃", " a  b "]
BROKEN = b"ok \xff l\xc3\xa4uft"
LONG = "läuft 日本 " * 1_250  # 11,250 characters
ASKED = [*TEXTS, BROKEN.decode(errors="replace"), LONG]
REQUESTS = [
    {"text": [*TEXTS, BROKEN, LONG]},
    *({"text": [text]} for text in TEXTS),
    {"text": [BROKEN]},
    {"text": [LONG]},
    {"text": []},
]


def strings(array):
    """An array of bytes as lists of str; what is no UTF-8 is an error."""
    return [strings(one) if isinstance(one, np.ndarray) else one.decode() for one in array]


def asked_at_once_and_singly(found):
    """Check that a row of a batch is answered as it is alone, an empty batch by nothing."""
    batch, *single, empty = found
    for name, values in batch.items():
        assert len(values) == len(single) and len(empty[name]) == 0
        for value, one in zip(values, single, strict=True):
            value, one = (
                x if isinstance(x, np.ndarray) else np.array([x], values.dtype)
                for x in (value, one[name][0])
            )
            assert (value[len(one) :] == (b"" if value.dtype == object else 0)).all()
            if value.dtype == object:
                assert value[: len(one)].tolist() == one.tolist()
            else:
                np.testing.assert_allclose(value[: len(one)], one, rtol=1e-4, atol=1e-4)
    return batch


def test_translator(exported):
    model, path = exported["translator"]
    found = asked_at_once_and_singly(ask(path, "serving_default", *REQUESTS))
    answers = model.generate(ASKED, max_length=12, return_scores=True)
    assert strings(found["outputs"]) == [answer["text"] for answer in answers]
    scores = [answer["score"] for answer in answers]
    np.testing.assert_allclose(found["scores"], scores, atol=1e-4)


def test_translator_shows_its_attention(exported):
    model, path = exported["translator"]
    (found,) = ask(path, "attend", {"text": ASKED[:4]})
    answers = model.generate(ASKED[:4], max_length=12, return_attention=True)
    for i, answer in enumerate(answers):
        assert found["outputs"][i].decode() == answer["text"]
        for side in ("source_tokens", "target_tokens"):
            own = strings(found[side][i])
            count = len(answer[side])
            assert own[:count] == answer[side] and not any(own[count:])
        rows, columns = answer["attention"].shape
        own = found["attention"][i]
        np.testing.assert_allclose(own[:rows, :columns], answer["attention"], atol=1e-4)
        assert not own[rows:].any() and not own[:, columns:].any()


@pytest.mark.once
def test_language_model_goes_on(exported):
    model, path = exported["language_model"]
    found = asked_at_once_and_singly(ask(path, "serving_default", *REQUESTS))
    answers = [model.generate(text, max_length=15, return_scores=True) for text in ASKED]
    assert strings(found["outputs"]) == [answer["text"] for answer in answers]
    scores = [answer["score"] for answer in answers]
    np.testing.assert_allclose(found["scores"], scores, rtol=1e-4, atol=1e-4)


@pytest.mark.once
def test_each_request_has_its_own_temperature_and_seed(exported):
    model, path = exported["language_model"]
    lengths, temperatures = [15, 7, 1, 15, 15, 3], [0.5, 1.0, 2.0, 1.5, 1.0, 0.7]
    seeds = [0, -1, 2**31 - 1, 12, 12, 5]
    request = {
        "text": ["", "Größe", "日", "ok 😀", "ok 😀", "a"],
        "max_length": lengths,
        "temperature": temperatures,
        "seed": seeds,
    }
    extreme = {
        "text": ["ok"] * 5,
        "max_length": [0, -5, 10**6, 4, 4],
        "temperature": [1.0, 1.0, 1.0, 0.0, float("nan")],
        "seed": [0] * 5,
    }
    found, defined = ask(path, "generate", request, extreme)
    expected = [
        model.generate(
            text,
            sampler=ks.samplers.Random(temperature, top_k=20, seed=seed),
            max_length=length,
        )
        for text, length, temperature, seed in zip(*request.values(), strict=True)
    ]
    assert strings(found["outputs"]) == expected
    likeliest = model.generate("ok", sampler="greedy", max_length=4)
    longest = model.generate("ok", sampler=ks.samplers.Random(top_k=20), max_length=15)
    assert strings(defined["outputs"]) == ["ok", "ok", longest, likeliest, likeliest]


@pytest.mark.once
def test_language_model_scores(exported):
    model, path = exported["language_model"]
    found = asked_at_once_and_singly(ask(path, "score", *REQUESTS))
    answers = model.score(ASKED)
    assert set(found) == set(answers[0])
    for name, values in found.items():
        np.testing.assert_allclose(values, [answer[name] for answer in answers], rtol=1e-4)


@pytest.mark.once
def test_classifier(exported):
    model, path = exported["classifier"]
    found = asked_at_once_and_singly(ask(path, "serving_default", *REQUESTS))
    assert strings(found["labels"]) == [label or "" for label in model.classify(ASKED)]
    assert strings(found["class_names"]) == [model.class_names] * len(ASKED)
    expected = model.predict(ASKED, verbose=0)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-4)


def test_classifier_shows_its_attention(exported):
    model, path = exported["classifier"]
    (found,) = ask(path, "attend", {"text": ASKED})
    for i, answer in enumerate(model.attention(ASKED)):
        count = len(answer["tokens"])
        assert strings(found["tokens"][i])[:count] == answer["tokens"]
        np.testing.assert_allclose(found["attention"][i][:count], answer["attention"], atol=1e-4)
        assert not found["attention"][i][count:].any()


def test_a_task_of_ones_own_has_its_own_signature(exported):
    model, path = exported["classifier"]
    (found,) = ask(path, "count", {"text": TEXTS})
    assert found["counts"].tolist() == [min(len(text), model.max_length) for text in TEXTS]


@pytest.mark.once
def test_tagger(exported):
    model, path = exported["tagger"]
    found = asked_at_once_and_singly(ask(path, "serving_default", *REQUESTS))
    answers = model.tag(ASKED, return_probabilities=True)
    for i, answer in enumerate(answers):
        count = len(answer["tokens"])
        for name in ("tokens", "tags"):
            own = strings(found[name][i])
            assert own[:count] == answer[name] and not any(own[count:])
        chosen = [
            row[model.tag_names.index(tag)]
            for row, tag in zip(answer["probabilities"], answer["tags"], strict=True)
        ]
        np.testing.assert_allclose(found["probabilities"][i][:count], chosen, atol=1e-4)


@pytest.mark.parametrize("kind", ["translator", "language_model", "classifier", "tagger"])
def test_the_export_holds_no_training(exported, kind):
    """Neither the state of the optimiser nor what a training draws."""
    model, path = exported[kind]
    size = (path / "variables" / "variables.data-00000-of-00001").stat().st_size
    weights = sum(np.prod(weight.shape) * 4 for weight in model.weights)
    assert weights <= size < 1.5 * weights + 20_000
